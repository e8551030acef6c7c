import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLogger, type Logger } from '../../src/base/logger.js';
import type { ApiVersionsResponse, DescribeClusterResponse, MetadataResponse } from '../../src/protocol/messages.js';
import { startBroker, type RunningBroker } from '../../src/server/broker.js';
import { createPersistentPaths } from '../../src/server/registration.js';
import type { ZooKeeperClient } from '../../src/zookeeper/client/client.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import { batch } from '../support/batches.js';
import { brokerOptions, freshDirectory, TestBroker, until } from '../support/broker.js';
import { ConnectionEnded, TestClient, valuesOf } from '../support/client.js';
import { connected, embedded } from '../zookeeper/support/kit.js';

/** Collects what a broker complains of. */
function complaints(): { logger: Logger; errors: string[] } {
  const errors: string[] = [];
  const silent = (): void => {};
  return { errors, logger: { debug: silent, info: silent, warn: silent, error: (fields, message) => errors.push(`${message} ${JSON.stringify(fields)}`) } };
}

test('stopped in order and started again, everything is there: topics, ids, settings, records, identity', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  const id = await client.createTopic('orders', { partitions: 3, configs: { 'max.message.bytes': '12345' } });
  for (let partition = 0; partition < 3; partition++) await client.produce('orders', batch([`p${partition}`, 'x']), { partition });
  const before = await client.metadata();
  for (let life = 0; life < 3; life++) {
    await broker.restart();
    const again = await broker.client();
    const after = await again.metadata();
    expect([after.clusterId, after.brokers.map(({ nodeId }) => nodeId)]).toEqual([before.clusterId, before.brokers.map(({ nodeId }) => nodeId)]);
    expect(after.topics.map(({ topicId, partitions }) => [topicId, partitions.map(each => [each.partitionIndex, each.leaderId, each.errorCode])])).toEqual([[id, [0, 1, 2].map(partition => [partition, broker.id, 0])]]);
    expect((await again.describeConfigs('orders', ['max.message.bytes'])).results[0]!.configs[0]!.value).toBe('12345');
    expect(valuesOf((await again.fetch('orders', 0, { partition: 2 })).records).slice(0, 2)).toEqual(['p2', 'x']);
    expect((await again.produce('orders', batch(['more']), { partition: 1 })).baseOffset).toBe(2 + life);
  }
});

test('the files beside the logs say what Kafka\'s would', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  const id = await client.createTopic('orders', { partitions: 2, configs: { 'segment.bytes': '500' } });
  for (let n = 0; n < 10; n++) await client.produce('orders', batch(['x'.repeat(100)]));
  expect(existsSync(join(broker.logDir, '.kafka_cleanshutdown'))).toBe(false);
  await broker.close();
  const text = (...path: string[]): string => readFileSync(join(broker.logDir, ...path), 'utf8');
  const lines = (file: string): string[] => text(file).trim().split('\n').sort();
  expect(lines('recovery-point-offset-checkpoint')).toEqual(['0', '2', 'orders 0 10', 'orders 1 0'].sort());
  expect(lines('replication-offset-checkpoint')).toEqual(['0', '2', 'orders 0 10', 'orders 1 0'].sort());
  expect(text('log-start-offset-checkpoint')).toBe('0\n0\n');
  expect(JSON.parse(text('.kafka_cleanshutdown'))).toEqual({ version: 0, brokerEpoch: -1 });
  expect(text('orders-0', 'leader-epoch-checkpoint')).toBe('0\n1\n0 0\n');
  expect(text('orders-0', 'partition.metadata')).toBe(`version: 0\ntopic_id: ${id}`);
  expect(text('meta.properties')).toContain(`broker.id=${broker.id}`);
  const files = readdirSync(join(broker.logDir, 'orders-0')).filter(name => name.endsWith('.log'));
  expect(files.length).toBeGreaterThan(2);
  expect(files.every(name => /^\d{20}\.log$/.test(name))).toBe(true);
});

test('one directory serves one broker; the second is told so and leaves no mark', async () => {
  const broker = await TestBroker.start();
  await expect(startBroker(brokerOptions({}, broker.dir))).rejects.toThrow(/in use by another process/);
  const client = await broker.client();
  await client.createTopic('orders');
  expect((await client.produce('orders', batch(['x']))).errorCode).toBe(0);
});

test('two brokers live in one process and know nothing of each other', async () => {
  const [one, two] = await Promise.all([TestBroker.start(), TestBroker.start()]);
  const [a, b] = [await one.client(), await two.client()];
  await a.createTopic('mine');
  expect((await b.metadata()).topics).toEqual([]);
  await one.close();
  await b.createTopic('yours');
  expect((await b.produce('yours', batch(['x']))).baseOffset).toBe(0);
});

test('a directory of another broker or cluster, a stranger among the logs, a port in use: no start, and the reason said', async () => {
  const dir = freshDirectory();
  const start = (settings: Record<string, string | number> = {}): Promise<unknown> => startBroker(brokerOptions({ settings }, dir)).then(async broker => { await broker.close(); return 'started'; });
  expect(await start({ 'broker.id': 3 })).toBe('started');
  await expect(start({ 'broker.id': 4 })).rejects.toThrow(/broker\.id is 4.*belongs to broker 3/);
  const meta = join(dir, 'logs', 'meta.properties');
  const ours = readFileSync(meta, 'utf8');
  writeFileSync(meta, ours.replace(/cluster\.id=.*/, 'cluster.id=another'));
  await expect(start()).rejects.toThrow(/belongs to cluster another/);
  writeFileSync(meta, ours.replace('version=0', 'version=1'));
  await expect(start()).rejects.toThrow(/KRaft mode/);
  writeFileSync(meta, ours.replace('version=0', 'version=2'));
  await expect(start()).rejects.toThrow(/version '2' is not 0/);
  // Nothing in it, or no version: it is written anew, as for a directory that nobody has used.
  for (const harmless of ['', ours.replace(/cluster\.id=.*\n/, '').replace('version=0\n', '')]) {
    writeFileSync(meta, harmless);
    expect(await start({ 'broker.id': 3 })).toBe('started');
    expect(readFileSync(meta, 'utf8').split('\n').slice(2)).toEqual(ours.split('\n').slice(2));
  }
  mkdirSync(join(dir, 'logs', 'holiday pictures'));
  await expect(start()).rejects.toThrow(/holiday pictures is not the directory of a partition/);
  const { rmdirSync } = await import('node:fs');
  rmdirSync(join(dir, 'logs', 'holiday pictures'));
  const squatter = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void squatter.close());
  await new Promise(resolve => squatter.once('listening', resolve));
  await expect(start({ listeners: `PLAINTEXT://127.0.0.1:${(squatter.address() as AddressInfo).port}` })).rejects.toThrow(/address|in use/i);
  expect(await start()).toBe('started');
});

test('of several directories, one whose meta.properties cannot be read stays out, and the others serve', async () => {
  const dir = freshDirectory();
  const dirs = ['a', 'b'].map(name => join(dir, name));
  const broker = await TestBroker.start({ dir, settings: { 'log.dirs': dirs.join(','), 'odradek.embedded.dir': join(dir, 'zookeeper') } });
  const client = await broker.client();
  for (const topic of ['one', 'other']) {
    await client.createTopic(topic);
    expect((await client.produce(topic, batch([topic]))).errorCode).toBe(0);
  }
  const [kept, lost] = existsSync(join(dirs[0]!, 'one-0')) ? ['one', 'other'] : ['other', 'one'];
  await broker.close();
  writeFileSync(join(dirs[1]!, 'meta.properties'), 'version=2\n');
  await broker.restart();
  const again = await broker.client();
  await until(async () => (await again.produce(kept, batch(['more']))).errorCode === 0);
  expect((await again.produce(lost, batch(['more']))).errorCode).toBe(ErrorCode.KafkaStorageError);
  expect(readFileSync(join(dirs[1]!, 'meta.properties'), 'utf8')).toBe('version=2\n');
  await broker.close();
  writeFileSync(join(dirs[0]!, 'meta.properties'), 'version=2\n');
  await expect(broker.restart()).rejects.toThrow(/version '2' is not 0/);
});

test('a topic deleted and made again under its name is another topic, also while it is written to', async () => {
  const { logger, errors } = complaints();
  const broker = await TestBroker.start({ logger });
  const client = await broker.client();
  const writer = await broker.client();
  const ids = new Set<string>();
  for (let round = 0; round < 6; round++) {
    // The name is free again when the last trace of the topic is gone, a little after its metadata.
    await until(async () => {
      const [made] = (await client.createTopics({ topics: [{ name: 'orders', numPartitions: 2, replicationFactor: 1, configs: [{ name: 'segment.bytes', value: '1000' }] }] })).topics;
      if (made!.errorCode === 0) ids.add(made!.topicId);
      else expect(made!.errorCode).toBe(ErrorCode.TopicAlreadyExists);
      return made!.errorCode === 0;
    });
    const first = await client.produce('orders', batch([`round ${round}`]));
    expect([first.errorCode, first.baseOffset]).toEqual([0, 0]);
    // Rolls on the way: snapshots and flushes of a log that is being deleted are nobody's misfortune.
    const writes = Array.from({ length: 60 }, () => writer.produce('orders', batch(['x'.repeat(400)]), { partition: 1, acks: 1 }));
    await writes[5 * round];
    const { responses } = await client.deleteTopics(['orders']);
    expect(responses[0]!.errorCode).toBe(0);
    for (const { errorCode } of await Promise.all(writes)) expect([0, ErrorCode.UnknownTopicOrPartition, ErrorCode.NotLeaderOrFollower]).toContain(errorCode);
    expect((await client.produce('orders', batch(['x']))).errorCode).toBe(ErrorCode.UnknownTopicOrPartition);
  }
  expect(ids.size).toBe(6);
  expect(errors).toEqual([]);
  await broker.restart();
  expect((await (await broker.client()).metadata()).topics).toEqual([]);
});

test('hundreds of topics come, are written to, survive a restart, and go', async () => {
  const { logger, errors } = complaints();
  const broker = await TestBroker.start({ logger });
  const client = await broker.client();
  const names = Array.from({ length: 80 }, (_, at) => `topic-${at}`);
  const { topics } = await client.createTopics({ topics: names.map(name => ({ name, numPartitions: 2, replicationFactor: 1 })) });
  expect(topics.filter(({ errorCode }) => errorCode !== 0)).toEqual([]);
  const written = await client.produceAll({ topicData: names.map(name => ({ name, partitionData: [0, 1].map(index => ({ index, records: batch([name]) })) })) });
  expect(written.responses.flatMap(({ partitionResponses }) => partitionResponses).every(({ errorCode, baseOffset }) => errorCode === 0 && baseOffset === 0)).toBe(true);
  await broker.restart();
  const again = await broker.client();
  const read = await again.fetchAll({ topics: names.map(topic => ({ topic, partitions: [0, 1].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })) })) });
  expect(read.responses.map(({ topic, partitions }) => [topic, partitions.map(({ records }) => valuesOf(records))])).toEqual(names.map(name => [name, [[name], [name]]]));
  const gone = await again.deleteTopics(names);
  expect(gone.responses.filter(({ errorCode }) => errorCode !== 0)).toEqual([]);
  expect((await again.metadata()).topics).toEqual([]);
  expect(errors).toEqual([]);
}, 60_000);

test('a stop with requests of every kind on their way ends cleanly, and what was acknowledged is there', async () => {
  const { logger, errors } = complaints();
  const broker = await TestBroker.start({ logger });
  let acknowledged = 0;
  for (let round = 0; round < 5; round++) {
    const setup = await broker.client();
    if (round === 0) await setup.createTopic('orders');
    const clients = await Promise.all(Array.from({ length: 4 }, () => broker.client()));
    const quiet = (work: Promise<unknown>): void => void work.catch(() => {});
    for (const client of clients) {
      for (let n = 0; n < 50; n++) quiet(client.produce('orders', batch(['x'], { codec: n % 10 === 0 ? 'zstd' : 'none' })).then(({ errorCode }) => { if (errorCode === 0) acknowledged++; }));
      quiet(client.createTopics({ topics: [{ name: `t${round}`, numPartitions: 3, replicationFactor: 1 }] }));
    }
    for (let n = 0; n < 10; n++) quiet((await broker.client()).fetch('orders', 0, { maxWaitMs: 60_000 }));
    quiet((await broker.client()).metadata());
    await until(() => acknowledged > 20 * round);
    const running = broker.close();
    await running;
    expect(readdirSync(broker.logDir)).toContain('.kafka_cleanshutdown');
    await broker.restart();
  }
  const end = (await (await broker.client()).listOffsets('orders', -1)).offset;
  expect(end).toBeGreaterThanOrEqual(acknowledged);
  expect(errors).toEqual([]);
}, 60_000);

/** Between a broker and its ZooKeeper; swallows everything while `silent`. */
async function link(target: number): Promise<{ port: number; silence(): void; speak(): void }> {
  let silent = false;
  const open = new Set<Socket>();
  const server = createServer(from => {
    const to = connect(target, '127.0.0.1');
    for (const [one, other] of [[from, to], [to, from]] as const) {
      open.add(one);
      one.on('data', bytes => { if (!silent) other.write(bytes); });
      one.on('error', () => {});
      one.on('close', () => { open.delete(one); other.destroy(); });
    }
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  onTestFinished(() => { server.close(); for (const socket of open) socket.destroy(); });
  return { port: (server.address() as AddressInfo).port, silence: () => { silent = true; }, speak: () => { silent = false; for (const socket of open) socket.destroy(); } };
}

test('a ZooKeeper session that expired is no end: the broker serves on, registers again and leads again', async () => {
  const zookeeper = await embedded({ tickTimeMs: 100 });
  const observer = await connected(zookeeper.connect);
  const wire = await link(zookeeper.port);
  const broker = await TestBroker.start({ settings: { 'zookeeper.connect': `127.0.0.1:${wire.port}`, 'zookeeper.session.timeout.ms': 600, 'offsets.topic.replication.factor': 1 } });
  const client = await broker.client();
  await client.createTopic('orders');
  const registration = `/brokers/ids/${broker.id}`;
  const first = await observer.exists(registration);
  expect(first).not.toBeNull();
  wire.silence();
  await until(async () => (await observer.exists(registration)) === null, 'the registration is gone');
  expect((await client.produce('orders', batch(['away']))).errorCode, 'the data path does not need ZooKeeper').toBe(0);
  wire.speak();
  await until(async () => (await observer.exists(registration)) !== null, 'registered again');
  expect((await observer.exists(registration))!.czxid).toBeGreaterThan(first!.czxid);
  await until(async () => (await client.createTopics({ topics: [{ name: 'after', numPartitions: 1, replicationFactor: 1 }], timeoutMs: 5000 })).topics.every(({ errorCode }) => errorCode === 0 || errorCode === ErrorCode.TopicAlreadyExists), 'controller again');
  await until(async () => (await client.produce('after', batch(['x']))).errorCode === 0);
  expect(valuesOf((await client.fetch('orders', 0)).records)).toEqual(['away']);
}, 60_000);

test('a ZooKeeper that is restarted finds the broker as it left it', async () => {
  const dataDir = freshDirectory();
  let zookeeper = await embedded({ dataDir, tickTimeMs: 500 });
  const { port } = zookeeper;
  const broker = await TestBroker.start({ settings: { 'zookeeper.connect': `127.0.0.1:${port}`, 'zookeeper.session.timeout.ms': 10_000, 'offsets.topic.replication.factor': 1 } });
  const client = await broker.client();
  await client.createTopic('before');
  await zookeeper.close();
  expect((await client.produce('before', batch(['x']))).errorCode).toBe(0);
  zookeeper = await embedded({ dataDir, port, tickTimeMs: 500 });
  await client.createTopic('after');
  expect((await client.produce('after', batch(['x']))).errorCode).toBe(0);
  const observer = await connected(zookeeper.connect);
  expect(await observer.exists(`/brokers/ids/${broker.id}`)).not.toBeNull();
  // Away for good: a stop is a stop all the same.
  await zookeeper.close();
  await broker.close();
  expect(existsSync(join(broker.logDir, '.kafka_cleanshutdown'))).toBe(true);
}, 60_000);

test('a process whose broker is closed has nothing left to do, and ends by itself', async () => {
  const dir = freshDirectory();
  const source = (path: string): string => JSON.stringify(join(import.meta.dirname, '../../src', path));
  const script = `
    import { startBroker } from ${source('server/broker.ts')};
    import { loadConfig } from ${source('config/load.ts')};
    import { silentLogger } from ${source('base/logger.ts')};
    const config = loadConfig({ overrides: ['listeners=PLAINTEXT://127.0.0.1:0', 'log.dirs=' + process.argv[2]] });
    const broker = await startBroker({ config, logger: silentLogger });
    await broker.close();
    await broker.close();
    console.log('closed');
  `;
  const file = join(dir, 'story.mts');
  writeFileSync(file, script);
  const child = spawn(process.execPath, ['--import', 'tsx', file, join(dir, 'logs')], { cwd: join(import.meta.dirname, '../..'), stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  child.stdout.on('data', text => { out += String(text); });
  const code = await new Promise(resolve => child.once('exit', resolve));
  expect([out.trim(), code]).toEqual(['closed', 0]);
});

/** A port that nobody listens on, for a broker whose port has to be known before it has started. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** A broker that waits for the session of its last life to end, and what ends it. */
async function waitingBroker(): Promise<{ port: number; observer: ZooKeeperClient; dir: string; settings: Record<string, string | number>; starting: Promise<RunningBroker>; endSession: () => Promise<void> }> {
  const zookeeper = await embedded();
  const [observer, lastLife] = [await connected(zookeeper.connect), await connected(zookeeper.connect)];
  const port = await freePort();
  const dir = freshDirectory();
  const settings: Record<string, string | number> = { 'zookeeper.connect': zookeeper.connect, 'broker.id': 5, listeners: `PLAINTEXT://127.0.0.1:${port}`, 'offsets.topic.replication.factor': 1 };
  await createPersistentPaths(observer);
  await lastLife.create('/brokers/ids/5', Buffer.from('{}'), { mode: 'ephemeral' });
  let waits!: () => void;
  const waiting = new Promise<void>(resolve => { waits = resolve; });
  const logger: Logger = { ...silentLogger, warn: (_, message) => { if (message.includes('still registered by an earlier session')) waits(); } };
  const starting = startBroker(brokerOptions({ settings, logger }, dir));
  starting.catch(() => {});
  onTestFinished(async () => {
    await lastLife.close();
    await starting.then(broker => broker.close(), () => {});
  });
  await waiting;
  return { port, observer, dir, settings, starting, endSession: () => lastLife.close() };
}

test('a broker that is not registered yet answers nobody; who asked meanwhile is then told of the whole cluster', async () => {
  const { port, observer, starting, endSession } = await waitingBroker();
  const early = await Promise.all(Array.from({ length: 3 }, () => TestClient.connect(port)));
  onTestFinished(() => { for (const each of early) each.destroy(); });
  // Many, and large, on one connection: they wait where every request waits.
  const flood = await TestClient.connect(port);
  onTestFinished(() => flood.destroy());
  const large = Array.from({ length: 40 }, () => flood.metadata({ topics: Array.from({ length: 2000 }, (_, at) => ({ name: `unknown-${at}` })), allowAutoTopicCreation: false }));
  let answered = 0;
  const asked = early.flatMap(each => [each.metadata(), each.apiVersions(), each.describeCluster()]);
  for (const answer of asked) answer.then(() => answered++, () => {});
  const left = await TestClient.connect(port);
  left.metadata().catch(() => {});
  left.destroy();
  // Longer than an answer would need.
  for (let n = 0; n < 50; n++) await observer.exists('/brokers/ids/5');
  expect(answered).toBe(0);
  await endSession();
  const broker = await starting;
  const [metadata, versions, cluster] = await Promise.all(asked) as [MetadataResponse, ApiVersionsResponse, DescribeClusterResponse];
  expect(metadata.brokers.map(({ nodeId, port: at }) => [nodeId, at])).toEqual([[5, port]]);
  expect(metadata.controllerId).toBe(5);
  expect(versions.errorCode).toBe(0);
  expect(cluster.brokers).toHaveLength(1);
  for (const { brokers } of await Promise.all(large)) expect(brokers).toHaveLength(1);
  for (const each of [...early, flood]) each.destroy();
  await until(() => broker.stats()['connections'] === 0 && broker.stats()['queuedBytes'] === 0, 'what waited is given back');
});

test('a start that fails while requests wait for it ends them, and leaves port and directory to the next', async () => {
  const { port, observer, dir, settings, starting } = await waitingBroker();
  const early = await TestClient.connect(port);
  const asked = early.metadata();
  // The old registration goes, and the place for a new one with it.
  await observer.multi([{ type: 'delete', path: '/brokers/ids/5' }, { type: 'delete', path: '/brokers/ids' }]);
  await expect(starting).rejects.toThrow(/NONODE/);
  await expect(asked).rejects.toThrow(ConnectionEnded);
  const next = await startBroker(brokerOptions({ settings }, dir));
  expect(next.port).toBe(port);
  await next.close();
});
