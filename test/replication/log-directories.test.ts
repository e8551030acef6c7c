// Several log directories, and disks that fail: what clients, the controller and ZooKeeper are told, and how it comes back.
import { cpSync, existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { LeaderAndIsrRequest, UpdateMetadataRequest } from '../../src/protocol/messages.js';
import { startBroker } from '../../src/server/broker.js';
import type { ZooKeeper } from '../../src/zookeeper/types.js';
import { decodePartitionState } from '../../src/zookeeper/znodes/partition.js';
import { batch } from '../support/batches.js';
import { brokerOptions, freshDirectory, TestBroker, until } from '../support/broker.js';
import { TestClient, valuesOf } from '../support/client.js';
import { FailingDisk } from '../support/failing-disk.js';
import { ManualTimers } from '../support/manual-timers.js';
import { connected, embedded } from '../zookeeper/support/kit.js';

interface Scene {
  readonly broker: TestBroker;
  readonly client: TestClient;
  readonly disk: FailingDisk;
  readonly observer: ZooKeeper;
  /** Where partition 0 of a topic lies. */
  home(topic: string): string;
}

/** A broker of two log directories and a ZooKeeper that can be looked into. */
async function scene(settings: Readonly<Record<string, string | number>> = {}): Promise<Scene> {
  const dir = freshDirectory();
  const dirs = ['a', 'b'].map(name => join(dir, name));
  const zookeeper = await embedded({ tickTimeMs: 500 });
  const disk = new FailingDisk();
  const broker = await TestBroker.start({ dir, storage: disk.storage, settings: { 'log.dirs': dirs.join(','), 'zookeeper.connect': zookeeper.connect, 'offsets.topic.replication.factor': 1, ...settings } });
  return {
    broker, disk,
    client: await broker.client(),
    observer: await connected(zookeeper.connect),
    home: topic => dirs.find(each => existsSync(join(each, `${topic}-0`)))!,
  };
}

/** One topic in each directory: [lost, kept]. */
async function twoTopics({ client, home }: Scene, configs: Readonly<Record<string, string>> = {}): Promise<void> {
  await client.createTopic('lost', { configs });
  await client.createTopic('kept', { configs });
  expect(home('lost')).not.toBe(home('kept'));
  for (const topic of ['lost', 'kept']) expect((await client.produce(topic, batch([topic]))).errorCode).toBe(0);
}

async function stateOf({ observer }: Scene, topic: string): Promise<{ leader: number; leaderEpoch: number; isr: readonly number[] }> {
  return decodePartitionState((await observer.getData(`/brokers/topics/${topic}/partitions/0/state`)).data!);
}

/** Writes until a segment is full: its producer snapshot goes to the disk that fails. */
async function fillSegment(client: TestClient, topic: string): Promise<void> {
  for (let n = 0; n < 5; n++) await client.produce(topic, batch(['x'.repeat(400)]));
}

const SMALL_SEGMENTS = { 'segment.bytes': '1000' };

test('a log directory that fails takes its partitions with it, and no others: clients, metadata and ZooKeeper say so', async () => {
  const story = await scene();
  const { client, broker, disk, home, observer } = story;
  await twoTopics(story, SMALL_SEGMENTS);
  const before = await stateOf(story, 'lost');
  // One waits for records there while it happens, of a log that does not roll.
  await client.createTopic('idle', { partitions: 2 });
  const partition = home('idle') === home('lost') ? 0 : 1;
  const waiting = (await broker.client()).fetch('idle', 0, { partition, maxWaitMs: 60_000 });
  disk.breaks(home('lost'));
  await fillSegment(client, 'lost');

  await until(async () => (await stateOf(story, 'lost')).leader === -1, 'the controller has heard');
  expect(await stateOf(story, 'lost')).toMatchObject({ leader: -1, leaderEpoch: before.leaderEpoch + 1, isr: [broker.id] });
  expect(await stateOf(story, 'kept')).toMatchObject({ leader: broker.id, leaderEpoch: before.leaderEpoch });
  await until(async () => (await observer.getChildren('/log_dir_event_notification')).children.length === 0, 'the notification is worked off');

  const { topics } = await client.metadata();
  const told = Object.fromEntries(topics.filter(({ name }) => name !== 'idle').map(({ name, partitions: [each] }) => [name, [each!.errorCode, each!.leaderId, each!.offlineReplicas]]));
  expect(told).toEqual({ lost: [ErrorCode.LeaderNotAvailable, -1, [broker.id]], kept: [0, broker.id, []] });

  expect((await client.produce('lost', batch(['x']))).errorCode).toBe(ErrorCode.KafkaStorageError);
  expect((await client.produce('lost', batch(['x']), { acks: 1 })).errorCode).toBe(ErrorCode.KafkaStorageError);
  expect((await client.fetch('lost', 0)).errorCode).toBe(ErrorCode.KafkaStorageError);
  // A consumer of that age does not know the word.
  expect((await client.fetch('lost', 0, { version: 5 })).errorCode).toBe(ErrorCode.NotLeaderOrFollower);
  expect((await client.listOffsets('lost', -1)).errorCode).toBe(ErrorCode.KafkaStorageError);
  expect((await client.offsetForLeaderEpoch('lost', 0)).errorCode).toBe(ErrorCode.KafkaStorageError);
  expect((await waiting).errorCode).toBe(ErrorCode.KafkaStorageError);

  await fillSegment(client, 'kept');
  expect(valuesOf((await client.fetch('kept', 0)).records)[0]).toBe('kept');
  // New topics go to the directory that is left.
  await client.createTopic('new');
  expect(home('new')).toBe(home('kept'));
  expect((await client.produce('new', batch(['x']))).baseOffset).toBe(0);
});

test('a log that can write no more segment takes its directory offline', async () => {
  const story = await scene();
  await twoTopics(story, SMALL_SEGMENTS);
  const { client, home, broker } = story;
  // The directory is gone from under the native log: no new file can be made in it.
  rmSync(join(home('lost'), 'lost-0'), { recursive: true });
  await until(async () => (await client.produce('lost', batch(['x'.repeat(400)]))).errorCode !== 0);
  await until(async () => (await stateOf(story, 'lost')).leader === -1, 'the controller has heard');
  expect((await client.produce('lost', batch(['x']))).errorCode).toBe(ErrorCode.KafkaStorageError);
  expect((await client.produce('kept', batch(['x']))).errorCode).toBe(0);
  expect((await client.metadata()).topics.find(({ name }) => name === 'lost')!.partitions[0]!.offlineReplicas).toEqual([broker.id]);
});

test('after a restart with the disk mended everything is led again, and nothing is lost', async () => {
  const story = await scene();
  await twoTopics(story, SMALL_SEGMENTS);
  const { client, home, broker, disk } = story;
  const { leaderEpoch } = await stateOf(story, 'lost');
  disk.breaks(home('lost'));
  await fillSegment(client, 'lost');
  await until(async () => (await stateOf(story, 'lost')).leader === -1);
  disk.mended();
  await broker.restart();
  const again = await broker.client();
  await until(async () => (await again.produce('lost', batch(['more']))).errorCode === 0, 'led again');
  expect((await stateOf(story, 'lost')).leaderEpoch).toBeGreaterThan(leaderEpoch + 1);
  expect(valuesOf((await again.fetch('lost', 0)).records)[0]).toBe('lost');
  expect((await again.metadata()).topics.flatMap(({ partitions }) => partitions.flatMap(({ offlineReplicas }) => offlineReplicas))).toEqual([]);
});

test('a directory that cannot be read at the start is offline from the start; its partitions are not made anew elsewhere', async () => {
  const story = await scene();
  await twoTopics(story);
  const { home, broker, disk } = story;
  const [lost, kept] = [home('lost'), home('kept')];
  disk.fault = (call, path) => (call === 'readFile' && path.startsWith(`${lost}/lost-0`) ? 'EIO' : undefined);
  await broker.restart();
  const client = await broker.client();
  await until(async () => (await stateOf(story, 'lost')).leader === -1, 'the controller has asked');
  expect((await client.produce('lost', batch(['x']))).errorCode).toBe(ErrorCode.KafkaStorageError);
  expect((await client.produce('kept', batch(['x']))).baseOffset).toBe(1);
  expect(existsSync(join(kept, 'lost-0'))).toBe(false);
});

test('a topic whose replicas are offline is deleted once they are back', async () => {
  const story = await scene();
  await twoTopics(story, SMALL_SEGMENTS);
  const { client, home, broker, disk, observer } = story;
  disk.breaks(home('lost'));
  await fillSegment(client, 'lost');
  await until(async () => (await stateOf(story, 'lost')).leader === -1);
  await client.deleteTopics(['lost'], 6, 1);
  // An event behind the deletion's: by then the controller has looked at it.
  await client.createTopic('after');
  expect(await observer.exists('/brokers/topics/lost')).not.toBeNull();
  disk.mended();
  await broker.restart();
  await until(async () => (await observer.exists('/brokers/topics/lost')) === null, 'deleted');
});

test('a new log whose disk refuses it goes to the next directory', async () => {
  const story = await scene();
  const { client, disk, broker } = story;
  const [a, b] = ['a', 'b'].map(name => join(broker.dir, name));
  disk.fault = (call, path) => (call === 'makeDirectory' && path.startsWith(a!) ? 'EROFS' : undefined);
  await client.createTopic('orders');
  expect((await client.produce('orders', batch(['x']))).errorCode).toBe(0);
  expect(readdirSync(b!)).toContain('orders-0');
  expect(readdirSync(a!)).not.toContain('orders-0');
});

test('a replica that is asked for twice in one request is made once', async () => {
  const { broker, client, home } = await scene();
  const state = { partitionIndex: 0, controllerEpoch: 1, leader: broker.id, leaderEpoch: 0, isr: [broker.id], partitionEpoch: 0, replicas: [broker.id], isNew: true };
  await client.ask(LeaderAndIsrRequest, { controllerId: broker.id, controllerEpoch: 1_000, brokerEpoch: -1, topicStates: [{ topicName: 'orders', topicId: 'bm90LWEtdG9waWMtaWQtMQ', partitionStates: [state, state] }] }, 7);
  const known = { partitionIndex: 0, controllerEpoch: 1, leader: broker.id, leaderEpoch: 0, isr: [broker.id], zkVersion: 0, replicas: [broker.id], offlineReplicas: [] };
  const alive = { id: broker.id, endpoints: [{ port: broker.port, host: '127.0.0.1', listener: 'PLAINTEXT', securityProtocol: 0 }], rack: null };
  await client.ask(UpdateMetadataRequest, { controllerId: broker.id, controllerEpoch: 1_000, brokerEpoch: -1, topicStates: [{ topicName: 'orders', topicId: 'bm90LWEtdG9waWMtaWQtMQ', partitionStates: [known] }], liveBrokers: [alive] }, 7);
  expect((await client.produce('orders', batch(['x']))).errorCode).toBe(0);
  expect(readdirSync(join(home('orders'), 'orders-0'))).toContain('partition.metadata');
  for (let n = 0; n < 3; n++) expect((await client.produce('orders', batch(['x']))).baseOffset).toBe(1 + n);
});

test('a partition that lies in two log directories stops the start, and both are named', async () => {
  const { broker, client, home } = await scene();
  await client.createTopic('orders');
  await broker.close();
  const other = home('orders').endsWith('a') ? 'b' : 'a';
  cpSync(join(home('orders'), 'orders-0'), join(broker.dir, other, 'orders-0'), { recursive: true });
  await expect(broker.restart()).rejects.toThrow(/orders-0 is in two log directories/);
});

test('a log that cannot be made for want of space is made when there is some, and led, without anybody asking', async () => {
  const timers = new ManualTimers([5000]);
  const disk = new FailingDisk();
  const broker = await TestBroker.start({ storage: disk.storage, timers });
  const client = await broker.client();
  disk.fault = (call, path) => (call === 'writeSynced' && path.includes('orders-0') ? 'ENOSPC' : undefined);
  await client.createTopics({ topics: [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }], timeoutMs: 1 });
  await until(async () => (await client.metadata()).topics[0]?.partitions[0]?.errorCode === ErrorCode.LeaderNotAvailable, 'leaderless');
  expect((await client.produce('orders', batch(['x']))).errorCode).toBe(ErrorCode.KafkaStorageError);
  // The directory is well: other topics are made in it.
  await client.createTopic('bills');
  // A try that finds the disk as full as before changes nothing.
  timers.fire(5000);
  expect((await client.produce('orders', batch(['x']))).errorCode).toBe(ErrorCode.KafkaStorageError);
  disk.mended();
  await until(async () => {
    timers.fire(5000);
    return (await client.produce('orders', batch(['x']))).errorCode === 0;
  }, 'led');
  expect((await client.metadata()).topics.find(({ name }) => name === 'orders')!.partitions[0]).toMatchObject({ errorCode: 0, leaderId: broker.id, offlineReplicas: [] });
});

/** Files this process has open below a directory of that name, there or deleted. */
function openIn(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  }).filter(path => path.includes(`/${directory}/`));
}

test('a log whose opening fails after its segments are open leaves nothing open, however often it is tried', async () => {
  const timers = new ManualTimers([5000]);
  const disk = new FailingDisk();
  const broker = await TestBroker.start({ storage: disk.storage, timers, settings: { 'auto.leader.rebalance.enable': 'false' } });
  const client = await broker.client();
  const home = join(broker.logDir, 'orders-0');
  // Its files are looked at twice: before they are opened, which goes well, and for producer snapshots.
  let tries = 0;
  let made = false;
  disk.fault = (call, path) => {
    if (call === 'makeDirectory' && path === home) made = true;
    if (call !== 'list' || path !== home || !made) return undefined;
    made = false;
    tries++;
    return 'EMFILE';
  };
  await client.createTopics({ topics: [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }], timeoutMs: 1 });
  for (let round = 1; round <= 3; round++) {
    await until(() => tries === round && !existsSync(home), `try ${round} has ended`);
    expect(openIn('orders-0')).toEqual([]);
    if (round < 3) await until(() => timers.fire(5000) > 0, 'another try is due');
  }
  disk.mended();
  await until(async () => {
    timers.fire(5000);
    return (await client.produce('orders', batch(['x']))).errorCode === 0;
  }, 'led');
  expect(openIn('orders-0').length).toBeGreaterThan(0);
});

test('a broker whose last log directory fails stops by itself and tells whoever started it', async () => {
  const dir = freshDirectory();
  const disk = new FailingDisk();
  const broker = await startBroker(brokerOptions({ storage: disk.storage }, dir));
  onTestFinished(() => broker.close());
  const client = await TestClient.connect(broker.port);
  onTestFinished(() => client.destroy());
  await client.createTopic('orders', { configs: SMALL_SEGMENTS });
  disk.breaks(join(dir, 'logs'));
  await fillSegment(client, 'orders').catch(() => {});
  expect((await broker.failed).message).toBe(`every log directory has failed: ${join(dir, 'logs')}`);
  await client.ended;
  await broker.close();
});

test('a disk that fails between the opening of the logs and the first request is no start', async () => {
  const dir = freshDirectory();
  const first = await TestBroker.start({ dir });
  await (await first.client()).createTopic('orders');
  await first.close();
  const disk = new FailingDisk();
  disk.fault = (call, path) => (call === 'writeSynced' && path.includes('leader-epoch-checkpoint') ? 'EIO' : undefined);
  await expect(startBroker(brokerOptions({ storage: disk.storage }, dir))).rejects.toThrow(/every log directory has failed/);
});
