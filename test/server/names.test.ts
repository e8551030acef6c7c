// Whatever a client, a controller or an operator calls a topic: it never leads out of its place, in ZooKeeper or on disk.
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import {
  LeaderAndIsrRequest, ListOffsetsRequest, OffsetCommitRequest, OffsetFetchRequest, StopReplicaRequest, UpdateMetadataRequest,
  type LeaderAndIsrResponse, type ListOffsetsResponse, type OffsetCommitResponse, type OffsetFetchResponse, type StopReplicaResponse, type UpdateMetadataResponse,
} from '../../src/protocol/messages.js';
import type { ZooKeeper } from '../../src/zookeeper/types.js';
import { batch } from '../support/batches.js';
import { freshDirectory, TestBroker, until } from '../support/broker.js';
import type { TestClient } from '../support/client.js';
import { connected, embedded } from '../zookeeper/support/kit.js';

interface Scene {
  readonly broker: TestBroker;
  readonly client: TestClient;
  readonly operator: ZooKeeper;
}

async function scene(): Promise<Scene> {
  const zookeeper = await embedded();
  const broker = await TestBroker.start({ dir: freshDirectory(), settings: { 'zookeeper.connect': zookeeper.connect, 'offsets.topic.replication.factor': 1 } });
  const client = await broker.client();
  await client.createTopic('T');
  return { broker, client, operator: await connected(zookeeper.connect) };
}

/** Every znode below `path`, with what it holds. */
async function tree(operator: ZooKeeper, path = ''): Promise<Record<string, string>> {
  const { children } = await operator.getChildren(path === '' ? '/' : path);
  const below = await Promise.all(children.sort().map(child => tree(operator, `${path}/${child}`)));
  const { data } = await operator.getData(path === '' ? '/' : path);
  return Object.assign({ [path]: data?.toString() ?? '' }, ...below) as Record<string, string>;
}

/** What ZooKeeper takes for a path of several parts, and what it takes for none. */
const WALKING = ['T/partitions', 'T/partitions/0', 'T/partitions/0/state', 'a/b', 'a b', 'é', 'x'.repeat(250)];
const NO_PATH = ['.', '..', '../T', 'T/..', '/T', 'T/', 'T//partitions', 'a\0b', 'a\nb', './T'];

test('names that cannot be are refused by each API with Kafka\'s error, and nothing is written', async () => {
  const { broker, client, operator } = await scene();
  const before = await tree(operator);
  const files = readdirSync(broker.logDir);
  for (const name of ['', ...WALKING, ...NO_PATH]) {
    const say = JSON.stringify(name.slice(0, 20));
    const [created] = (await client.createTopics({ topics: [{ name, numPartitions: 1, replicationFactor: 1 }] })).topics;
    expect([created!.errorCode, created!.errorMessage], say).toEqual([ErrorCode.InvalidTopicException, expect.stringMatching(/^Topic name is invalid: /)]);
    for (const version of [0, 3]) {
      const [grown] = (await client.createPartitions(name, 3, {}, version)).results;
      expect([grown!.errorCode, grown!.errorMessage], say).toEqual([ErrorCode.UnknownTopicOrPartition, `The topic '${name}' does not exist.`]);
    }
    for (const version of [0, 3, 5, 6]) expect((await client.deleteTopics([name], version)).responses, say).toMatchObject([{ name, errorCode: ErrorCode.UnknownTopicOrPartition }]);
    // Kafka reads the settings first, and there ZooKeeper refuses the path.
    const code = name === '' ? ErrorCode.InvalidRequest : NO_PATH.includes(name) ? ErrorCode.InvalidConfig : ErrorCode.UnknownTopicOrPartition;
    expect((await client.alterTopic(name, { 'retention.ms': '1' })).responses[0]!.errorCode, say).toBe(code);
    expect((await client.describeConfigs(name)).results[0]!.errorCode, say).toBe(ErrorCode.InvalidTopicException);
    for (const allowAutoTopicCreation of [true, false]) {
      const [told] = (await client.metadata({ topics: [{ name }], allowAutoTopicCreation })).topics;
      expect([told!.name, told!.errorCode], say).toEqual([name, ErrorCode.InvalidTopicException]);
    }
    expect((await client.ask<ListOffsetsResponse>(ListOffsetsRequest, { replicaId: -1, topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }] }, 1)).topics[0]!.partitions[0]!.errorCode, say).toBe(ErrorCode.UnknownTopicOrPartition);
    expect((await client.produce(name, batch(['x']))).errorCode, say).toBe(ErrorCode.UnknownTopicOrPartition);
    expect((await client.fetch(name, 0)).errorCode, say).toBe(ErrorCode.UnknownTopicOrPartition);
    const commit = { groupId: 'g', topics: [{ name, partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }] };
    expect((await client.ask<OffsetCommitResponse>(OffsetCommitRequest, commit, 0)).topics[0]!.partitions[0]!.errorCode, say).toBe(ErrorCode.UnknownTopicOrPartition);
  }
  expect(await tree(operator)).toEqual(before);
  expect(readdirSync(broker.logDir)).toEqual(files);
  await broker.restart();
  const again = await broker.client();
  await until(async () => (await again.produce('T', batch(['still here']))).errorCode === 0);
});

test('the controller\'s word makes no directory of a name that cannot be, and takes none away', async () => {
  const { broker, client } = await scene();
  const logs = (): string[] => readdirSync(broker.logDir, { withFileTypes: true }).filter(entry => entry.isDirectory()).map(({ name }) => name);
  // The epoch after that of the controller itself.
  const origin = { controllerId: broker.id, controllerEpoch: 2, brokerEpoch: -1, isKRaftController: false };
  const state = (partitionIndex: number): object => ({ partitionIndex, controllerEpoch: 2, leader: broker.id, leaderEpoch: 0, isr: [broker.id], partitionEpoch: 0, zkVersion: 0, replicas: [broker.id], isNew: true });
  const topicId = 'bm90LWEtdG9waWMtaWQtMQ';
  const lead = async (topicName: string, index: number): Promise<number> => (await client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, { ...origin, type: 0, topicStates: [{ topicName, topicId, partitionStates: [state(index)] }], liveLeaders: [] }, 6)).topics[0]!.partitionErrors[0]!.errorCode;
  for (const name of ['../T', 'T-0/..', '..', '']) expect(await lead(name, 0), name).toBe(ErrorCode.InvalidTopicException);
  for (const index of [-1, 2_147_483_647]) expect(await lead('fine', index)).toBe(ErrorCode.UnknownTopicOrPartition);
  const stopped = await client.ask<StopReplicaResponse>(StopReplicaRequest, { ...origin, topicStates: [{ topicName: '../logs/T', partitionStates: [{ partitionIndex: 0, leaderEpoch: -2, deletePartition: true }] }] }, 3);
  expect(stopped.partitionErrors).toMatchObject([{ errorCode: ErrorCode.None }]);
  const told = await client.ask<UpdateMetadataResponse>(UpdateMetadataRequest, { ...origin, topicStates: [{ topicName: 'a/b', topicId, partitionStates: [state(0)] }], liveBrokers: [{ id: broker.id, endpoints: [{ port: broker.port, host: '127.0.0.1', listener: 'PLAINTEXT', securityProtocol: 0 }], rack: null }] }, 7);
  expect(told.errorCode).toBe(ErrorCode.None);
  expect((await client.metadata()).topics.map(({ name }) => name)).toEqual(['T']);
  expect(logs()).toEqual(['T-0']);
});

test('what an operator made by hand is passed over where no topic can have that name', async () => {
  const { broker, client, operator } = await scene();
  await operator.create('/brokers/topics/my orders', Buffer.from('{"version":3,"partitions":{"0":[1001]},"adding_replicas":{},"removing_replicas":{}}'));
  await operator.create('/config/topics/my orders', Buffer.from('{"version":1,"config":{}}'));
  await operator.create('/config/changes/config_change_', Buffer.from('{"version":2,"entity_path":"topics/../brokers"}'), { mode: 'persistentSequential' });
  await operator.create('/config/changes/config_change_', Buffer.from('no JSON'), { mode: 'persistentSequential' });
  await operator.create('/admin/delete_topics/my orders', null);
  // Behind all of that, and none of it keeps this from happening.
  await client.createTopic('U');
  await client.alterTopic('U', { 'max.message.bytes': '100' });
  await until(async () => (await client.produce('U', batch(['x'.repeat(500)]))).errorCode === ErrorCode.MessageTooLarge);
  await broker.restart();
  expect((await (await broker.client()).metadata()).topics.map(({ name }) => name).sort()).toEqual(['T', 'U']);
});

test('a group of OffsetCommit v0 keeps its offsets below /consumers, or nowhere', async () => {
  const { client, operator } = await scene();
  const commit = async (groupId: string): Promise<number> => (await client.ask<OffsetCommitResponse>(OffsetCommitRequest, { groupId, topics: [{ name: 'T', partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }] }] }, 0)).topics[0]!.partitions[0]!.errorCode;
  const left = async (groupId: string): Promise<[number, number]> => {
    const { committedOffset, errorCode } = (await client.ask<OffsetFetchResponse>(OffsetFetchRequest, { groupId, topics: [{ name: 'T', partitionIndexes: [0] }] }, 0)).topics[0]!.partitions[0]!;
    return [committedOffset, errorCode];
  };
  for (const group of ['g', 'é', 'a/b', 'g/offsets/T']) expect([await commit(group), await left(group)], group).toEqual([0, [7, 0]]);
  const before = await tree(operator);
  for (const group of ['', '.', '..', '../brokers', 'x/../y', 'a//b', '/a', 'a/', 'a\0b']) {
    expect([await commit(group), await left(group)], group).toEqual([ErrorCode.InvalidGroupId, [-1, ErrorCode.UnknownTopicOrPartition]]);
  }
  expect(await tree(operator)).toEqual(before);
});

test('the log of KRaft is no topic: it is not made, on request or by being asked for', async () => {
  const { broker, client } = await scene();
  const name = '__cluster_metadata';
  for (let version = 0; version <= 7; version++) {
    const { topics: [refused, made] } = await client.createTopics({ topics: [{ name, numPartitions: 1, replicationFactor: 1 }, { name: `beside-${version}`, numPartitions: 1, replicationFactor: 1 }] }, version);
    expect([refused!.errorCode, made!.errorCode]).toEqual([ErrorCode.InvalidRequest, 0]);
    if (version >= 1) expect(refused!.errorMessage).toBe('Creation of internal topic __cluster_metadata is prohibited.');
  }
  const ask = async (allowAutoTopicCreation: boolean): Promise<number> => (await client.metadata({ topics: [{ name }], allowAutoTopicCreation })).topics[0]!.errorCode;
  expect([await ask(false), await ask(true)]).toEqual([ErrorCode.UnknownTopicOrPartition, ErrorCode.InvalidTopicException]);
  expect(readdirSync(broker.logDir)).not.toContain(`${name}-0`);
});
