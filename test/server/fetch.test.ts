import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { FetchRequest, LeaderAndIsrRequest, MetadataRequest, ProduceRequest, type FetchRequestInput, type FetchResponse, type LeaderAndIsrResponse, type MetadataResponse } from '../../src/protocol/messages.js';
import { walkBatches } from '../../src/protocol/records/index.js';
import { batch } from '../support/batches.js';
import { TestBroker, until } from '../support/broker.js';
import { produceOne, recordsOf, valuesOf, type TestClient } from '../support/client.js';

async function story(settings: Record<string, string | number> = {}): Promise<{ broker: TestBroker; client: TestClient }> {
  const broker = await TestBroker.start({ settings });
  return { broker, client: await broker.client() };
}

const NONE: readonly string[] = [];
const forever = { maxWaitMs: 600_000 };

test('every version from 4 on reads what was produced; older ones are told that they cannot', async () => {
  const { client } = await story();
  const topicId = await client.createTopic('orders');
  for (let version = 0; version <= 3; version++) {
    expect((await client.fetch('orders', 0, { version })).errorCode, 'nothing to convert').toBe(0);
  }
  await client.produce('orders', batch(['a', 'b']));
  await client.produce('orders', batch(['c']));
  for (let version = 0; version <= 17; version++) {
    const answer = await client.fetch('orders', 1, version >= 13 ? { version, topicId } : { version });
    if (version < 4) {
      expect(answer.errorCode).toBe(ErrorCode.UnsupportedVersion);
      continue;
    }
    expect([answer.errorCode, answer.highWatermark, answer.lastStableOffset], `v${version}`).toEqual([0, 3, 3]);
    // Batches come whole: what lies before the offset asked for is the client's to skip.
    expect(recordsOf(answer.records).map(({ offset, value }) => `${offset}${value!.toString()}`)).toEqual(['0a', '1b', '2c']);
    expect(answer.abortedTransactions).toBeNull();
  }
  const committed = await client.fetch('orders', 0, { isolationLevel: 1 });
  expect([committed.abortedTransactions, committed.lastStableOffset, valuesOf(committed.records).length]).toEqual([[], 3, 3]);
});

test('where nothing may be converted, an old fetch is refused whatever there is to read, or wrong with it', async () => {
  const { client } = await story();
  await client.createTopic('orders', { configs: { 'message.downconversion.enable': 'false' } });
  for (const offset of [0, 5]) {
    expect(await client.fetch('orders', offset, { version: 3 })).toMatchObject({ errorCode: ErrorCode.UnsupportedVersion, highWatermark: -1 });
  }
  expect((await client.fetch('orders', 0, { version: 4 })).errorCode).toBe(0);
  expect((await client.fetch('nowhere', 0, { version: 3 })).errorCode).toBe(ErrorCode.UnknownTopicOrPartition);
});

test('offsets outside the log, wrong leader epochs, unknown topics and ids are told per partition', async () => {
  const { client } = await story();
  const topicId = await client.createTopic('orders');
  await client.produce('orders', batch(['a', 'b']));
  const other = 'bm90LWEtdG9waWMtaWQtMQ';
  const cases: [string, number, Parameters<TestClient['fetch']>][] = [
    ['below the start', ErrorCode.OffsetOutOfRange, ['orders', -1, {}]],
    ['above the end', ErrorCode.OffsetOutOfRange, ['orders', 3, {}]],
    ['an epoch to come', ErrorCode.UnknownLeaderEpoch, ['orders', 0, { asked: { currentLeaderEpoch: 5 } }]],
    ['no topic', ErrorCode.UnknownTopicOrPartition, ['nowhere', 0, {}]],
    ['no partition', ErrorCode.UnknownTopicOrPartition, ['orders', 0, { partition: 9 }]],
    ['no such id', ErrorCode.UnknownTopicId, ['', 0, { version: 13, topicId: other }]],
    ['an epoch nobody had', ErrorCode.OffsetOutOfRange, ['orders', 0, { asked: { lastFetchedEpoch: 7 } }]],
  ];
  for (const [what, code, ask] of cases) {
    // Errors do not wait.
    const answer = await client.fetch(ask[0], ask[1], { ...ask[2], ...forever });
    expect([answer.errorCode, answer.highWatermark, answer.lastStableOffset, answer.logStartOffset, answer.records?.length ?? 0], what).toEqual([code, -1, -1, -1, 0]);
  }
  expect((await client.fetch('orders', 2)).errorCode, 'the end itself').toBe(0);
  expect(valuesOf((await client.fetch('orders', 0, { asked: { currentLeaderEpoch: 0 }, version: 13, topicId })).records)).toEqual(['a', 'b']);
});

test('a new leader epoch fences the old, and tells followers where their ways part', async () => {
  const { broker, client } = await story();
  const topicId = await client.createTopic('orders');
  await client.produce('orders', batch(['a', 'b']));
  const lead = (leaderEpoch: number, replicas = [broker.id], isr = replicas): Promise<LeaderAndIsrResponse> => client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, {
    controllerId: broker.id, controllerEpoch: 100, brokerEpoch: -1,
    topicStates: [{ topicName: 'orders', topicId, partitionStates: [{ partitionIndex: 0, controllerEpoch: 100, leader: broker.id, leaderEpoch, isr, replicas, partitionEpoch: leaderEpoch, isNew: false }] }],
    liveLeaders: [],
  }, 7);
  expect((await lead(3)).errorCode).toBe(0);
  await client.produce('orders', batch(['c', 'd']));
  expect((await client.fetch('orders', 0, { asked: { currentLeaderEpoch: 0 } })).errorCode).toBe(ErrorCode.FencedLeaderEpoch);
  const fenced = await client.fetch('orders', 0, { version: 16, topicId, asked: { currentLeaderEpoch: 0 } });
  expect([fenced.errorCode, fenced.currentLeader.leaderId, fenced.currentLeader.leaderEpoch]).toEqual([ErrorCode.FencedLeaderEpoch, broker.id, 3]);
  // Epoch 0 ended at 2: whoever fetched further in it must come back.
  const parted = await client.fetch('orders', 4, { asked: { lastFetchedEpoch: 0, currentLeaderEpoch: 3 } });
  expect([parted.errorCode, parted.divergingEpoch.epoch, parted.divergingEpoch.endOffset, parted.records?.length ?? 0]).toEqual([0, 0, 2, 0]);
  const between = await client.fetch('orders', 2, { asked: { lastFetchedEpoch: 2, currentLeaderEpoch: 3 } });
  expect([between.divergingEpoch.epoch, between.divergingEpoch.endOffset]).toEqual([0, 2]);
  expect(valuesOf((await client.fetch('orders', 2, { asked: { lastFetchedEpoch: 0 } })).records)).toEqual(['c', 'd']);
  expect([...walkBatches((await client.fetch('orders', 0)).records!)].map(view => view.partitionLeaderEpoch)).toEqual([0, 3]);
  for (const [asked, told] of [[0, [0, 2]], [1, [0, 2]], [3, [3, 4]], [4, [-1, -1]]] as const) {
    const answer = await client.offsetForLeaderEpoch('orders', asked);
    expect([answer.errorCode, answer.leaderEpoch, answer.endOffset], `epoch ${asked}`).toEqual([0, ...told]);
  }
  expect((await client.offsetForLeaderEpoch('orders', 0, { currentLeaderEpoch: 2 })).errorCode).toBe(ErrorCode.FencedLeaderEpoch);
  expect((await client.offsetForLeaderEpoch('nowhere', 0)).errorCode).toBe(ErrorCode.UnknownTopicOrPartition);
});

test('with a follower in sync, consumers see what it has fetched, and acks=all waits for it', async () => {
  const { broker, client } = await story();
  const topicId = await client.createTopic('orders');
  const follower = 7;
  const replicas = [broker.id, follower];
  await client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, {
    controllerId: broker.id, controllerEpoch: 100, brokerEpoch: -1,
    topicStates: [{ topicName: 'orders', topicId, partitionStates: [{ partitionIndex: 0, controllerEpoch: 100, leader: broker.id, leaderEpoch: 1, isr: replicas, replicas, partitionEpoch: 1, isNew: false }] }],
    liveLeaders: [],
  }, 7);
  // A connection's requests are served one at a time, so these come by two.
  const [producer, other] = [await broker.client(), await broker.client()];
  let answered = 0;
  const appended = async (count: number): Promise<void> => until(async () => (await client.listOffsetsAll({ replicaId: follower, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] })).topics[0]!.partitions[0]!.offset === count, `${count} are in the log`);
  const first = producer.produce('orders', batch(['a']));
  await appended(1);
  const second = other.produce('orders', batch(['b'], { codec: 'gzip' }));
  await appended(2);
  const pending = [first, second].map(answer => answer.then(told => { answered++; return told; }));
  expect((await client.produce('orders', batch(['c']), { acks: 1 })).errorCode).toBe(0);
  const asFollower = (offset: number, extra: FetchRequestInput = {}): Promise<FetchResponse> => client.fetchAll({ replicaId: follower, topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20 }] }], ...extra }, 12);
  await appended(3);
  expect((await client.fetch('orders', 0)).highWatermark).toBe(0);
  expect((await client.fetch('orders', 1, { maxWaitMs: 0 })).errorCode, 'between high watermark and end').toBe(0);
  const sent = (await asFollower(0)).responses[0]!.partitions[0]!;
  expect([...walkBatches(sent.records!)]).toHaveLength(3);
  expect(answered).toBe(0);
  await asFollower(1);
  await until(() => answered >= 1);
  expect((await client.fetch('orders', 0)).highWatermark).toBe(1);
  await asFollower(3);
  expect((await Promise.all(pending)).map(({ errorCode }) => errorCode)).toEqual([0, 0]);
  expect((await client.fetch('orders', 0)).highWatermark).toBe(3);
  const late = await producer.produceAll({ ...produceOne('orders', 0, batch(['late'])), timeoutMs: 50 });
  expect(late.responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.RequestTimedOut);
});

test('a fetch waits for min bytes and is woken by the produce that brings them', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders', { partitions: 2 });
  const waiter = await broker.client();
  for (let round = 0; round < 20; round++) {
    const waiting = waiter.fetch('orders', round, { minBytes: 1, ...forever });
    await client.produce('orders', batch([`n ${round}`]));
    expect(valuesOf((await waiting).records)).toEqual([`n ${round}`]);
  }
  let woken = false;
  const greedy = waiter.fetchAll({
    ...forever, minBytes: 3000,
    topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 20, partitionMaxBytes: 1 << 20 }, { partition: 1, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
  }).then(answer => { woken = true; return answer; });
  await client.produce('orders', batch(['x'.repeat(1000)]));
  await client.produce('orders', batch(['x'.repeat(1000)]), { partition: 1 });
  expect(woken).toBe(false);
  await client.produce('orders', batch(['x'.repeat(1000)]), { partition: 1 });
  expect((await greedy).responses.flatMap(({ partitions }) => partitions).map(({ records }) => valuesOf(records).length)).toEqual([1, 2]);
});

test('max wait ends a wait with what there is', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  await client.produce('orders', batch(['a']));
  expect(valuesOf((await client.fetch('orders', 0, { minBytes: 1 << 20, maxWaitMs: 50 })).records)).toEqual(['a']);
  expect(valuesOf((await client.fetch('orders', 1, { minBytes: 1, maxWaitMs: 50 })).records)).toEqual(NONE);
});

test('a hundred long polls are woken by one produce', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders');
  const waiters = await Promise.all(Array.from({ length: 100 }, () => broker.client()));
  const waiting = waiters.map(waiter => waiter.fetch('orders', 0, forever));
  await client.produce('orders', batch(['news']));
  for (const answer of await Promise.all(waiting)) expect(valuesOf(answer.records)).toEqual(['news']);
});

test('a deleted topic ends the wait; so does the client, and nothing is kept', async () => {
  const { broker, client } = await story();
  const topicId = await client.createTopic('orders');
  const waiter = await broker.client();
  const waiting = waiter.fetch('orders', 0, forever);
  const waitingById = (await broker.client()).fetch('', 0, { ...forever, version: 13, topicId });
  await Promise.all(Array.from({ length: 30 }, async () => {
    const leaver = await broker.client();
    void leaver.fetch('orders', 0, forever).catch(() => {});
    leaver.socket.write(Buffer.alloc(0), () => leaver.destroy());
  }));
  await until(() => broker.stat('connections') === 3);
  await client.deleteTopics(['orders']);
  expect([ErrorCode.UnknownTopicOrPartition, ErrorCode.NotLeaderOrFollower]).toContain((await waiting).errorCode);
  expect([ErrorCode.UnknownTopicId, ErrorCode.NotLeaderOrFollower, ErrorCode.UnknownTopicOrPartition]).toContain((await waitingById).errorCode);
  await until(() => broker.stat('queuedBytes') === 0);
});

test('the first batch comes whole however small the limits; behind it they hold', async () => {
  const { client } = await story();
  await client.createTopic('big', { partitions: 3 });
  for (let partition = 0; partition < 3; partition++) for (let n = 0; n < 3; n++) await client.produce('big', batch([`${n}`.repeat(5000)]), { partition });
  const one = await client.fetch('big', 0, { partitionMaxBytes: 10 });
  expect(valuesOf(one.records)).toHaveLength(1);
  const ask = (maxBytes: number, partitionMaxBytes: number): Promise<FetchResponse> => client.fetchAll({
    maxBytes, topics: [{ topic: 'big', partitions: [0, 1, 2].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes })) }],
  });
  const sizes = ({ responses }: FetchResponse): number[] => responses.flatMap(({ partitions }) => partitions.map(({ records }) => [...walkBatches(records!)].length));
  expect(sizes(await ask(1, 1 << 20))).toEqual([1, 0, 0]);
  expect(sizes(await ask(50 << 20, 1))).toEqual([1, 0, 0]);
  expect(sizes(await ask(50 << 20, 6000))).toEqual([1, 1, 1]);
  expect(sizes(await ask(12_000, 1 << 20))).toEqual([2, 0, 0]);
  // A slice may end inside a batch: clients look past that.
  const cut = await client.fetch('big', 0, { partitionMaxBytes: 7000 });
  expect(cut.records!.length).toBeLessThanOrEqual(7000);
});

test('after a restart everything is read from disk, through all segments, from any offset', async () => {
  const { broker, client } = await story();
  await client.createTopic('long', { configs: { 'segment.bytes': '3000', 'index.interval.bytes': '200' } });
  const sent: string[] = [];
  for (let n = 0; n < 60; n++) {
    const values = [`${n}a`, `${n}b`.padEnd(100, '.')];
    await client.produce('long', batch(values, { codec: 'none' }));
    sent.push(...values);
  }
  await broker.restart();
  const reader = await broker.client();
  for (let offset = 0; offset < sent.length; offset += 7) {
    const [first] = recordsOf((await reader.fetch('long', offset)).records).filter(record => record.offset >= offset);
    expect(first!.value!.toString()).toBe(sent[offset]);
  }
  const all: string[] = [];
  for (let fetches = 0; all.length < sent.length; fetches++) {
    all.push(...recordsOf((await reader.fetch('long', all.length)).records).filter(record => record.offset >= all.length).map(({ value }) => value!.toString()));
    expect(fetches, 'one segment at a time').toBeLessThan(20);
  }
  expect(all).toEqual(sent);
});

// ---- sessions

interface SessionAsk { sessionId?: number; sessionEpoch?: number; offsets?: Record<number, number>; forget?: number[]; version?: number; topicId?: string; maxWaitMs?: number; minBytes?: number }

function inSession(client: TestClient, { sessionId = 0, sessionEpoch = 0, offsets = {}, forget = [], version = 12, topicId, ...limits }: SessionAsk): Promise<FetchResponse> {
  const partitions = Object.entries(offsets).map(([partition, fetchOffset]) => ({ partition: Number(partition), fetchOffset, partitionMaxBytes: 1 << 20 }));
  return client.fetchAll({
    sessionId, sessionEpoch, ...limits,
    topics: partitions.length === 0 ? [] : [{ topic: 'orders', topicId, partitions }],
    forgottenTopicsData: forget.length === 0 ? [] : [{ topic: 'orders', topicId, partitions: forget }],
  }, version);
}

const told = ({ responses }: FetchResponse): [number, number, number][] => responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex, highWatermark, records }): [number, number, number] => [partitionIndex, highWatermark, valuesOf(records).length]));

test('a session tells everything once, and then what changed', async () => {
  const { client } = await story();
  const topicId = await client.createTopic('orders', { partitions: 3 });
  await client.produce('orders', batch(['a']), { partition: 1 });
  for (const version of [7, 12, 13, 17]) {
    const named = version >= 13 ? { version, topicId } : { version };
    const end = (await client.listOffsets('orders', -1, { partition: 1 })).offset;
    const full = await inSession(client, { offsets: { 0: 0, 1: 0, 2: 0 }, ...named });
    const { sessionId } = full;
    expect(sessionId).not.toBe(0);
    expect(told(full)).toEqual([[0, 0, 0], [1, end, end], [2, 0, 0]]);
    expect(told(await inSession(client, { sessionId, sessionEpoch: 1, offsets: { 1: end }, ...named }))).toEqual([]);
    await client.produce('orders', batch(['b']), { partition: 1 });
    expect(told(await inSession(client, { sessionId, sessionEpoch: 2, ...named }))).toEqual([[1, end + 1, 1]]);
    expect(told(await inSession(client, { sessionId, sessionEpoch: 3, offsets: { 1: end + 1 }, forget: [0], ...named }))).toEqual([]);
    expect((await inSession(client, { sessionId, sessionEpoch: 2, ...named })).errorCode).toBe(ErrorCode.InvalidFetchSessionEpoch);
    expect((await inSession(client, { sessionId, sessionEpoch: 9, ...named })).errorCode).toBe(ErrorCode.InvalidFetchSessionEpoch);
    expect((await inSession(client, { sessionId: sessionId ^ 1, sessionEpoch: 4, ...named })).errorCode).toBe(ErrorCode.FetchSessionIdNotFound);
    const crossed = version >= 13 ? { version: 12 } : { version: 13, topicId };
    expect((await inSession(client, { sessionId, sessionEpoch: 4, ...crossed })).errorCode).toBe(ErrorCode.FetchSessionTopicIdError);
    // Nothing left in it: it ends, and says so.
    const empty = await inSession(client, { sessionId, sessionEpoch: 4, forget: [1, 2], ...named });
    expect([empty.errorCode, empty.sessionId, told(empty)]).toEqual([0, 0, []]);
    expect((await inSession(client, { sessionId, sessionEpoch: 5, ...named })).errorCode).toBe(ErrorCode.FetchSessionIdNotFound);
  }
});

test('an epoch that a session heard of from a newer version counts for an older one, which is given nothing', async () => {
  const { client } = await story();
  await client.createTopic('wide', { partitions: 5 });
  // So many that they are gone through in turns; most of them there are not.
  for (const count of [5, 1100]) {
    const topics = [{ topic: 'wide', partitions: Array.from({ length: count }, (_, partition) => ({ partition, fetchOffset: 100, lastFetchedEpoch: 0, partitionMaxBytes: 1000 })) }];
    const full = await client.fetchAll({ sessionId: 0, sessionEpoch: 0, topics }, 12);
    expect([full.responses[0]!.partitions.length, full.responses[0]!.partitions[0]!.divergingEpoch.endOffset]).toEqual([count, 0]);
    const { sessionId } = full;
    const older = await client.fetchAll({ sessionId, sessionEpoch: 1 }, 11);
    expect(older).toMatchObject({ errorCode: 0, responses: [{ partitions: { length: count, 0: { errorCode: 0, divergingEpoch: { endOffset: -1 } } } }] });
    expect((await client.fetchAll({ sessionId, sessionEpoch: 2 }, 12)).responses[0]!.partitions[0]!.divergingEpoch.endOffset).toBe(0);
  }
});

test('a full fetch ends the session it names; epoch -1 makes none', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  const { sessionId } = await inSession(client, { offsets: { 0: 0 } });
  const last = await inSession(client, { sessionId, sessionEpoch: -1, offsets: { 0: 0 } });
  expect([last.sessionId, told(last)]).toEqual([0, [[0, 0, 0]]]);
  expect((await inSession(client, { sessionId, sessionEpoch: 1 })).errorCode).toBe(ErrorCode.FetchSessionIdNotFound);
});

test('without a slot clients go on with full fetches', async () => {
  const { client } = await story({ 'max.incremental.fetch.session.cache.slots': 1 });
  await client.createTopic('orders');
  expect((await inSession(client, { offsets: { 0: 0 } })).sessionId).not.toBe(0);
  const second = await inSession(client, { offsets: { 0: 0 } });
  expect([second.errorCode, second.sessionId, told(second)]).toEqual([0, 0, [[0, 0, 0]]]);
});

test('a session waits for news of any of its partitions, and one in error comes again when it is healthy', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders', { partitions: 2 });
  const waiter = await broker.client();
  const { sessionId } = await inSession(waiter, { offsets: { 0: 0, 1: 0 } });
  const waiting = inSession(waiter, { sessionId, sessionEpoch: 1, ...forever });
  await client.produce('orders', batch(['x']), { partition: 1 });
  expect(told(await waiting)).toEqual([[1, 1, 1]]);
  const beyond = await inSession(waiter, { sessionId, sessionEpoch: 2, offsets: { 1: 99 } });
  expect(beyond.responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.OffsetOutOfRange);
  expect(told(await inSession(waiter, { sessionId, sessionEpoch: 3, offsets: { 1: 1 } }))).toEqual([[1, 1, 0]]);
});

test('one session used from two connections at once harms nobody', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders', { partitions: 4 });
  for (let partition = 0; partition < 4; partition++) await client.produce('orders', batch(['cold'.repeat(2000)]), { partition });
  await broker.restart();
  const producer = await broker.client();
  const [one, two] = [await broker.client(), await broker.client()];
  for (let round = 0; round < 30; round++) {
    await producer.produce('orders', batch([`hot ${round}`]));
    const { sessionId } = await inSession(one, { offsets: { 0: 1 + round, 1: 0, 2: 0, 3: 0 } });
    const both = [inSession(one, { sessionId, sessionEpoch: 1, offsets: { 0: 1 + round } }), inSession(two, { sessionId, sessionEpoch: 2 })];
    for (const answer of await Promise.all(both)) if (answer.errorCode === 0) expect(told(answer).length).toBeGreaterThan(0);
    else expect(answer.errorCode).toBe(ErrorCode.InvalidFetchSessionEpoch);
  }
  expect((await producer.metadata()).brokers).toHaveLength(1);
});

test('produce, fetch and metadata of one client in one write are answered in their order', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  const order: string[] = [];
  const note = (what: string) => (): void => { order.push(what); };
  const requests = Array.from({ length: 60 }, (_, at) => {
    const produced = client.prepare(ProduceRequest, produceOne('orders', 0, batch([`n ${at}`])), 9);
    const fetched = client.prepare<FetchResponse>(FetchRequest, { replicaId: -1, maxWaitMs: 20, minBytes: 1, maxBytes: 1000, topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: at, partitionMaxBytes: 1000 }] }] }, 11);
    const known = client.prepare<MetadataResponse>(MetadataRequest, { topics: [] }, 9);
    void produced.answer.then(note(`p${at}`));
    void fetched.answer.then(note(`f${at}`));
    void known.answer.then(note(`m${at}`));
    return [produced, fetched, known];
  }).flat();
  client.raw(Buffer.concat(requests.map(({ bytes }) => bytes)));
  await Promise.all(requests.map(({ answer }) => answer));
  expect(order).toEqual(Array.from({ length: 60 }, (_, at) => [`p${at}`, `f${at}`, `m${at}`]).flat());
});

test('a topic of compression.type=zstd is kept from clients that are too old for it, whatever its batches are; other topics are not', async () => {
  const { client } = await story();
  await client.createTopic('packed', { configs: { 'compression.type': 'zstd' } });
  await client.createTopic('orders');
  await client.produce('packed', batch(['plain']));
  for (const topic of ['packed', 'orders']) await client.produce(topic, batch(['a', 'b'], { codec: 'zstd' }));
  const refused: { errorCode: number; highWatermark: number; recordSet: number } = { errorCode: ErrorCode.UnsupportedCompressionType, highWatermark: -1, recordSet: 0 };
  const seen = async (topic: string, offset: number, version: number): Promise<typeof refused> => {
    const { errorCode, highWatermark, records } = await client.fetch(topic, offset, { version });
    return { errorCode, highWatermark, recordSet: records?.length ?? 0 };
  };
  for (let version = 0; version < 10; version++) {
    expect(await seen('packed', 0, version), `v${version}`).toEqual(refused);
    expect(await seen('packed', 77, version), `v${version}, out of range`).toEqual(refused);
    expect((await client.fetch('packed', 0, { version, partition: 5 })).errorCode, 'there is no such partition').toBe(ErrorCode.UnknownTopicOrPartition);
    if (version >= 4) expect(await seen('orders', 0, version), `v${version}`).toMatchObject({ errorCode: 0, highWatermark: 2 });
  }
  for (const version of [10, 11, 12]) expect((await seen('packed', 0, version)), `v${version}`).toMatchObject({ errorCode: 0, highWatermark: 3 });
  // The setting counts, as it is now.
  await client.alterTopic('packed', { 'compression.type': null });
  await until(async () => (await seen('packed', 0, 9)).errorCode === 0);
  await client.alterTopic('orders', { 'compression.type': 'zstd' });
  await until(async () => (await seen('orders', 0, 9)).errorCode === ErrorCode.UnsupportedCompressionType);
});
