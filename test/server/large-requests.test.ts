import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemTimers, type Timers } from '../../src/base/timers.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import {
  CreatePartitionsRequest, DescribeConfigsRequest, DescribeGroupsRequest, FetchRequest, FindCoordinatorRequest, JoinGroupRequest, ProduceRequest,
  type CreatePartitionsResponse, type DescribeConfigsResponse, type DescribeGroupsResponse, type FetchResponse, type FindCoordinatorResponse,
  type ProduceRequestInput, type ProduceResponse,
} from '../../src/protocol/messages.js';
import { batch, tampered } from '../support/batches.js';
import { TestBroker, until } from '../support/broker.js';
import { ConnectionEnded, produceOne, valuesOf, type TestClient } from '../support/client.js';

type Row = NonNullable<NonNullable<ProduceRequestInput['topicData']>[number]['partitionData']>[number];

const WIDE = 1100;

/** Counts how often long work gave way to everybody else: how many turns it took. */
function countingTurns(): { timers: Timers; turns: () => number } {
  let taken = 0;
  return {
    turns: () => taken,
    timers: { ...systemTimers, after: (ms, action) => systemTimers.after(ms, ms === 0 ? () => { taken++; action(); } : action) },
  };
}

interface Stage { broker: TestBroker; client: TestClient; turns: () => number; stranger: TestClient }

/** Thousands of files: in memory where the machine lets us. */
function memoryDirectory(): string {
  const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'odradek-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A broker with a topic of more partitions than are served in one go. */
async function wide(partitions = WIDE, settings: Record<string, string | number> = {}): Promise<Stage> {
  const { timers, turns } = countingTurns();
  const broker = await TestBroker.start({ timers, dir: memoryDirectory(), settings: { 'log.index.size.max.bytes': 4096, ...settings } });
  const [client, stranger] = [await broker.client(), await broker.client('stranger')];
  if (partitions > 0) await client.createTopic('wide', { partitions });
  return { broker, client, stranger, turns };
}

const every = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));
const toAll = (records: (index: number) => Uint8Array | null, acks = -1, count = WIDE): ProduceRequestInput => ({ acks, timeoutMs: 20_000, topicData: [{ name: 'wide', partitionData: every(count, index => ({ index, records: records(index) })) }] });
const rowsOf = ({ responses }: ProduceResponse): ProduceResponse['responses'][number]['partitionResponses'] => responses.flatMap(({ partitionResponses }) => partitionResponses);
const offsetsOf = (answer: ProduceResponse): [number, number][] => rowsOf(answer).map(({ errorCode, baseOffset }) => [errorCode, baseOffset]);

test('a produce to very many partitions is served in turns: every row gets its own answer, and nothing overtakes it', async () => {
  const { broker, client, turns } = await wide();
  const good = batch(['a', 'b']);
  const before = turns();
  // Behind it on the same connection: its admission comes first, and so does its answer.
  const order: string[] = [];
  const large = client.prepare<ProduceResponse>(ProduceRequest, toAll(() => good), 11);
  const small = client.prepare<ProduceResponse>(ProduceRequest, produceOne('wide', WIDE - 1, good), 11);
  large.answer.then(() => order.push('large'), () => {});
  small.answer.then(() => order.push('small'), () => {});
  client.raw(Buffer.concat([large.bytes, small.bytes]));
  expect(offsetsOf(await small.answer)).toEqual([[0, 2]]);
  expect(offsetsOf(await large.answer)).toEqual(every(WIDE, () => [0, 0]));
  expect(order).toEqual(['large', 'small']);
  expect(turns() - before, 'turns').toBeGreaterThan(3);

  const producer = { producerId: (await client.initProducerId()).producerId, producerEpoch: 0 };
  const sent = every(WIDE, index => batch([`${index}`], { ...producer, baseSequence: 0, codec: index % 7 === 0 ? 'zstd' : 'none' }));
  const first = offsetsOf(await client.produceAll(toAll(index => sent[index]!, 1)));
  expect(first).toEqual(every(WIDE, index => [0, index === WIDE - 1 ? 3 + 1 : 2]));
  // Some spoilt in their own ways, some sent before, some named twice.
  const { topicData } = toAll(index => {
    if (index % 5 === 1) return tampered(good, bytes => bytes.writeUInt8(bytes[70]! ^ 1, 70), false);
    if (index % 5 === 2) return null;
    if (index % 5 === 3) return batch(['gap'], { ...producer, baseSequence: 7 });
    return index % 5 === 4 ? good : sent[index]!;
  });
  const more = ['nowhere', 'wide'].map(name => ({ name, partitionData: [{ index: 4, records: good }] }));
  const answers = rowsOf(await client.produceAll({ topicData: [...topicData!, ...more] }));
  const codes = [0, ErrorCode.CorruptMessage, ErrorCode.InvalidRecord, ErrorCode.OutOfOrderSequenceNumber, 0];
  expect(answers.map(({ errorCode }) => errorCode)).toEqual([...every(WIDE, index => codes[index % 5]), ErrorCode.UnknownTopicOrPartition, ErrorCode.InvalidRequest]);
  expect(answers.slice(0, WIDE - 5).filter(({ errorCode }) => errorCode === 0).map(({ index, baseOffset }) => [index % 5, baseOffset])).toEqual(every(WIDE - 5, index => index % 5).filter(rest => rest === 0 || rest === 4).map(rest => [rest, rest === 0 ? 2 : 3]));
  expect(valuesOf((await client.fetch('wide', 0, { partition: 1 })).records)).toEqual(['a', 'b', '1']);

  // acks=0 says nothing where all is well, and ends the connection where it is not.
  const silent = await broker.client();
  silent.tell(ProduceRequest, toAll(() => good, 0), 11);
  expect((await silent.metadata({ topics: [] })).brokers).toHaveLength(1);
  expect((await client.listOffsets('wide', -1, { partition: 1 })).offset).toBe(5);
  silent.tell(ProduceRequest, toAll(index => (index === 500 ? null : good), 0), 11);
  await silent.ended;
  await until(async () => (await client.listOffsets('wide', -1, { partition: 1 })).offset === 7);

  // Whoever leaves in the middle leaves nothing behind.
  const hasty = await broker.client();
  hasty.tell(ProduceRequest, toAll(() => good), 11);
  hasty.destroy();
  for (const each of every(3, () => client.produceAll(toAll(() => good)))) await each;
  await until(() => broker.stat('queuedBytes') === 0, 'everything is given back');
  await broker.restart();
  expect((await (await broker.client()).listOffsets('wide', -1, { partition: 2 })).offset).toBeGreaterThanOrEqual(6);
}, 60_000);

test('the same batches in flight on two connections are appended once, however many there are', async () => {
  const { broker, client } = await wide();
  const other = await broker.client();
  const producer = { producerId: (await client.initProducerId()).producerId, producerEpoch: 0 };
  for (let round = 0; round < 3; round++) {
    const sent = every(WIDE, index => batch([`${index}`], { ...producer, baseSequence: round, codec: index % 100 === 0 ? 'gzip' : 'none' }));
    const both = [client, other].map(each => each.produceAll(toAll(index => sent[index]!)));
    for (const answer of await Promise.all(both)) expect(offsetsOf(answer)).toEqual(every(WIDE, () => [0, round]));
  }
}, 60_000);

test('a fetch of very many partitions is served in turns: all at once, waiting, in a session, or left in the middle', async () => {
  const { broker, client, stranger, turns } = await wide();
  await client.produceAll(toAll(index => batch([`${index}`])));
  const ask = (offset: number, extra: object = {}): object => ({ replicaId: -1, maxWaitMs: 0, minBytes: 1, maxBytes: 50 << 20, topics: [{ topic: 'wide', partitions: every(WIDE, partition => ({ partition, fetchOffset: offset, partitionMaxBytes: 1000 })) }], ...extra });
  const fetch = (from: TestClient, message: object): Promise<FetchResponse> => from.ask(FetchRequest, message, 12);
  const told = ({ responses }: FetchResponse): [number, string[]][] => responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex, records }): [number, string[]] => [partitionIndex, valuesOf(records)]));

  const before = turns();
  expect(told(await fetch(client, ask(0)))).toEqual(every(WIDE, index => [index, [`${index}`]]));
  expect(turns() - before, 'turns').toBeGreaterThan(2);
  expect(told(await fetch(client, ask(0, { maxBytes: 10 * 70 }))).filter(([, values]) => values.length > 0).length).toBeLessThan(12);

  // Waiting: what comes to any of them is told, and what is not enough does not end the wait.
  const waiting = fetch(client, ask(1, { maxWaitMs: 600_000, minBytes: 150 }));
  for (const partition of [3, WIDE - 1]) expect((await stranger.produce('wide', batch(['x'.repeat(10)]), { partition })).errorCode).toBe(0);
  expect(told(await waiting).filter(([, values]) => values.length > 0)).toEqual([[3, ['x'.repeat(10)]], [WIDE - 1, ['x'.repeat(10)]]]);
  expect(told(await fetch(client, ask(2, { maxWaitMs: 30 }))).length, 'offsets beyond the end').toBe(WIDE);
  const late = await fetch(client, { ...ask(1, { maxWaitMs: 50, minBytes: 100_000 }) });
  expect(told(late).filter(([, values]) => values.length > 0).map(([index]) => index)).toEqual([3, WIDE - 1]);

  // In a session: everything once, then what changed, asked by a small request.
  const full = await fetch(client, ask(1, { sessionId: 0, sessionEpoch: 0 }));
  expect(told(full)).toHaveLength(WIDE);
  const news = fetch(client, { replicaId: -1, maxWaitMs: 600_000, minBytes: 1, sessionId: full.sessionId, sessionEpoch: 1, topics: [{ topic: 'wide', partitions: [3, WIDE - 1].map(partition => ({ partition, fetchOffset: 2, partitionMaxBytes: 1000 })) }] });
  await stranger.produce('wide', batch(['news']), { partition: 77 });
  expect(told(await news)).toEqual([[77, ['news']]]);
  expect(told(await fetch(client, { replicaId: -1, maxWaitMs: 0, minBytes: 1, sessionId: full.sessionId, sessionEpoch: 2, forgottenTopicsData: [{ topic: 'wide', partitions: every(WIDE - 1, index => index) }] }))).toEqual([]);

  // Left in the middle, at every moment there is.
  for (let n = 0; n < 12; n++) {
    const hasty = await broker.client();
    // On a slow machine its answer may come before it leaves.
    void hasty.ask(FetchRequest, ask(n % 2, { maxWaitMs: 600_000 }), 12).catch(() => {});
    for (let spin = 0; spin < n; spin++) await stranger.metadata({ topics: [] });
    hasty.destroy();
  }
  await until(() => broker.stat('connections') === 2 && broker.stat('queuedBytes') === 0, 'everything is given back');
  expect((await stranger.produce('wide', batch(['on']), { partition: 5 })).errorCode).toBe(0);
}, 60_000);

test('the most partitions a produce and a fetch may name are answered, in turns; more of them end the connection', async () => {
  const { broker, client, stranger, turns } = await wide(0);
  const rows = (count: number): Row[] => every(count, index => ({ index, records: null }));
  let before = turns();
  const produced = client.produceAll({ acks: 1, topicData: [{ name: 'nowhere', partitionData: rows(20_000) }] });
  expect(rowsOf(await produced).filter(({ errorCode }) => errorCode === ErrorCode.UnknownTopicOrPartition)).toHaveLength(20_000);
  expect(turns() - before, 'turns of the produce').toBeGreaterThan(2);
  before = turns();
  const partitions = (count: number): object[] => every(count, partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1 }));
  // With a name that no topic has: it is told once, not once per partition.
  const name = 'n'.repeat(30_000);
  const fetched = await client.fetchAll({ maxWaitMs: 600_000, topics: [{ topic: name, partitions: partitions(50_000) }] }, 11);
  expect(fetched.responses[0]!.partitions.filter(({ errorCode }) => errorCode === ErrorCode.UnknownTopicOrPartition)).toHaveLength(50_000);
  expect(turns() - before, 'turns of the fetch').toBeGreaterThan(5);

  const rude: [string, Buffer][] = [
    ['a produce', client.frame(ProduceRequest, { acks: 1, topicData: [{ name: 'nowhere', partitionData: rows(20_001) }] }, 9)],
    ['a produce to many topics', client.frame(ProduceRequest, { acks: 1, topicData: every(20_001, index => ({ name: `t${index}`, partitionData: rows(1) })) }, 9)],
    ['a fetch', client.frame(FetchRequest, { replicaId: -1, topics: [{ topic: 'nowhere', partitions: partitions(50_001) }] }, 12)],
    ['a fetch that forgets', client.frame(FetchRequest, { replicaId: -1, topics: [], forgottenTopicsData: [{ topic: 'nowhere', partitions: every(50_001, index => index) }] }, 12)],
  ];
  for (const [what, bytes] of rude) {
    const each = await broker.client();
    const answer = each.metadata();
    await answer;
    each.raw(bytes);
    const behind = each.metadata();
    await expect(behind, what).rejects.toThrow(ConnectionEnded);
  }
  expect((await stranger.metadata()).brokers).toHaveLength(1);
  await until(() => broker.stat('queuedBytes') === 0);
}, 60_000);

test('metadata of very many names is answered in turns, and a name asked for again and again once', async () => {
  const { client, turns } = await wide(3);
  let before = turns();
  const many = await client.metadata({ topics: every(60_000, index => ({ name: `unknown-${index}` })), allowAutoTopicCreation: false });
  expect(many.topics.filter(({ errorCode }) => errorCode === ErrorCode.UnknownTopicOrPartition)).toHaveLength(60_000);
  expect(turns() - before, 'turns').toBeGreaterThan(3);
  before = turns();
  const id = (await client.metadata()).topics[0]!.topicId;
  const again = await client.metadata({ topics: every(200_000, index => (index % 2 === 0 ? { name: 'wide' } : { name: null, topicId: id })), allowAutoTopicCreation: false });
  // Beside an id, names ask for nothing.
  expect(again.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([['wide', 3]]);
  expect(turns() - before, 'turns').toBeGreaterThan(1);
});

test('settings of very many resources are described in turns, and of one asked for again and again a hundred times more', async () => {
  const { client, turns } = await wide(1);
  const describe = (resources: readonly { resourceType: number; resourceName: string }[]): Promise<DescribeConfigsResponse> => client.ask(DescribeConfigsRequest, { resources: resources.map(each => ({ ...each, configurationKeys: null })), includeSynonyms: true }, 4);
  let before = turns();
  const many = await describe(every(40_000, index => ({ resourceType: 2, resourceName: `unknown-${index}` })));
  expect(many.results.filter(({ errorCode }) => errorCode === ErrorCode.UnknownTopicOrPartition)).toHaveLength(40_000);
  expect(turns() - before, 'turns').toBeGreaterThan(3);
  before = turns();
  const again = await describe(every(100_000, () => ({ resourceType: 2, resourceName: 'wide' })));
  expect(again.results.map(({ resourceName, configs }) => [resourceName, configs.length > 20])).toEqual(every(101, () => ['wide', true]));
});

test('partitions are added up to what a znode can hold, and topics named twice, or that there are not, are refused without much ado', async () => {
  const { client } = await wide(2);
  for (const count of [40_001, 1_000_000, 0x7fffffff]) expect((await client.createPartitions('wide', count)).results, `${count}`).toMatchObject([{ name: 'wide', errorCode: ErrorCode.InvalidPartitions }]);
  expect((await client.createPartitions('wide', 40_000, { validateOnly: true })).results[0]!.errorCode).toBe(0);
  expect((await client.createPartitions('wide', 0x7fffffff, { assignments: [{ brokerIds: [0] }] })).results[0]!.errorCode).toBe(ErrorCode.InvalidPartitions);
  expect((await client.metadata()).topics[0]!.partitions).toHaveLength(2);
  const ask = (names: readonly string[]): Promise<CreatePartitionsResponse> => client.ask(CreatePartitionsRequest, { topics: names.map(name => ({ name, count: 5, assignments: null })), timeoutMs: 1000 }, 3);
  // In quadratic time the first would take minutes.
  expect((await ask(every(200_000, index => `t${index >> 1}`))).results.filter(({ errorCode }) => errorCode === ErrorCode.InvalidRequest)).toHaveLength(100_000);
  expect((await ask(every(3000, index => `t${index}`))).results.filter(({ errorCode }) => errorCode === ErrorCode.UnknownTopicOrPartition)).toHaveLength(3000);
  expect((await ask(['wide', 'wide', 'other'])).results.map(({ name, errorCode }) => [name, errorCode]).sort()).toEqual([['other', ErrorCode.UnknownTopicOrPartition], ['wide', ErrorCode.InvalidRequest]]);
}, 60_000);

test('a large request that waits is charged to the budget until it is answered; a small one is not', async () => {
  const { broker, stranger } = await wide(0, { 'group.initial.rebalance.delay.ms': 3000 });
  const join = (client: TestClient, group: string, bytes: number): void => void client.ask(JoinGroupRequest, {
    groupId: group, sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 600_000, protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(bytes) }],
  }, 3).catch(() => {});
  // The first request of a group waits for its coordinator to have loaded; wait until there is one.
  await until(async () => (await stranger.ask<FindCoordinatorResponse>(FindCoordinatorRequest, { keyType: 0, coordinatorKeys: ['small'] }, 4)).coordinators[0]!.errorCode === 0);
  const [small, large] = [await broker.client(), await broker.client()];
  join(small, 'small', 10_000);
  await until(async () => (await stranger.ask<DescribeGroupsResponse>(DescribeGroupsRequest, { groups: ['small'] }, 5)).groups[0]!.groupState === 'PreparingRebalance');
  await until(() => broker.stat('queuedBytes') === 0, 'a small one is given back');
  join(large, 'large', 20_000);
  await until(async () => (await stranger.ask<DescribeGroupsResponse>(DescribeGroupsRequest, { groups: ['large'] }, 5)).groups[0]!.groupState === 'PreparingRebalance');
  expect(broker.stat('queuedBytes')).toBeGreaterThanOrEqual(20_000);
  // A fetch that waits is no different.
  const waiting = await broker.client();
  await stranger.createTopic('orders', { partitions: 2 });
  waiting.tell(FetchRequest, { replicaId: -1, maxWaitMs: 600_000, minBytes: 1, topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }], rackId: 'r'.repeat(30_000) }, 12);
  await until(() => broker.stat('queuedBytes') >= 50_000);
  waiting.destroy();
  await until(() => broker.stat('queuedBytes') === 0, 'the one is left, the other answered');
  expect(large.outstanding).toBe(0);
});
