// The producer state beside the plainest model there is: a list of what was appended, and Kafka's rules read off it. Appends
// overlap, complete late, and fail; the model simply pretends that everything in flight was written already.
import { expect, test } from 'vitest';
import { seededRandom, type Random } from '../../src/base/random.js';
import { ProducerStateManager, Verdict } from '../../src/log/producer-state.js';

const LARGEST = 0x7fffffff;

interface Batch {
  readonly producer: number;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly transactional: boolean;
  readonly timestamp: number;
  baseOffset: number;
}

const step = (sequence: number, by: number): number => (sequence + by) % (LARGEST + 1);

/** Kafka's answer, were `history` in the log and nothing else. `duplicate` carries the batch. */
function judge(history: readonly Batch[], batch: Batch): { verdict: string; original?: Batch } {
  const own = history.filter(each => each.producer === batch.producer);
  const latest = own.at(-1);
  if (latest === undefined) return { verdict: 'accept' };
  // Only batches since the last change of epoch are remembered, and five of them.
  const change = own.findLastIndex((each, index) => index > 0 && own[index - 1]!.epoch !== each.epoch);
  const remembered = own.slice(Math.max(change, 0)).slice(-5);
  const original = remembered.find(each => each.epoch === batch.epoch && each.first === batch.first && each.last === batch.last);
  if (original !== undefined) return { verdict: 'duplicate', original };
  if (batch.epoch < latest.epoch) return { verdict: 'invalidEpoch' };
  const expected = batch.epoch === latest.epoch ? step(latest.last, 1) : 0;
  if (batch.first !== expected) return { verdict: 'outOfOrder' };
  return { verdict: own.some(each => each.transactional) && !batch.transactional ? 'invalidTransactionState' : 'accept' };
}

function randomBatch(random: Random, history: readonly Batch[]): Batch {
  const producer = random.int(3);
  const own = history.filter(each => each.producer === producer);
  const latest = own.at(-1);
  const count = 1 + random.int(3);
  const made = (epoch: number, first: number): Batch =>
    ({ producer, epoch, first, last: step(first, count - 1), count, transactional: own.some(each => each.transactional) ? random.int(8) > 0 : random.int(60) === 0, timestamp: random.int(10_000), baseOffset: -1 });
  if (latest === undefined) return made(random.int(2), random.int(2) === 0 ? 0 : LARGEST - random.int(6));
  switch (random.int(8)) {
    case 0: return { ...own[random.int(own.length)]!, baseOffset: -1 };
    case 1: return made(latest.epoch, step(latest.last, random.int(4)));
    case 2: return made(latest.epoch + 1, random.int(3) === 0 ? 1 : 0);
    case 3: return made(Math.max(0, latest.epoch - 1), 0);
    case 4: return { ...own.slice(-random.int(7) - 1)[0]!, baseOffset: -1 };
    default: return made(latest.epoch, step(latest.last, 1));
  }
}

test('random producers, late completions and failures: the same answers as the model (seeds 1 to 30)', () => {
  const seen = new Map<string, number>();
  for (let seed = 1; seed <= 30; seed++) {
    const random = seededRandom(seed);
    const state = new ProducerStateManager({ expirationMs: () => Infinity });
    const written: Batch[] = [];
    let inFlight: Batch[] = [];
    /** Failures the log thread has yet to tell; they come before any completion of what was submitted later. */
    let failuresToTell: Batch[] = [];
    /** Those of them that were not decided about again: what comes behind them waits. */
    let owed: Batch[] = [];
    const leaving: Batch[] = [];
    // The first of those that look alike: which one it was nobody can tell.
    const forget = ({ producer, epoch, first }: Batch): void => {
      const at = owed.findIndex(each => each.producer === producer && each.epoch === epoch && each.first === first);
      if (at >= 0) owed.splice(at, 1);
    };
    let end = 0;

    for (let round = 0; round < 600; round++) {
      const where = `seed ${seed}, round ${round}`;
      if (random.int(100) < 55) {
        const batch = randomBatch(random, [...written, ...inFlight]);
        const { verdict, original } = judge([...written, ...inFlight], batch);
        const first = owed.find(({ producer }) => producer === batch.producer);
        const behind = first !== undefined && (first.epoch !== batch.epoch || first.first !== batch.first);
        const expected = behind ? 'behind' : original !== undefined && inFlight.includes(original) ? 'duplicateInFlight' : verdict;
        const answer = state.check(batch.producer, batch.epoch, batch.first, batch.last, batch.transactional);
        expect(Object.entries(Verdict).find(([, value]) => value === answer)![0], where).toBe(expected);
        seen.set(expected, (seen.get(expected) ?? 0) + 1);
        if (expected === 'duplicate') expect([state.duplicateOffset, state.duplicateTimestamp], where).toEqual([original!.baseOffset, original!.timestamp]);
        if (expected === 'accept') {
          state.prepare(batch.producer, batch.epoch, batch.first, batch.last, batch.transactional);
          inFlight.push(batch);
          if (first !== undefined) owed = owed.filter(each => each !== first);
        }
      } else if (failuresToTell.length > 0) {
        // Some failed for reasons of their own; the others are owed a second decision, and their senders leave sooner or later.
        const told = failuresToTell.shift()!;
        const anew = random.int(2) === 0;
        state.rollback(anew);
        if (anew) leaving.push(told);
        else forget(told);
      } else if (leaving.length > 0 && random.int(3) === 0) {
        const left = leaving.shift()!;
        state.letGo(left.producer, left.epoch, left.first);
        forget(left);
      } else if (inFlight.length > 0 && random.int(12) === 0) {
        state.rollback(false);
        failuresToTell = inFlight.slice(1);
        owed = [...failuresToTell, ...owed];
        inFlight = [];
      } else if (inFlight.length > 0) {
        const batch = inFlight.shift()!;
        batch.baseOffset = end;
        state.commit(end, end + batch.count - 1, batch.timestamp);
        end += batch.count;
        written.push(batch);
      }
      expect(state.inFlight, where).toBe(inFlight.length);
      const open = written.find(each => each.transactional);
      expect(state.firstUndecidedOffset, where).toBe(open?.baseOffset);
    }
  }
  // Every answer was really given, but for that of who knows the watermark.
  for (const verdict of Object.keys(Verdict)) if (verdict !== 'uncommitted') expect(seen.get(verdict) ?? 0, verdict).toBeGreaterThan(20);
});

test('a thousand appends in flight at a time, for a long time, in a queue that stays short', () => {
  const state = new ProducerStateManager({ expirationMs: () => Infinity });
  let next = 0;
  let written = 0;
  const submit = (): void => {
    expect(state.check(1, 0, next, next, false)).toBe(Verdict.accept);
    state.prepare(1, 0, next, next, false);
    next += 1;
  };
  for (let i = 0; i < 1000; i++) submit();
  for (let i = 0; i < 10_000; i++) {
    state.commit(written, written, 1);
    written += 1;
    submit();
  }
  expect(state.inFlight).toBe(1000);
  expect(state.check(1, 0, written - 1, written - 1, false)).toBe(Verdict.outOfOrder);
});
