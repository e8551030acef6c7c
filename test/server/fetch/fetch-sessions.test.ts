import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.js';
import { seededRandom } from '../../../src/base/random.js';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { FetchRequestView } from '../../../src/protocol/hot/fetch.js';
import { FetchRequest, type FetchRequestInput } from '../../../src/protocol/messages.js';
import { Writer } from '../../../src/protocol/writer.js';
import { FetchSessions, type FetchContext } from '../../../src/server/fetch/fetch-sessions.js';

const VERSION = 12;

/** A cache of sessions with a clock of its own. */
function story(slots = 100): { sessions: FetchSessions; pass: (ms: number) => void; fetch: (message: FetchRequestInput) => FetchContext } {
  let now = 0;
  const clock: Clock = { now: () => now, monotonic: () => now };
  const sessions = new FetchSessions(() => slots, clock, seededRandom(1));
  const fetch = (message: FetchRequestInput): FetchContext => {
    const writer = new Writer();
    FetchRequest.encode(writer, { replicaId: -1, sessionId: 0, sessionEpoch: 0, ...message }, VERSION);
    const bytes = Buffer.from(writer.finish());
    const view = new FetchRequestView();
    view.decode(bytes, 0, bytes.length, VERSION);
    const opening = sessions.begin(view, VERSION);
    while (opening.step(1000));
    const context = opening.finish();
    if (context.kind !== 'refused') context.release();
    return context;
  };
  return { sessions, fetch, pass: ms => { now += ms; } };
}

const asking = (count: number, { topic = 'orders', from = 0 } = {}): NonNullable<FetchRequestInput['topics']> => [{ topic, partitions: Array.from({ length: count }, (_, at) => ({ partition: from + at, fetchOffset: 0, partitionMaxBytes: 1 })) }];
const idOf = (context: FetchContext): number => (context.kind === 'refused' ? -context.errorCode : (context.session?.id ?? 0));
const refusal = (context: FetchContext): number => (context.kind === 'refused' ? context.errorCode : 0);

test('all sessions together remember a bounded number of partitions: beyond, clients go on with full fetches', () => {
  const { sessions, fetch } = story();
  const made = Array.from({ length: 9 }, () => idOf(fetch({ topics: asking(50_000) })));
  expect(made.every(id => id > 0)).toBe(true);
  expect(idOf(fetch({ topics: asking(49_990) }))).toBeGreaterThan(0);
  const beyond = fetch({ topics: asking(50_000) });
  expect([beyond.kind, idOf(beyond)]).toEqual(['full', 0]);
  expect(sessions.size).toBe(10);
  expect(sessions.remembered).toBeLessThanOrEqual(500_000);
  // One that ends makes room.
  fetch({ sessionId: made[0]!, sessionEpoch: -1 });
  expect(idOf(fetch({ topics: asking(50_000) }))).toBeGreaterThan(0);
});

test('a session that grows request by request beyond its bound, or beyond everybody\'s, ends; its client is told', () => {
  const { sessions, fetch } = story();
  const sessionId = idOf(fetch({ topics: asking(50_000) }));
  expect(refusal(fetch({ sessionId, sessionEpoch: 1, topics: asking(49_000, { from: 50_000 }) }))).toBe(0);
  expect(refusal(fetch({ sessionId, sessionEpoch: 2, topics: asking(5000, { from: 99_000 }) }))).toBe(ErrorCode.FetchSessionIdNotFound);
  expect(refusal(fetch({ sessionId, sessionEpoch: 3 }))).toBe(ErrorCode.FetchSessionIdNotFound);
  expect([sessions.size, sessions.remembered]).toEqual([0, 0]);
  // Each within its own bound, together beyond: who comes last gives way.
  const ids = Array.from({ length: 6 }, () => idOf(fetch({ topics: asking(40_000) })));
  const grown = ids.map(id => refusal(fetch({ sessionId: id, sessionEpoch: 1, topics: asking(50_000, { from: 40_000 }) })));
  expect(grown).toEqual([0, 0, 0, 0, 0, ErrorCode.FetchSessionIdNotFound]);
  expect(sessions.remembered).toBeLessThanOrEqual(500_000);
});

test('names longer than any topic\'s weigh what they are: no session keeps megabytes of them', () => {
  const { sessions, fetch } = story();
  const long = (first: number): NonNullable<FetchRequestInput['topics']> => Array.from({ length: 1000 }, (_, at) => asking(1, { topic: `${first + at}`.padEnd(30_000, 'n') })[0]!);
  const context = fetch({ topics: long(0) });
  expect([context.kind, idOf(context)], 'thirty megabytes of names: answered, not remembered').toEqual(['full', 0]);
  // Names that were forgotten again still weigh.
  const sessionId = idOf(fetch({ topics: asking(1) }));
  let refused = 0;
  for (let round = 0; refused === 0 && round < 20; round++) {
    const topics = long(1000 * (round + 1)).slice(0, 100);
    refused = refusal(fetch({ sessionId, sessionEpoch: 2 * round + 1, topics }));
    if (refused === 0) refused = refusal(fetch({ sessionId, sessionEpoch: 2 * round + 2, forgottenTopicsData: topics.map(({ topic }) => ({ topic: topic!, partitions: [0] })) }));
  }
  expect(refused).toBe(ErrorCode.FetchSessionIdNotFound);
  expect([sessions.size, sessions.remembered]).toEqual([0, 0]);
});

test('a session that was pushed out by a newer one is not found', () => {
  const { sessions, fetch, pass } = story(2);
  const [old, used] = [idOf(fetch({ topics: asking(3) })), idOf(fetch({ topics: asking(3) }))];
  expect(idOf(fetch({ topics: asking(3) })), 'both are still worth more').toBe(0);
  pass(119_000);
  expect(refusal(fetch({ sessionId: used, sessionEpoch: 1 }))).toBe(0);
  pass(2000);
  const newer = idOf(fetch({ topics: asking(2) }));
  expect(newer).toBeGreaterThan(0);
  expect(refusal(fetch({ sessionId: old, sessionEpoch: 1 }))).toBe(ErrorCode.FetchSessionIdNotFound);
  expect(refusal(fetch({ sessionId: used, sessionEpoch: 2 }))).toBe(0);
  expect(refusal(fetch({ sessionId: newer, sessionEpoch: 1 }))).toBe(0);
  // A follower goes before consumers, however busy they are.
  expect(idOf(fetch({ replicaId: 7, topics: asking(1) }))).toBeGreaterThan(0);
  expect(sessions.size).toBe(2);
  expect(sessions.remembered).toBe(1 + 1 + (refusal(fetch({ sessionId: used, sessionEpoch: 3 })) === 0 ? 3 + 1 : 2 + 1));
});

test('where all that may be remembered is taken by those who are gone, newcomers push them out: the longest idle first, and no more than it takes', () => {
  const { sessions, fetch, pass } = story();
  const gone = Array.from({ length: 9 }, () => {
    pass(1000);
    return idOf(fetch({ topics: asking(50_000) }));
  });
  const busy = idOf(fetch({ topics: asking(49_990) }));
  expect(idOf(fetch({ topics: asking(30) })), 'nobody is idle yet').toBe(0);
  pass(119_000);
  expect(refusal(fetch({ sessionId: busy, sessionEpoch: 1 }))).toBe(0);
  expect(refusal(fetch({ sessionId: gone[1]!, sessionEpoch: 1 }))).toBe(0);
  pass(60_000);
  const [small, large] = [idOf(fetch({ topics: asking(3) })), idOf(fetch({ topics: asking(90_000) }))];
  expect(small).toBeGreaterThan(0);
  expect(large).toBeGreaterThan(0);
  const left = [...gone, busy].map(sessionId => refusal(fetch({ sessionId, sessionEpoch: sessionId === busy || sessionId === gone[1] ? 2 : 1 })));
  const out = ErrorCode.FetchSessionIdNotFound;
  expect(left).toEqual([out, 0, out, 0, 0, 0, 0, 0, 0, 0]);
  expect(sessions.size).toBe(10);
  // One that grows makes itself room in the same way.
  pass(121_000);
  expect(refusal(fetch({ sessionId: small, sessionEpoch: 1, topics: asking(60_000, { from: 3 }) }))).toBe(0);
  expect(refusal(fetch({ sessionId: gone[1]!, sessionEpoch: 3 })), 'it was idle the longest').toBe(out);
  expect(refusal(fetch({ sessionId: small, sessionEpoch: 2 }))).toBe(0);
  expect(sessions.remembered).toBeLessThanOrEqual(500_000);
});

test('a follower finds room though busy consumers remember all that may be: the smallest go; a consumer pushes out neither followers nor the busy', () => {
  const { sessions, fetch, pass } = story();
  const sizes = [90_000, 80_000, 10_000, 85_000, 95_000, 70_000, 69_993];
  const consumers = sizes.map(size => idOf(fetch({ topics: asking(size) })));
  expect(sessions.remembered).toBe(500_000);
  expect(idOf(fetch({ topics: asking(2) }))).toBe(0);
  const follower = idOf(fetch({ replicaId: 7, topics: asking(60_000) }));
  expect(follower).toBeGreaterThan(0);
  const left = (epoch: number): boolean[] => consumers.map(sessionId => refusal(fetch({ sessionId, sessionEpoch: epoch })) === 0);
  expect(left(1)).toEqual([true, true, false, true, true, true, false]);
  // In everybody's place only followers now: none of them goes for another, nor for a consumer.
  for (let n = 0; n < 10; n++) fetch({ replicaId: n, topics: asking(60_000) });
  expect(left(2).some(each => each)).toBe(false);
  const before = sessions.size;
  expect(idOf(fetch({ replicaId: 20, topics: asking(60_000) }))).toBe(0);
  pass(100_000);
  expect(idOf(fetch({ topics: asking(60_000) }))).toBe(0);
  expect([sessions.size, refusal(fetch({ sessionId: follower, sessionEpoch: 1, replicaId: 7 }))]).toEqual([before, 0]);
});

test('a session of no partition yet is one, takes a slot, and ends with a request that adds none', () => {
  const { sessions, fetch } = story(1);
  const sessionId = idOf(fetch({ topics: [] }));
  expect([sessionId > 0, sessions.size, sessions.remembered]).toEqual([true, 1, 0]);
  expect(idOf(fetch({ topics: [] })), 'no slot is left').toBe(0);
  const grown = fetch({ sessionId, sessionEpoch: 1, topics: asking(2) });
  expect([grown.kind, idOf(grown)]).toEqual(['incremental', sessionId]);
  const empty = idOf(fetch({ sessionId, sessionEpoch: 0, topics: [] }));
  expect([empty > 0, idOf(fetch({ sessionId: empty, sessionEpoch: 1, topics: [] })), sessions.size]).toEqual([true, 0, 0]);
});

test('partitions that are asked for and forgotten in one request are nothing to a session that goes on, and are answered by one that ends with it', () => {
  const { sessions, fetch } = story();
  const both = (count: number, from: number): FetchRequestInput => ({ topics: asking(count, { from }), forgottenTopicsData: [{ topic: 'orders', partitions: Array.from({ length: count }, (_, at) => from + at) }] });
  const indexes = (context: FetchContext): number[] => (context.kind === 'refused' ? [] : context.entries.map(({ index }) => index));
  const sessionId = idOf(fetch({ topics: asking(2) }));
  const goesOn = fetch({ sessionId, sessionEpoch: 1, ...both(1, 5) });
  expect([idOf(goesOn), indexes(goesOn)]).toEqual([sessionId, [0, 1]]);
  const ends = fetch({ sessionId, sessionEpoch: 2, ...both(2, 0) });
  expect([idOf(ends), indexes(ends), sessions.size]).toEqual([0, [0, 1], 0]);
});
