import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { IncrementalAlterConfigsRequest, type CreateTopicsRequestInput, type IncrementalAlterConfigsResponse } from '../../src/protocol/messages.js';
import { batch } from '../support/batches.js';
import { TestBroker, until } from '../support/broker.js';
import { valuesOf, type TestClient } from '../support/client.js';

type Asked = NonNullable<CreateTopicsRequestInput['topics']>[number];

async function story(settings: Record<string, string | number> = {}): Promise<{ broker: TestBroker; client: TestClient }> {
  const broker = await TestBroker.start({ settings });
  return { broker, client: await broker.client() };
}

test('a topic that cannot be made is refused with its own error, the others in the request are made', async () => {
  const { broker, client } = await story({ 'num.partitions': 3 });
  await client.createTopic('a.b');
  const one = { numPartitions: 1, replicationFactor: 1 };
  const by = (...replicas: number[][]): Partial<Asked> => ({ numPartitions: -1, replicationFactor: -1, assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })) });
  const cases: [string, number, Asked][] = [
    ['empty name', ErrorCode.InvalidTopicException, { name: '', ...one }],
    ['dot', ErrorCode.InvalidTopicException, { name: '.', ...one }],
    ['dots', ErrorCode.InvalidTopicException, { name: '..', ...one }],
    ['a slash', ErrorCode.InvalidTopicException, { name: 'a/b', ...one }],
    ['a long name', ErrorCode.InvalidTopicException, { name: 'x'.repeat(250), ...one }],
    ['a name that collides', ErrorCode.InvalidTopicException, { name: 'a_b', ...one }],
    ['a name taken', ErrorCode.TopicAlreadyExists, { name: 'a.b', ...one }],
    ['no partitions', ErrorCode.InvalidPartitions, { name: 't1', numPartitions: 0, replicationFactor: 1 }],
    ['minus two partitions', ErrorCode.InvalidPartitions, { name: 't2', numPartitions: -2, replicationFactor: 1 }],
    ['more partitions than a znode can name', ErrorCode.InvalidPartitions, { name: 't12', numPartitions: 40_001, replicationFactor: 1 }],
    ['as many partitions as a number can say', ErrorCode.InvalidPartitions, { name: 't13', numPartitions: 2_147_483_647, replicationFactor: 1 }],
    ['no replicas', ErrorCode.InvalidReplicationFactor, { name: 't3', numPartitions: 1, replicationFactor: 0 }],
    ['more replicas than brokers', ErrorCode.InvalidReplicationFactor, { name: 't4', numPartitions: 1, replicationFactor: 2 }],
    ['counts and an assignment', ErrorCode.InvalidRequest, { name: 't5', ...by([broker.id]), numPartitions: 1 }],
    ['an unknown broker', ErrorCode.InvalidReplicaAssignment, { name: 't6', ...by([broker.id + 1]) }],
    ['a broker twice', ErrorCode.InvalidReplicaAssignment, { name: 't7', ...by([broker.id, broker.id]) }],
    ['a gap', ErrorCode.InvalidReplicaAssignment, { name: 't8', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 1, brokerIds: [broker.id] }] }],
    ['an unknown setting', ErrorCode.InvalidConfig, { name: 't9', ...one, configs: [{ name: 'no.such.thing', value: '1' }] }],
    ['a bad value', ErrorCode.InvalidConfig, { name: 't10', ...one, configs: [{ name: 'retention.ms', value: 'soon' }] }],
    ['a null value', ErrorCode.InvalidConfig, { name: 't11', ...one, configs: [{ name: 'retention.ms', value: null }] }],
    ['defaults', 0, { name: 'defaults', numPartitions: -1, replicationFactor: -1 }],
    ['an assignment', 0, { name: 'assigned', ...by([broker.id], [broker.id]) }],
  ];
  const answers = (await client.createTopics({ topics: cases.map(([, , asked]) => asked) })).topics;
  for (const [what, code, { name }] of cases) expect(answers.find(each => each.name === name)!.errorCode, what).toBe(code);
  const made = answers.filter(({ errorCode }) => errorCode === 0);
  expect(made.map(({ name, numPartitions, replicationFactor }) => [name, numPartitions, replicationFactor])).toEqual([['defaults', 3, 1], ['assigned', 2, 1]]);
  expect((await client.metadata()).topics.map(({ name, partitions }) => [name, partitions.length]).sort()).toEqual([['a.b', 1], ['assigned', 2], ['defaults', 3]]);
});

test('every version of CreateTopics and DeleteTopics does it; twice in one request is refused; validate only makes nothing', async () => {
  const { client } = await story();
  for (let version = 0; version <= 7; version++) {
    const name = `v${version}`;
    const [made] = (await client.createTopics({ topics: [{ name, numPartitions: 2, replicationFactor: 1, configs: [{ name: 'retention.ms', value: '1000' }] }] }, version)).topics;
    expect([made!.name, made!.errorCode]).toEqual([name, 0]);
    if (version >= 5) expect(made!.configs!.find(each => each.name === 'retention.ms')).toMatchObject({ value: '1000', configSource: 1 });
    expect((await client.produce(name, batch(['x']), { partition: 1 })).errorCode).toBe(0);
  }
  const twice = await client.createTopics({ topics: [1, 2].map(numPartitions => ({ name: 'twice', numPartitions, replicationFactor: 1 })) });
  expect(twice.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([['twice', ErrorCode.InvalidRequest]]);
  const dry = await client.createTopics({ topics: [{ name: 'dry', numPartitions: 1, replicationFactor: 1 }], validateOnly: true });
  expect(dry.topics[0]!.errorCode).toBe(0);
  for (let version = 0; version <= 6; version++) {
    const { responses } = await client.deleteTopics([`v${version}`, 'nowhere'], version);
    expect(responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([[`v${version}`, 0], ['nowhere', ErrorCode.UnknownTopicOrPartition]]);
  }
  expect((await client.metadata()).topics.map(({ name }) => name)).toEqual(['v7']);
});

test('without time to wait a topic is made all the same, and told as late', async () => {
  const { client } = await story();
  const [late] = (await client.createTopics({ topics: [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }], timeoutMs: 0 })).topics;
  expect(late!.errorCode).toBe(ErrorCode.RequestTimedOut);
  await until(async () => (await client.produce('orders', batch(['x']))).errorCode === 0);
  expect((await client.deleteTopics(['orders'], 6, 0)).responses[0]!.errorCode).toBe(ErrorCode.RequestTimedOut);
  await until(async () => (await client.metadata()).topics.length === 0);
});

test('deletion can be switched off, and topics can be named by id', async () => {
  const { DeleteTopicsRequest } = await import('../../src/protocol/messages.js');
  const { broker, client } = await story();
  const topicId = await client.createTopic('orders');
  const byId = async (id: string): Promise<number> => (await client.ask<{ responses: { errorCode: number }[] }>(DeleteTopicsRequest, { topics: [{ name: null, topicId: id }], timeoutMs: 20_000 }, 6)).responses[0]!.errorCode;
  expect(await byId('bm90LWEtdG9waWMtaWQtMQ')).toBe(ErrorCode.UnknownTopicId);
  expect(await byId(topicId)).toBe(0);
  await until(async () => (await client.createTopics({ topics: [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }] })).topics[0]!.errorCode === 0);
  await broker.restart({ 'delete.topic.enable': 'false' });
  const again = await broker.client();
  expect((await again.deleteTopics(['orders'], 6)).responses[0]!.errorCode).toBe(ErrorCode.TopicDeletionDisabled);
  expect((await again.deleteTopics(['orders'], 2)).responses[0]!.errorCode).toBe(ErrorCode.InvalidRequest);
});

test('partitions are added, never taken, and can be written to at once', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders', { partitions: 2 });
  const grow = async (count: number, extra = {}, name = 'orders'): Promise<number> => (await client.createPartitions(name, count, extra)).results[0]!.errorCode;
  expect(await grow(2)).toBe(ErrorCode.InvalidPartitions);
  expect(await grow(1)).toBe(ErrorCode.InvalidPartitions);
  expect(await grow(-1)).toBe(ErrorCode.InvalidPartitions);
  expect(await grow(3, {}, 'nowhere')).toBe(ErrorCode.UnknownTopicOrPartition);
  expect(await grow(3, { assignments: [{ brokerIds: [broker.id + 5] }] })).toBe(ErrorCode.InvalidReplicaAssignment);
  expect(await grow(4, { assignments: [{ brokerIds: [broker.id] }] })).toBe(ErrorCode.InvalidReplicaAssignment);
  expect(await grow(5, { validateOnly: true })).toBe(0);
  expect(await grow(4)).toBe(0);
  expect(await grow(5, { assignments: [{ brokerIds: [broker.id] }] })).toBe(0);
  for (let partition = 0; partition < 5; partition++) expect((await client.produce('orders', batch(['x']), { partition })).errorCode).toBe(0);
  expect((await client.produce('orders', batch(['x']), { partition: 5 })).errorCode).toBe(ErrorCode.UnknownTopicOrPartition);
});

test('metadata of every version; a topic nobody made appears where that is allowed', async () => {
  const { broker, client } = await story();
  const topicId = await client.createTopic('orders', { partitions: 2 });
  for (let version = 0; version <= 12; version++) {
    const answer = await client.metadata(version === 0 ? { topics: [] } : { topics: null }, version);
    expect(answer.brokers).toEqual([expect.objectContaining({ nodeId: broker.id, host: '127.0.0.1', port: broker.port })]);
    expect(answer.topics.map(({ name, errorCode, partitions }) => [name, errorCode, partitions.map(each => [each.errorCode, each.partitionIndex, each.leaderId, each.replicaNodes, each.isrNodes])])).toEqual(
      [['orders', 0, [0, 1].map(partition => [0, partition, broker.id, [broker.id], [broker.id]])]]);
    if (version >= 10) expect(answer.topics[0]!.topicId).toBe(topicId);
    if (version >= 1) expect((await client.metadata({ topics: [] }, version)).topics).toEqual([]);
  }
  expect((await client.metadata({ topics: [{ name: null, topicId }] }, 12)).topics[0]!.name).toBe('orders');
  expect((await client.metadata({ topics: [{ name: null, topicId: 'bm90LWEtdG9waWMtaWQtMQ' }] }, 12)).topics[0]!.errorCode).toBe(ErrorCode.UnknownTopicId);
  const ask = async (name: string, allowAutoTopicCreation = true, version = 9): Promise<number> => (await client.metadata({ topics: [{ name }], allowAutoTopicCreation }, version)).topics[0]!.errorCode;
  expect(await ask('wished', false)).toBe(ErrorCode.UnknownTopicOrPartition);
  expect(await ask('no/such')).toBe(ErrorCode.InvalidTopicException);
  expect(await ask('wished')).toBe(ErrorCode.LeaderNotAvailable);
  await until(async () => (await ask('wished', false)) === 0);
  expect((await client.produce('wished', batch(['x']))).errorCode).toBe(0);
  await broker.restart({ 'auto.create.topics.enable': 'false' });
  expect((await (await broker.client()).metadata({ topics: [{ name: 'another' }] })).topics[0]!.errorCode).toBe(ErrorCode.UnknownTopicOrPartition);
});

test('settings take effect while the topic is written to', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders');
  const big = batch(['x'.repeat(2000)]);
  expect((await client.produce('orders', big)).errorCode).toBe(0);
  expect((await client.alterTopic('orders', { 'max.message.bytes': '1000', 'message.timestamp.type': 'LogAppendTime', 'segment.bytes': '3000' })).responses[0]!.errorCode).toBe(0);
  await until(async () => (await client.produce('orders', big)).errorCode === ErrorCode.MessageTooLarge);
  expect((await client.produce('orders', batch(['x']))).logAppendTimeMs).toBeGreaterThan(0);
  const settings = async (who: TestClient): Promise<Record<string, string | null>> => Object.fromEntries((await who.describeConfigs('orders')).results[0]!.configs.map(({ name, value }) => [name, value]));
  expect(await settings(client)).toMatchObject({ 'max.message.bytes': '1000', 'segment.bytes': '3000', 'retention.ms': '604800000' });
  await broker.restart();
  const again = await broker.client();
  expect((await again.produce('orders', big)).errorCode).toBe(ErrorCode.MessageTooLarge);
  expect((await again.alterTopic('orders', { 'max.message.bytes': null })).responses[0]!.errorCode).toBe(0);
  await until(async () => (await again.produce('orders', big)).errorCode === 0);
});

test('settings that make no sense are refused, and nothing of the request is kept', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  const alter = async (name: string, configs: Record<string, string | null>): Promise<number> => (await client.alterTopic(name, configs)).responses[0]!.errorCode;
  expect(await alter('nowhere', { 'retention.ms': '1' })).toBe(ErrorCode.UnknownTopicOrPartition);
  expect(await alter('orders', { 'retention.ms': 'x', 'segment.bytes': '5000' })).toBe(ErrorCode.InvalidConfig);
  expect([ErrorCode.InvalidConfig, ErrorCode.InvalidRequest]).toContain(await alter('orders', { 'no.such.thing': '1' }));
  const resource = (name: string, configOperation: number, value: string): object => ({ resourceType: 2, resourceName: 'orders', configs: [{ name, configOperation, value }] });
  const asked = async (...resources: object[]): Promise<number[]> => (await client.ask<IncrementalAlterConfigsResponse>(IncrementalAlterConfigsRequest, { resources }, 1)).responses.map(({ errorCode }) => errorCode);
  expect(await asked(resource('retention.ms', 2, '5')), 'appending to what is no list').not.toEqual([0]);
  expect(await asked(resource('retention.ms', 0, '5'), resource('segment.bytes', 0, '5000'))).toEqual([ErrorCode.InvalidRequest, ErrorCode.InvalidRequest]);
  expect(await asked(resource('cleanup.policy', 2, 'compact'))).toEqual([0]);
  const policy = (await client.describeConfigs('orders', ['cleanup.policy', 'segment.bytes'])).results[0]!.configs;
  await until(async () => (await client.describeConfigs('orders', ['cleanup.policy'])).results[0]!.configs[0]!.value === 'delete,compact');
  expect(policy.find(({ name }) => name === 'segment.bytes')!.configSource).not.toBe(1);
});

test('the cluster describes itself', async () => {
  const { broker, client } = await story();
  for (const version of [0, 1]) {
    const told = await client.describeCluster(1, version);
    expect([told.errorCode, told.clusterId, told.controllerId, told.brokers.map(({ brokerId, port }) => [brokerId, port])]).toEqual([0, broker.clusterId, broker.id, [[broker.id, broker.port]]]);
  }
  expect((await client.describeCluster(2)).errorCode).toBe(ErrorCode.MismatchedEndpointType);
});

test('offsets by time: ends, the first at or after, the latest, in plain and compressed batches, before and after a restart', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders', { configs: { 'segment.bytes': '1500', 'index.interval.bytes': '100', 'message.timestamp.before.max.ms': '9223372036854775807' } });
  const times: number[] = [];
  for (const [round, codec] of (['none', 'gzip', 'none', 'lz4', 'zstd', 'snappy', 'none'] as const).entries()) {
    for (let n = 0; n < 3; n++) {
      const start = 1_000_000 + 10_000 * round + 1000 * n;
      const stamps = [start, start + 300, start + 100];
      times.push(...stamps);
      await client.produce('orders', batch(stamps.map(timestamp => ({ timestamp, value: Buffer.from(`${timestamp}`.padEnd(60)) })), { codec }));
    }
  }
  const expected = (timestamp: number): [number, number] => {
    const offset = times.findIndex(time => time >= timestamp);
    return offset < 0 ? [-1, -1] : [offset, times[offset]!];
  };
  for (const who of [client, undefined]) {
    const asker = who ?? (await broker.restart(), await broker.client());
    const find = async (timestamp: number, version = 9): Promise<[number, number]> => {
      const { errorCode, offset, timestamp: found } = await asker.listOffsets('orders', timestamp, { version });
      expect(errorCode).toBe(0);
      return [offset, found];
    };
    for (const timestamp of [0, ...times.flatMap(time => [time - 1, time, time + 1]), 2_000_000]) expect(await find(timestamp), `${timestamp}`).toEqual(expected(timestamp));
    for (let version = 1; version <= 9; version++) {
      expect(await find(-1, version)).toEqual([times.length, -1]);
      expect(await find(-2, version)).toEqual([0, -1]);
      if (version >= 7) expect(await find(-3, version)).toEqual([times.indexOf(Math.max(...times)), Math.max(...times)]);
      if (version >= 8) expect(await find(-4, version)).toEqual([0, -1]);
    }
  }
  const asker = await broker.client();
  expect((await asker.listOffsets('orders', -3, { version: 6 })).errorCode).toBe(ErrorCode.UnsupportedVersion);
  expect((await asker.listOffsets('orders', -9)).errorCode).toBe(ErrorCode.UnsupportedVersion);
  expect((await asker.listOffsets('nowhere', -1)).errorCode).toBe(ErrorCode.UnknownTopicOrPartition);
  expect((await asker.listOffsets('orders', -1, { currentLeaderEpoch: 99 })).errorCode).toBe(ErrorCode.UnknownLeaderEpoch);
  expect((await asker.listOffsets('orders', -1)).leaderEpoch).toBe(0);
  const twice = await asker.listOffsetsAll({ topics: [{ name: 'orders', partitions: [0, 0].map(partitionIndex => ({ partitionIndex, timestamp: -1 })) }] });
  expect(twice.topics[0]!.partitions.every(({ errorCode }) => errorCode === ErrorCode.InvalidRequest)).toBe(true);
  expect(valuesOf(null)).toEqual([]);
});
