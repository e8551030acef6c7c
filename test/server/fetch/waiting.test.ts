// What ends the wait of a fetch, and what does not (ReplicaManager.fetchMessages, DelayedFetch.scala).
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { LeaderAndIsrRequest, type FetchRequestInput, type FetchResponse, type LeaderAndIsrResponse } from '../../../src/protocol/messages.js';
import { batch } from '../../support/batches.js';
import { TestBroker, until } from '../../support/broker.js';
import { valuesOf, type TestClient } from '../../support/client.js';

const NOBODY = 'bm90LWEtdG9waWMtaWQtMQ';
const FOREVER = 600_000;
const PLENTY = 1 << 20;

type Topics = NonNullable<FetchRequestInput['topics']>;
interface Seen { readonly topic: string; readonly partition: number; readonly errorCode: number; readonly values: string[] }

/** One who fetches and waits, and one who does something meanwhile. */
async function story(): Promise<{ broker: TestBroker; client: TestClient; waiter: TestClient; topicId: string }> {
  const broker = await TestBroker.start();
  const client = await broker.client();
  const topicId = await client.createTopic('orders', { partitions: 2 });
  return { broker, client, topicId, waiter: await broker.client() };
}

const of = (topic: string, ...offsets: number[]): Topics[number] => ({ topic, partitions: offsets.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: PLENTY })) });
const byId = (topicId: string, ...offsets: number[]): Topics[number] => ({ ...of('', ...offsets), topicId });
const seen = ({ responses }: FetchResponse): Seen[] => responses.flatMap(({ topic, topicId, partitions }) => partitions.map(({ partitionIndex, errorCode, records }) => ({ topic: topic === '' ? topicId : topic, partition: partitionIndex, errorCode, values: valuesOf(records) })));

test('a partition that there is not does not end the wait for another; it is told behind that one', async () => {
  const { client, waiter, topicId } = await story();
  let offset = 0;
  for (const version of [4, 7, 12, 13, 17]) {
    const [orders, unknown, code] = version >= 13 ? [byId(topicId, offset), byId(NOBODY, 0), ErrorCode.UnknownTopicId] : [of('orders', offset), of('nowhere', 0), ErrorCode.UnknownTopicOrPartition];
    const waiting = waiter.fetchAll({ topics: [unknown, orders], maxWaitMs: FOREVER }, version);
    await client.produce('orders', batch([`${version}`]));
    const [first, second] = seen(await waiting);
    expect([first!.errorCode, first!.values], `v${version}`).toEqual([0, [`${version}`]]);
    expect([second!.errorCode, second!.values], `v${version}`).toEqual([code, []]);
    offset++;
  }
});

test('where nothing else was asked for, what there is not is told at once', async () => {
  const { waiter } = await story();
  expect(seen(await waiter.fetchAll({ topics: [of('nowhere', 0), { topic: 'orders', partitions: [{ partition: 9, fetchOffset: 0, partitionMaxBytes: PLENTY }] }], maxWaitMs: FOREVER })).map(({ errorCode }) => errorCode)).toEqual([3, 3]);
  expect(seen(await waiter.fetchAll({ topics: [byId(NOBODY, 0)], maxWaitMs: FOREVER }, 13)).map(({ errorCode }) => errorCode)).toEqual([100]);
});

test('a session with a deleted topic waits for its other partitions, and tells of the topic each time', async () => {
  const { client, waiter } = await story();
  await client.createTopic('gone');
  const full = await waiter.fetchAll({ sessionId: 0, sessionEpoch: 0, topics: [of('gone', 0), of('orders', 0)] });
  const { sessionId } = full;
  await client.deleteTopics(['gone']);
  for (let sessionEpoch = 1; sessionEpoch <= 4; sessionEpoch++) {
    const waiting = waiter.fetchAll({ sessionId, sessionEpoch, maxWaitMs: FOREVER, topics: [of('orders', sessionEpoch - 1)] });
    await client.produce('orders', batch([`${sessionEpoch}`]));
    expect(seen(await waiting)).toEqual([
      { topic: 'orders', partition: 0, errorCode: 0, values: [`${sessionEpoch}`] },
      { topic: 'gone', partition: 0, errorCode: ErrorCode.UnknownTopicOrPartition, values: [] },
    ]);
  }
});

test('a topic that is made while a fetch of its name waits is nothing to that fetch', async () => {
  const { client, waiter } = await story();
  const waiting = waiter.fetchAll({ topics: [of('later', 0), of('orders', 0)], maxWaitMs: FOREVER });
  await client.createTopic('later');
  await client.produce('later', batch(['early']));
  await client.produce('orders', batch(['news']));
  expect(seen(await waiting)).toEqual([
    { topic: 'orders', partition: 0, errorCode: 0, values: ['news'] },
    { topic: 'later', partition: 0, errorCode: ErrorCode.UnknownTopicOrPartition, values: [] },
  ]);
});

test('what reading meets ends the wait: an offset out of range, an epoch too new, one that parted', async () => {
  const { waiter } = await story();
  const with1 = (asked: Partial<NonNullable<Topics[number]['partitions']>[number]>): Topics => [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: PLENTY }, { partition: 1, fetchOffset: 0, partitionMaxBytes: PLENTY, ...asked }] }];
  const codes = async (topics: Topics): Promise<number[]> => seen(await waiter.fetchAll({ topics, maxWaitMs: FOREVER })).map(({ errorCode }) => errorCode);
  expect(await codes(with1({ fetchOffset: 7 }))).toEqual([0, ErrorCode.OffsetOutOfRange]);
  expect(await codes(with1({ currentLeaderEpoch: 5 }))).toEqual([0, ErrorCode.UnknownLeaderEpoch]);
  expect(await codes(with1({ lastFetchedEpoch: 5 }))).toEqual([0, ErrorCode.OffsetOutOfRange]);
  const parted = await waiter.fetchAll({ topics: with1({ fetchOffset: 3, lastFetchedEpoch: 0 }), maxWaitMs: FOREVER });
  expect(parted.responses[0]!.partitions.map(({ errorCode, divergingEpoch }) => [errorCode, divergingEpoch.endOffset])).toEqual([[0, -1], [0, 0]]);
});

test('a topic deleted under a waiting fetch ends it, by name and by id alike', async () => {
  const { broker, client, waiter, topicId } = await story();
  const waiting = [waiter.fetchAll({ topics: [of('orders', 0)], maxWaitMs: FOREVER }), (await broker.client()).fetchAll({ topics: [byId(topicId, 0)], maxWaitMs: FOREVER }, 13)];
  await client.deleteTopics(['orders']);
  for (const answer of await Promise.all(waiting)) expect(seen(answer).map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UnknownTopicOrPartition]);
});

test('a new leader epoch ends the wait of those who named the old one, and of nobody else', async () => {
  const { broker, client, waiter, topicId } = await story();
  const named = waiter.fetchAll({ topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, currentLeaderEpoch: 0, partitionMaxBytes: PLENTY }] }], maxWaitMs: FOREVER });
  const unnamed = (await broker.client()).fetchAll({ topics: [of('orders', 0)], maxWaitMs: FOREVER });
  await client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, {
    controllerId: broker.id, controllerEpoch: 100, brokerEpoch: -1, liveLeaders: [],
    topicStates: [{ topicName: 'orders', topicId, partitionStates: [{ partitionIndex: 0, controllerEpoch: 100, leader: broker.id, leaderEpoch: 3, isr: [broker.id], replicas: [broker.id], partitionEpoch: 3, isNew: false }] }],
  }, 7);
  expect(seen(await named).map(({ errorCode }) => errorCode)).toEqual([ErrorCode.FencedLeaderEpoch]);
  await client.produce('orders', batch(['news']));
  expect(seen(await unnamed)).toEqual([{ topic: 'orders', partition: 0, errorCode: 0, values: ['news'] }]);
});

test('a zstd topic makes a client too old for it wait like everybody, and tells it then', async () => {
  const { client, waiter } = await story();
  await client.createTopic('packed', { configs: { 'compression.type': 'zstd' } });
  const waiting = waiter.fetchAll({ topics: [of('packed', 0), of('orders', 0)], maxWaitMs: FOREVER }, 9);
  await client.produce('orders', batch(['news']));
  expect(seen(await waiting)).toEqual([
    { topic: 'packed', partition: 0, errorCode: ErrorCode.UnsupportedCompressionType, values: [] },
    { topic: 'orders', partition: 0, errorCode: 0, values: ['news'] },
  ]);
});

test('what has no room in the answer counts towards the bytes that are waited for', async () => {
  const { client, waiter } = await story();
  for (const partition of [0, 1]) await client.produce('orders', batch(['x'.repeat(1000)]), { partition });
  const answer = await waiter.fetchAll({ topics: [of('orders', 0, 0)], minBytes: 1500, maxBytes: 1500, maxWaitMs: FOREVER });
  expect(seen(answer).map(({ values }) => values.length)).toEqual([1, 0]);
});

test('a segment that gets nothing more is not waited for: the read begins in an older one, or the log rolls meanwhile', async () => {
  const { broker, client, waiter } = await story();
  await client.createTopic('rolling', { configs: { 'segment.bytes': '3000' } });
  for (let n = 0; n < 3; n++) await client.produce('rolling', batch(['x'.repeat(1000)]));
  // Two are in the first segment, one in the second.
  const older = await waiter.fetchAll({ topics: [of('rolling', 1)], minBytes: 1 << 19, maxWaitMs: FOREVER });
  expect(seen(older).map(({ values }) => values.length)).toEqual([1]);
  const waiting = (await broker.client()).fetchAll({ topics: [of('rolling', 2)], minBytes: 1 << 19, maxWaitMs: FOREVER });
  let over = false;
  void waiting.then(() => { over = true; });
  await client.produce('rolling', batch(['y'.repeat(1000)]));
  await client.metadata();
  expect(over).toBe(false);
  await client.produce('rolling', batch(['z'.repeat(1000)]));
  expect(seen(await waiting).map(({ values }) => values.length)).toEqual([2]);
});

test('a topic made anew is another one to a session of topic ids: none while there is none, and then one of another id', async () => {
  const { client, waiter, topicId } = await story();
  const known = await client.createTopic('anew');
  const full = await waiter.fetchAll({ sessionId: 0, sessionEpoch: 0, topics: [byId(known, 0), byId(NOBODY, 0), byId(topicId, 0)] }, 13);
  expect(seen(full).map(({ topic, errorCode }) => [topic, errorCode])).toEqual([[known, 0], [topicId, 0], [NOBODY, ErrorCode.UnknownTopicId]]);
  const { sessionId } = full;
  let sessionEpoch = 0;
  const next = async (): Promise<[string, number][]> => seen(await waiter.fetchAll({ sessionId, sessionEpoch: ++sessionEpoch }, 13)).map(({ topic, errorCode }) => [topic, errorCode]);
  await client.deleteTopics(['anew']);
  expect(await next()).toEqual([[known, ErrorCode.UnknownTopicOrPartition], [NOBODY, ErrorCode.UnknownTopicId]]);
  await until(async () => (await client.createTopics({ topics: [{ name: 'anew', numPartitions: 1, replicationFactor: 1 }] })).topics[0]!.errorCode === 0, 'the old one is gone, and a new one made');
  expect(await next()).toEqual([[known, ErrorCode.InconsistentTopicId], [NOBODY, ErrorCode.UnknownTopicId]]);
  // Its reading meets the error, so that it does not wait.
  expect(seen(await waiter.fetchAll({ sessionId, sessionEpoch: ++sessionEpoch, maxWaitMs: FOREVER }, 13)).map(({ errorCode }) => errorCode)).toEqual([ErrorCode.InconsistentTopicId, ErrorCode.UnknownTopicId]);
  // Without a session, nobody has heard of the id.
  expect(seen(await waiter.fetchAll({ topics: [byId(known, 0)], maxWaitMs: FOREVER }, 13)).map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UnknownTopicId]);
});

test('a session whose next request came by another connection tells the first that it is not the last', async () => {
  const { broker, client, waiter } = await story();
  const { sessionId } = await waiter.fetchAll({ sessionId: 0, sessionEpoch: 0, topics: [of('orders', 0)] });
  const other = await broker.client();
  const taken = broker.stat('requests');
  const first = waiter.fetchAll({ sessionId, sessionEpoch: 1, maxWaitMs: FOREVER });
  await until(() => broker.stat('requests') > taken, 'the first has arrived');
  const second = other.fetchAll({ sessionId, sessionEpoch: 2, maxWaitMs: FOREVER });
  await until(() => broker.stat('requests') > taken + 1, 'and the second');
  await client.produce('orders', batch(['news']));
  expect(await first).toMatchObject({ errorCode: ErrorCode.InvalidFetchSessionEpoch, sessionId, responses: [] });
  expect(seen(await second)).toMatchObject([{ values: ['news'] }]);
});
