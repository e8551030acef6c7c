import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { DescribeConfigsRequest, IncrementalAlterConfigsRequest, type CreateTopicsRequestInput, type DeleteTopicsResponse, type DescribeConfigsResponse, type IncrementalAlterConfigsResponse } from '../../src/protocol/messages.js';
import { BatchOffset } from '../../src/protocol/records/index.js';
import { batch, tampered } from '../support/batches.js';
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
    ['no brokers', ErrorCode.InvalidReplicaAssignment, { name: 't6', ...by([]) }],
    ['more replicas of one than of another', ErrorCode.InvalidReplicaAssignment, { name: 't14', ...by([broker.id], [broker.id, broker.id + 1]) }],
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
  expect(twice.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([['twice', ErrorCode.InvalidRequest], ['twice', ErrorCode.InvalidRequest]]);
  const dry = await client.createTopics({ topics: [{ name: 'dry', numPartitions: 1, replicationFactor: 1 }], validateOnly: true });
  expect([dry.topics[0]!.errorCode, dry.topics[0]!.topicId]).toEqual([0, 'AAAAAAAAAAAAAAAAAAAAAA']);
  for (let version = 0; version <= 6; version++) {
    const { responses } = await client.deleteTopics([`v${version}`, 'nowhere'], version);
    expect(responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([[`v${version}`, 0], ['nowhere', ErrorCode.UnknownTopicOrPartition]]);
  }
  expect((await client.metadata()).topics.map(({ name }) => name)).toEqual(['v7']);
});

test('what is said of a topic that cannot be made, of several mistakes the first that Kafka comes upon', async () => {
  const { broker, client } = await story();
  for (const name of ['a.b', 'a.b.c']) await client.createTopic(name);
  const refusal = async (asked: Partial<Asked>): Promise<[number, string | null]> => {
    const [answer] = (await client.createTopics({ topics: [{ name: 'fresh', numPartitions: 1, replicationFactor: 1, ...asked }], validateOnly: true })).topics;
    return [answer!.errorCode, answer!.errorMessage];
  };
  const given = (...rows: [number, number[]][]): Partial<Asked> => ({ numPartitions: -1, replicationFactor: -1, assignments: rows.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })) });
  const noValue = { configs: [{ name: 'retention.ms', value: null }] };
  const { id } = broker;
  expect(await refusal({ name: 'a.b', ...noValue })).toEqual([ErrorCode.TopicAlreadyExists, "Topic 'a.b' already exists."]);
  expect(await refusal({ name: 'a/b', ...noValue })).toEqual([ErrorCode.InvalidConfig, 'Null value not supported for topic configs: retention.ms']);
  expect(await refusal({ name: 'a/b', replicationFactor: 9 })).toEqual([ErrorCode.InvalidReplicationFactor, 'Replication factor: 9 larger than available brokers: 1.']);
  expect(await refusal({ name: 'a/b', numPartitions: 0 })).toEqual([ErrorCode.InvalidPartitions, 'Number of partitions must be larger than 0.']);
  expect(await refusal({ name: 'a/b', ...given([1, [id]]) })).toEqual([ErrorCode.InvalidTopicException, expect.stringContaining("'a/b' contains one or more characters")]);
  expect(await refusal({ name: 'a_b', ...given([1, [id]]) })).toEqual([ErrorCode.InvalidTopicException, "Topic 'a_b' collides with existing topics: a.b"]);
  expect(await refusal({ ...given([0, [id]], [1, []]), configs: [{ name: 'nonsense', value: '1' }] })).toEqual([ErrorCode.InvalidReplicaAssignment, 'All partitions should have the same number of replicas']);
  expect(await refusal(given([1, [id, 2]], [0, [id, id]]))).toEqual([ErrorCode.InvalidReplicaAssignment, `Duplicate replica assignment found: HashMap(0 -> ArrayBuffer(${id}, ${id}), 1 -> ArrayBuffer(${id}, 2))`]);
  expect(await refusal(given([-1, [id]]))).toEqual([ErrorCode.InvalidReplicaAssignment, 'partitions should be a consecutive 0-based integer sequence']);
  expect(await refusal(given([0, [id]], [2, [id]]))).toEqual([ErrorCode.InvalidReplicaAssignment, 'partitions should be a consecutive 0-based integer sequence']);
  // Kafka adds the indexes up, looks at the settings, and only then at each index.
  const broken = { configs: [{ name: 'segment.bytes', value: '1.5' }] };
  for (const rows of [[-1], [0, 3, -1]]) expect((await refusal({ ...given(...rows.map((row): [number, number[]] => [row, [id]])), ...broken }))[0]).toBe(ErrorCode.InvalidConfig);
  for (const rows of [[1], [0, 2]]) expect((await refusal({ ...given(...rows.map((row): [number, number[]] => [row, [id]])), ...broken }))[0]).toBe(ErrorCode.InvalidReplicaAssignment);
  // Brokers that are not there yet may come, and of a partition that is named twice the last word counts.
  expect(await refusal(given([0, [id + 1]]))).toEqual([0, null]);
  expect(await refusal(given([0, [id + 1]], [0, [id]]))).toEqual([0, null]);
  const twice = await client.createTopics({ topics: [1, 2].map(numPartitions => ({ name: 'twice', numPartitions, replicationFactor: 1 })) });
  expect(twice.topics.map(({ errorMessage }) => errorMessage)).toEqual(['Found multiple entries for this topic.', 'Found multiple entries for this topic.']);
});

test('without time to wait a topic is made all the same, and told as late', async () => {
  const { client } = await story();
  const [late] = (await client.createTopics({ topics: [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }], timeoutMs: 0 })).topics;
  expect(late!.errorCode).toBe(ErrorCode.RequestTimedOut);
  await until(async () => (await client.metadata()).topics.length === 1);
  expect((await client.produce('orders', batch(['x']))).errorCode).toBe(0);
  expect((await client.deleteTopics(['orders'], 6, 0)).responses[0]!.errorCode).toBe(ErrorCode.RequestTimedOut);
  await until(async () => (await client.metadata()).topics.length === 0);
});

test('deletion can be switched off, and topics can be named by id', async () => {
  const { DeleteTopicsRequest } = await import('../../src/protocol/messages.js');
  const { broker, client } = await story();
  const topicId = await client.createTopic('orders');
  const byId = async (id: string): Promise<number> => (await client.ask<{ responses: { errorCode: number }[] }>(DeleteTopicsRequest, { topics: [{ name: null, topicId: id }], timeoutMs: 20_000 }, 6)).responses[0]!.errorCode;
  expect(await byId('bm90LWEtdG9waWMtaWQtMQ')).toBe(ErrorCode.UnknownTopicId);
  expect(await byId('AAAAAAAAAAAAAAAAAAAAAA'), 'neither name nor id').toBe(ErrorCode.TopicAuthorizationFailed);
  // Both, and nothing of the request is done.
  const { responses } = await client.ask<DeleteTopicsResponse>(DeleteTopicsRequest, { topics: [{ name: 'orders' }, { name: 'orders', topicId }], timeoutMs: 20_000 }, 6);
  expect(responses).toMatchObject([{ name: 'orders', errorCode: ErrorCode.InvalidRequest }, { name: 'orders', topicId, errorCode: ErrorCode.InvalidRequest }]);
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
  const said = async (count: number, ...assignments: number[][]): Promise<string | null> => (await client.createPartitions('orders', count, { assignments: assignments.length === 0 ? null : assignments.map(brokerIds => ({ brokerIds })) })).results[0]!.errorMessage;
  expect(await said(1)).toBe('Topic currently has 2 partitions, which is higher than the requested 1.');
  expect(await said(2)).toBe('Topic already has 2 partitions.');
  expect(await said(3, [broker.id + 5])).toBe(`Unknown broker(s) in replica assignment: ${broker.id + 5}.`);
  expect(await said(4, [broker.id])).toBe('Increasing the number of partitions by 2 but 1 assignments provided.');
  expect(await said(3, [])).toBe('Cannot have replication factor of 0 for partition id 2.');
  expect(await said(3, [broker.id, broker.id])).toBe(`Duplicate brokers not allowed in replica assignment: ${broker.id}, ${broker.id} for partition id 2.`);
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
  expect(policy.find(({ name }) => name === 'cleanup.policy')!.value).toBe('delete,compact');
  expect(policy.find(({ name }) => name === 'segment.bytes')!.configSource).not.toBe(1);
});

test('what was altered is what is described next, also where the value is the default', async () => {
  const { broker, client } = await story();
  const other = await broker.client();
  await client.createTopic('orders');
  for (let n = 0; n < 20; n++) {
    for (const value of [String(600_000 + n), '604800000']) {
      expect((await client.alterTopic('orders', { 'retention.ms': value })).responses[0]!.errorCode).toBe(0);
      expect((await other.describeConfigs('orders', ['retention.ms'])).results[0]!.configs).toMatchObject([{ value, configSource: 1 }]);
    }
    await client.alterTopic('orders', { 'retention.ms': null });
    expect((await other.describeConfigs('orders', ['retention.ms'])).results[0]!.configs).toMatchObject([{ value: '604800000', configSource: 5 }]);
  }
});

test('resources that cannot be described or altered are refused as Kafka does', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders');
  const describe = async (...resources: [number, string][]): Promise<[number, string | null][]> => {
    const asked = { resources: resources.map(([resourceType, resourceName]) => ({ resourceType, resourceName, configurationKeys: ['retention.ms'] })) };
    return (await client.ask<DescribeConfigsResponse>(DescribeConfigsRequest, asked, 4)).results.map(({ errorCode, errorMessage }) => [errorCode, errorMessage]);
  };
  const own = String(broker.id);
  const bad = ErrorCode.InvalidRequest;
  expect(await describe([2, 'orders'], [2, 'nowhere'], [2, 'a b'])).toEqual([[0, ''], [ErrorCode.UnknownTopicOrPartition, ''], [ErrorCode.InvalidTopicException, expect.stringContaining('Topic name is invalid')]]);
  expect(await describe([4, own], [4, `+0${own}`], [4, ''], [4, '7'], [4, 'x'])).toEqual([[0, ''], [0, ''], [0, ''], [bad, `Unexpected broker id, expected ${own} or empty string, but received 7`], [bad, 'Broker id must be an integer, but it is: x']]);
  expect(await describe([8, own], [8, ''], [8, '7'])).toEqual([[0, ''], [bad, 'Broker id must not be empty'], [bad, `Unexpected broker id, expected ${own} but received 7`]]);
  expect(await describe([16, ''], [16, 'x'])).toEqual([[bad, 'Client metrics subscription name must not be empty'], [bad, 'Config type client-metrics is only supported on KRaft clusters']]);
  expect((await describe([2, 'orders'], [3, 'x'])).map(([code]) => code), 'one of no known type').toEqual([bad, bad]);
  const alter = async (resourceType: number, resourceName: string, ...configs: [string, number, string | null][]): Promise<[number, string | null]> => {
    const [answer] = (await client.ask<IncrementalAlterConfigsResponse>(IncrementalAlterConfigsRequest, { resources: [{ resourceType, resourceName, configs: configs.map(([name, configOperation, value]) => ({ name, configOperation, value })) }], validateOnly: true }, 1)).responses;
    return [answer!.errorCode, answer!.errorMessage];
  };
  expect(await alter(2, '')).toEqual([bad, 'Default topic resources are not allowed.']);
  expect(await alter(2, 'orders', ['retention.ms', 0, 'x'])).toEqual([ErrorCode.InvalidConfig, "Invalid config value for resource ConfigResource(type=TOPIC, name='orders'): Invalid value x for configuration retention.ms: Not a number of type LONG"]);
  expect(await alter(2, 'orders', ['nonsense', 0, 'x'])).toEqual([ErrorCode.InvalidConfig, 'Unknown topic config name: nonsense']);
  expect(await alter(2, 'nowhere', ['nonsense', 0, 'x'])).toEqual([ErrorCode.UnknownTopicOrPartition, "The topic 'nowhere' does not exist."]);
  expect(await alter(2, 'nowhere', ['retention.ms', 2, '5'])).toEqual([ErrorCode.InvalidConfig, 'Config value append is not allowed for config key: retention.ms']);
  expect(await alter(99, 'x', ['a', 0, null])).toEqual([bad, 'Null value not supported for : a']);
  expect(await alter(99, 'x')).toEqual([bad, 'Unknown resource type 99']);
  expect(await alter(16, 'x')).toEqual([bad, 'AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS']);
  expect(await alter(4, 'x')).toEqual([bad, 'Node id must be an integer, but it is: x']);
  expect(await alter(4, '7')).toEqual([bad, `Unexpected broker id, expected ${own}, but received 7`]);
  expect(await alter(8, own, ['kafka.server', 0, 'DEBUG'])).toEqual([ErrorCode.InvalidConfig, 'Logger kafka.server does not exist!']);
});

test('a resource that is named twice is described twice, but no hundred times over', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  const describe = async (...keys: string[][]): Promise<string[][]> => {
    const resources = keys.map(configurationKeys => ({ resourceType: 2, resourceName: 'orders', configurationKeys }));
    return (await client.ask<DescribeConfigsResponse>(DescribeConfigsRequest, { resources }, 4)).results.map(({ configs }) => configs.map(({ name }) => name));
  };
  expect(await describe(['retention.ms'], ['flush.ms'])).toEqual([['retention.ms'], ['flush.ms']]);
  expect(await describe(...Array.from({ length: 500 }, () => ['flush.ms']))).toHaveLength(101);
});

test('the cluster describes itself', async () => {
  const { broker, client } = await story();
  for (const version of [0, 1]) {
    const told = await client.describeCluster(1, version);
    expect([told.errorCode, told.clusterId, told.controllerId, told.brokers.map(({ brokerId, port }) => [brokerId, port])]).toEqual([0, broker.clusterId, broker.id, [[broker.id, broker.port]]]);
  }
  expect((await client.describeCluster(2)).errorCode).toBe(ErrorCode.MismatchedEndpointType);
});

test('a time is looked for in one segment: the first that is late enough, by its records or, where they have no time, by its file', async () => {
  const { client } = await story();
  await client.createTopic('orders', { configs: { 'segment.bytes': '200', 'message.timestamp.before.max.ms': '9223372036854775807' } });
  const one = (timestamp: number): Buffer => batch([{ timestamp, value: Buffer.alloc(100) }]);
  for (const timestamp of [-1, -1, 1_000_000, 2_000_000]) await client.produce('orders', one(timestamp), { acks: -1 });
  // The first segment was written to just now, long after the time asked for, and has no record of that time.
  expect(await client.listOffsets('orders', 1_000_000)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
});

test('partitions that two want to add at once are added, and nobody hears of an error of ours', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders');
  await client.createTopic('returns');
  const clients = await Promise.all(Array.from({ length: 4 }, () => broker.client()));
  const answers = await Promise.all(clients.map(async (each, at) => (await each.createPartitions('orders', 2 + at)).results[0]!.errorCode));
  for (const code of answers) expect([ErrorCode.None, ErrorCode.InvalidPartitions]).toContain(code);
  expect(answers).toContain(ErrorCode.None);
});

test('the record with the largest timestamp is told with the offset it claims, and the epoch of its batch', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  // Kafka keeps a plain batch's offset deltas as they are, whatever they say.
  const one = (timestamp: number): Buffer => tampered(batch([{ timestamp, value: Buffer.from('v') }], { key: null }), bytes => bytes.writeUInt8(zigzag(-1), BatchOffset.records + 3));
  await client.produce('orders', one(1_000), { acks: -1 });
  expect(await client.listOffsets('orders', -3)).toMatchObject({ errorCode: 0, offset: -1, timestamp: 1_000, leaderEpoch: 0 });
  await client.produce('orders', one(2_000), { acks: -1 });
  expect(await client.listOffsets('orders', -3)).toMatchObject({ errorCode: 0, offset: 0, timestamp: 2_000, leaderEpoch: 0 });
  expect(await client.listOffsets('orders', 3_000)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1, leaderEpoch: -1 });
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

/** As a varint of one byte. */
const zigzag = (value: number): number => (value << 1) ^ (value >> 31);
