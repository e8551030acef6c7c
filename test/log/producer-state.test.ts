import { expect, test } from 'vitest';
import { ProducerStateManager, Verdict } from '../../src/log/producer-state.js';

const LARGEST = 0x7fffffff;
const HOUR = 3_600_000;
const P = 4000;

/** A log with an end, to which whatever is accepted is written when the test says so. */
class Log {
  readonly state = new ProducerStateManager({ expirationMs: () => 24 * HOUR });
  end = 0;
  readonly #queue: { count: number; timestamp: number }[] = [];

  /** A client's batch: checked, and submitted if nothing speaks against it. */
  submit(first: number, count: number, { producer = P, epoch = 0, transactional = false, timestamp = 1000 } = {}): string {
    const sum = first + count - 1;
    const last = sum > LARGEST ? sum - LARGEST - 1 : sum;
    const verdict = this.state.check(producer, epoch, first, last, transactional);
    if (verdict === Verdict.accept) {
      this.state.prepare(producer, epoch, first, last, transactional);
      this.#queue.push({ count, timestamp });
    }
    const name = Object.entries(Verdict).find(([, value]) => value === verdict)![0];
    return verdict === Verdict.duplicate ? `duplicate of ${this.state.duplicateOffset} at ${this.state.duplicateTimestamp}` : name;
  }

  /** The log thread writes the oldest submitted batch. */
  write(): void {
    const { count, timestamp } = this.#queue.shift()!;
    this.state.commit(this.end, this.end + count - 1, timestamp);
    this.end += count;
  }

  /** It fails, and refuses what was submitted behind it. */
  fail(): void {
    while (this.#queue.shift() !== undefined) this.state.rollback(false);
  }

  append(first: number, count: number, options = {}): string {
    const verdict = this.submit(first, count, options);
    if (verdict === 'accept') this.write();
    return verdict;
  }
}

test('sequences go on without a gap', () => {
  const log = new Log();
  expect(log.append(0, 3)).toBe('accept');
  expect(log.append(3, 1)).toBe('accept');
  expect(log.append(5, 1)).toBe('outOfOrder');
  expect(log.append(4, 2)).toBe('accept');
  expect(log.end).toBe(6);
});

test('a repeated batch is acknowledged where it was written the first time, while it is among the last five', () => {
  const log = new Log();
  for (let sequence = 0; sequence < 6; sequence++) log.append(sequence, 1, { timestamp: 1000 + sequence });
  expect(log.append(0, 1)).toBe('outOfOrder');
  for (let sequence = 1; sequence < 6; sequence++) expect(log.append(sequence, 1)).toBe(`duplicate of ${sequence} at ${1000 + sequence}`);
  expect(log.append(4, 2)).toBe('outOfOrder');
  expect(log.end).toBe(6);
});

test('after the largest sequence comes zero, also in the middle of a batch', () => {
  const log = new Log();
  expect(log.append(LARGEST - 4, 3)).toBe('accept');
  expect(log.append(LARGEST - 1, 4)).toBe('accept');
  expect(log.append(LARGEST - 1, 4)).toBe('duplicate of 3 at 1000');
  expect(log.append(2, 1)).toBe('accept');
  const other = new Log();
  other.append(LARGEST, 1);
  expect(other.append(1, 1)).toBe('outOfOrder');
  expect(other.append(0, 1)).toBe('accept');
});

test('a producer nobody knows may begin anywhere', () => {
  const log = new Log();
  expect(log.append(17, 1, { epoch: 3 })).toBe('accept');
  expect(log.append(18, 1, { epoch: 3 })).toBe('accept');
});

test('a new epoch begins at zero, and fences the old one', () => {
  const log = new Log();
  log.append(0, 5);
  expect(log.append(5, 1, { epoch: 1 })).toBe('outOfOrder');
  expect(log.append(0, 1, { epoch: 1 })).toBe('accept');
  expect(log.append(5, 1, { epoch: 0 })).toBe('invalidEpoch');
  expect(log.append(0, 5, { epoch: 0 })).toBe('invalidEpoch');
  expect(log.append(0, 1, { epoch: 1 })).toBe('duplicate of 5 at 1000');
});

test('producers do not see each other', () => {
  const log = new Log();
  log.append(0, 5, { producer: 1 });
  expect(log.append(0, 5, { producer: 2 })).toBe('accept');
  expect(log.append(5, 5, { producer: 1 })).toBe('accept');
  expect(log.state.size).toBe(2);
});

test('batches may follow each other while none is written yet', () => {
  const log = new Log();
  expect([log.submit(0, 1), log.submit(1, 1), log.submit(2, 1)]).toEqual(['accept', 'accept', 'accept']);
  expect(log.submit(4, 1)).toBe('outOfOrder');
  log.write();
  log.write();
  log.write();
  expect(log.append(3, 1)).toBe('accept');
});

test('the same batch twice in flight is told apart, and answered once it is written', () => {
  const log = new Log();
  log.submit(0, 2);
  let again = '';
  expect(log.submit(0, 2)).toBe('duplicateInFlight');
  log.state.afterPending(() => { again = log.submit(0, 2); });
  expect(again).toBe('');
  log.submit(2, 1);
  log.write();
  // What was submitted after the question does not delay the answer.
  expect(again).toBe('duplicate of 0 at 1000');
});

test('if the first of two equal batches fails, the second is taken', () => {
  const log = new Log();
  log.submit(0, 2);
  let again = '';
  log.state.afterPending(() => { again = log.submit(0, 2); });
  log.fail();
  expect(again).toBe('accept');
});

test('nothing in flight: asking is answered at once', () => {
  let asked = 0;
  new Log().state.afterPending(() => { asked += 1; });
  expect(asked).toBe(1);
});

test('a batch in flight takes the place of the oldest of five, and gives it back if it fails', () => {
  const log = new Log();
  for (let sequence = 0; sequence < 5; sequence++) log.append(sequence, 1);
  log.submit(5, 1);
  expect(log.submit(0, 1)).toBe('outOfOrder');
  expect(log.submit(1, 1)).toBe('duplicate of 1 at 1000');
  log.fail();
  expect(log.submit(0, 1)).toBe('duplicate of 0 at 1000');
  expect(log.append(5, 1)).toBe('accept');
});

test('a failed append takes everything in flight back, as if it had never been asked', () => {
  const log = new Log();
  log.append(0, 1);
  log.submit(1, 1);
  log.submit(2, 1);
  log.submit(0, 1, { epoch: 1 });
  log.submit(0, 1, { producer: 9 });
  expect(log.submit(3, 1)).toBe('invalidEpoch');
  log.fail();
  expect(log.state.inFlight).toBe(0);
  expect(log.state.size).toBe(1);
  expect(log.append(2, 1)).toBe('outOfOrder');
  expect(log.append(1, 1)).toBe('accept');
  expect(log.append(7, 1, { producer: 9 })).toBe('accept');
});

test('failures still to be told of do not touch what was submitted since', () => {
  const { state } = new Log();
  for (const sequence of [0, 1, 2]) state.prepare(P, 0, sequence, sequence, false);
  state.rollback(false);
  // The client hears of the first failure and begins again before the other two are told: that comes behind them.
  expect(state.check(P, 0, 0, 0, false)).toBe(Verdict.behind);
  state.prepare(9, 0, 0, 0, false);
  state.rollback(false);
  state.rollback(false);
  state.commit(0, 0, 1000);
  expect(state.check(9, 0, 0, 0, false)).toBe(Verdict.duplicate);
  expect(state.check(P, 0, 0, 0, false)).toBe(Verdict.accept);
});

test('what comes behind batches that another producer\'s failure took down waits until those are decided anew', async () => {
  const { state } = new Log();
  const [bad, good] = [8, 9];
  state.prepare(bad, 0, 0, 0, false);
  for (const sequence of [0, 1]) state.prepare(good, 0, sequence, sequence, false);
  state.rollback(false);
  // Nothing is known of this producer, and any sequence would do: not before its own earlier ones.
  expect(state.check(good, 0, 2, 2, false)).toBe(Verdict.behind);
  let calls = 0;
  state.afterOwed(() => calls++);
  for (let n = 0; n < 2; n++) state.rollback(true);
  expect([state.check(good, 0, 2, 2, false), state.check(good, 0, 1, 1, false), state.check(bad, 0, 0, 0, false)]).toEqual([Verdict.behind, Verdict.behind, Verdict.accept]);
  expect(state.check(good, 0, 0, 0, false)).toBe(Verdict.accept);
  state.prepare(good, 0, 0, 0, false);
  expect(calls, 'not in the middle of a decision').toBe(0);
  await Promise.resolve();
  expect(calls).toBe(1);
  expect([state.check(good, 0, 2, 2, false), state.check(good, 0, 1, 1, false)]).toEqual([Verdict.behind, Verdict.accept]);
  // The sender of the second has left.
  state.afterOwed(() => calls++);
  state.letGo(good, 0, 1);
  await Promise.resolve();
  expect([calls, state.owes]).toEqual([2, false]);
  expect(state.check(good, 0, 2, 2, false)).toBe(Verdict.outOfOrder);
  state.commit(0, 0, 1000);
  expect(state.check(good, 0, 1, 1, false)).toBe(Verdict.accept);
});

test('who waits behind batches of a log that serves nobody any more is told, and nothing is owed there until it serves again', async () => {
  const { state } = new Log();
  const [bad, good] = [8, 9];
  state.prepare(bad, 0, 0, 0, false);
  for (const sequence of [0, 1]) state.prepare(good, 0, sequence, sequence, false);
  state.rollback(false);
  let calls = 0;
  state.afterOwed(() => calls++);
  state.retire();
  await Promise.resolve();
  expect([calls, state.owes, state.check(good, 0, 1, 1, false)]).toEqual([1, false, Verdict.accept]);
  for (let n = 0; n < 2; n++) state.rollback(true);
  // What was still on its way fails later, and its senders cannot find this log either.
  for (const producer of [bad, good, good]) state.prepare(producer, 0, producer === bad ? 5 : 0, 5, false);
  for (let n = 0; n < 3; n++) state.rollback(true);
  state.afterOwed(() => calls++);
  await Promise.resolve();
  expect([calls, state.owes]).toEqual([2, false]);
  state.reinstate();
  for (const producer of [bad, good]) state.prepare(producer, 0, 0, 0, false);
  state.rollback(false);
  expect(state.owes).toBe(true);
});

test('batches that a second failure takes down are decided before those that still wait from the first', () => {
  const { state } = new Log();
  const [bad, good] = [8, 9];
  state.prepare(bad, 0, 0, 0, false);
  for (const sequence of [0, 1, 2]) state.prepare(good, 0, sequence, sequence, false);
  state.rollback(false);
  for (let n = 0; n < 3; n++) state.rollback(true);
  state.prepare(bad, 0, 0, 0, false);
  for (const sequence of [0, 1]) state.prepare(good, 0, sequence, sequence, false);
  state.rollback(false);
  for (let n = 0; n < 2; n++) state.rollback(true);
  for (const sequence of [0, 1, 2]) {
    for (const later of [0, 1, 2].filter(each => each > sequence)) expect(state.check(good, 0, later, later, false)).toBe(Verdict.behind);
    expect(state.check(good, 0, sequence, sequence, false)).toBe(Verdict.accept);
    state.prepare(good, 0, sequence, sequence, false);
  }
  expect(state.owes).toBe(false);
});

test('a completion nobody waits for is a contradiction', () => {
  const { state } = new Log();
  expect(() => state.commit(0, 0, 0)).toThrow(/in flight/);
  expect(() => state.rollback(false)).toThrow(/in flight/);
  state.prepare(P, 0, 0, 0, false);
  state.prepare(P, 0, 1, 1, false);
  state.rollback(false);
  expect(() => state.commit(0, 0, 0)).toThrow(/failed/);
});

test('producers are forgotten by the age of their last record, not while a batch is in flight or a transaction open', () => {
  const log = new Log();
  const day = 24 * HOUR;
  log.append(0, 1, { producer: 1, timestamp: 1000 });
  log.append(0, 1, { producer: 2, timestamp: 2000 });
  log.append(0, 1, { producer: 3, timestamp: 1000, transactional: true });
  log.submit(1, 1, { producer: 2, timestamp: 2000 });
  expect(log.state.expire(day + 999)).toBe(0);
  expect(log.state.expire(day + 5000)).toBe(1);
  log.write();
  expect(log.state.expire(day + 5000)).toBe(1);
  expect(log.state.size).toBe(1);
  expect(log.append(77, 1, { producer: 1 })).toBe('accept');
});

test('a transaction holds the last stable offset until its marker is committed', () => {
  const log = new Log();
  const { state } = log;
  log.append(0, 5);
  log.append(0, 2, { producer: 1, transactional: true });
  log.append(0, 2, { producer: 2, transactional: true });
  log.append(2, 1, { producer: 1, transactional: true });
  expect([state.firstUndecidedOffset, state.firstUnstableOffset]).toEqual([5, 5]);
  expect(log.append(3, 1, { producer: 1 })).toBe('invalidTransactionState');

  const done = state.endTransaction(1, 0, 8, log.end, 1500, true);
  expect(done).toEqual({ producerId: 1, firstOffset: 5, lastOffset: 10, aborted: true });
  expect(state.lastStableOffsetAfter(done!)).toBe(7);
  log.end += 1;
  expect([state.firstUndecidedOffset, state.firstUnstableOffset]).toEqual([7, 5]);
  state.highWatermarkMoved(10);
  expect(state.firstUnstableOffset).toBe(5);
  state.highWatermarkMoved(11);
  expect(state.firstUnstableOffset).toBe(7);

  const last = state.endTransaction(2, 0, 8, log.end, 1500, false);
  expect(state.lastStableOffsetAfter(last!)).toBe(12);
  expect(state.firstUndecidedOffset).toBeUndefined();
  expect(log.append(3, 1, { producer: 1 })).toBe('accept');
});

test('a transaction in flight already refuses what is outside of it', () => {
  const log = new Log();
  log.submit(0, 1, { transactional: true });
  expect(log.submit(1, 1)).toBe('invalidTransactionState');
  log.fail();
  expect(log.submit(0, 1)).toBe('accept');
});

test('a marker of an older epoch or coordinator is refused; a newer epoch begins at zero', () => {
  const log = new Log();
  const { state } = log;
  expect(state.checkMarker(P, 0, 0)).toBe('accept');
  log.append(0, 1, { epoch: 3, transactional: true });
  state.endTransaction(P, 4, 7, log.end, 1500, true);
  log.end += 1;
  expect(state.checkMarker(P, 3, 9)).toBe('invalidEpoch');
  expect(state.checkMarker(P, 4, 6)).toBe('coordinatorFenced');
  expect(state.checkMarker(P, 4, 7)).toBe('accept');
  expect(state.checkEpoch(P, 3)).toBe(Verdict.invalidEpoch);
  expect(state.checkEpoch(P, 4)).toBe(Verdict.accept);
  expect(log.append(1, 1, { epoch: 4 })).toBe('outOfOrder');
  expect(log.append(0, 1, { epoch: 4 })).toBe('accept');
  // A marker with nothing open decides nothing.
  expect(state.endTransaction(P, 4, 8, log.end, 1500, false)).toBeUndefined();
});

test('what a follower appends is taken as it is', () => {
  const { state } = new Log();
  state.replay(P, 2, 9, 0, 4, 1000, false);
  state.replay(P, 2, 30, 5, 5, 1000, false);
  state.replay(P, 1, 3, 6, 6, 1000, false);
  expect(state.check(P, 1, 4, 4, false)).toBe(Verdict.accept);
  expect(state.check(P, 1, 3, 3, false)).toBe(Verdict.duplicate);
});
