// Coordination by Apache ZooKeeper: what an operator sees there, and what happens when it goes, or when the broker is gone
// for longer than its session.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { franzGoClient } from './harness/clients.js';
import { createTopic } from './harness/commands.js';
import { startTool } from './harness/tools.js';
import { consumed, contents, produced, type Workload } from './harness/workload.js';
import { ZooKeeper } from './harness/zookeeper.js';

let zookeeper: ZooKeeper;
let broker: Broker;
beforeAll(async () => {
  zookeeper = await ZooKeeper.start();
  broker = await Broker.start({ zookeeper });
});
afterAll(async () => {
  await broker.destroy();
  await zookeeper.destroy();
});

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
const get = async (path: string): Promise<Record<string, unknown>> => JSON.parse(lastLine(await zookeeper.cli('get', path))) as Record<string, unknown>;
const registered = async (): Promise<string> => lastLine(await zookeeper.cli('ls', '/brokers/ids'));
/** The session that holds an ephemeral node. */
const owner = async (path: string): Promise<string | undefined> => (await zookeeper.cli('stat', path)).match(/ephemeralOwner = (0x[0-9a-f]+)/)?.[1];

/** A topic is made, written and read: the controller works, and the data path. */
async function serves(topic: string): Promise<void> {
  const workload: Workload = { topic, partitions: 3, runs: [{ codec: 'lz4', count: 3_000 }] };
  await createTopic(broker, topic, 3);
  await produced(franzGoClient, broker, workload);
  expect(await consumed(franzGoClient, broker, workload)).toEqual(contents(workload));
}

test('zkCli shows what an operator of Kafka expects', async () => {
  await createTopic(broker, 'shown', 2, { 'retention.ms': 3_600_000 });
  const tree = (await zookeeper.cli('ls', '-R', '/')).split('\n');
  expect(tree).toEqual(expect.arrayContaining([
    '/admin/delete_topics', '/brokers/ids/0', '/brokers/seqid', '/brokers/topics/shown', '/brokers/topics/shown/partitions/0/state',
    '/brokers/topics/shown/partitions/1/state', '/cluster/id', '/config/brokers', '/config/changes', '/config/clients', '/config/ips', '/config/topics/shown',
    '/config/users', '/consumers', '/controller', '/controller_epoch', '/isr_change_notification', '/latest_producer_id_block', '/log_dir_event_notification',
  ]));
  expect(await get('/brokers/ids/0')).toMatchObject({
    version: 5, host: broker.host, port: broker.port, endpoints: [`PLAINTEXT://${broker.bootstrap}`], listener_security_protocol_map: { PLAINTEXT: 'PLAINTEXT' }, features: {}, jmx_port: -1,
  });
  expect(await get('/brokers/topics/shown')).toMatchObject({ version: 3, partitions: { 0: [0], 1: [0] }, adding_replicas: {}, removing_replicas: {} });
  expect(await get('/brokers/topics/shown/partitions/0/state')).toMatchObject({ leader: 0, leader_epoch: 0, isr: [0], version: 1 });
  expect(await get('/config/topics/shown')).toEqual({ version: 1, config: { 'retention.ms': '3600000' } });
  expect(await get('/controller')).toMatchObject({ version: 2, brokerid: 0 });
  expect(await get('/cluster/id')).toMatchObject({ version: '1' });
  expect(lastLine(await zookeeper.cli('get', '/controller_epoch'))).toBe('1');
});

test('ZooKeeper restarts while the broker serves: no record is refused, and afterwards topics can be made again', async () => {
  await createTopic(broker, 'unbroken', 3);
  const producer = startTool('verifiableProducer', ['--bootstrap-server', broker.bootstrap, '--topic', 'unbroken', '--acks', '-1', '--throughput', '500']);
  const sent = (): number => producer.lines.filter(line => line.includes('producer_send_success')).length;
  const more = async (what: string): Promise<unknown> => { const enough = sent() + 500; return producer.until(what, () => sent() >= enough || undefined); };
  await more('records before');
  await zookeeper.stop();
  await more('records without ZooKeeper');
  await zookeeper.start();
  await more('records after');
  await producer.stop();
  expect(producer.lines.filter(line => line.includes('producer_send_error'))).toEqual([]);
  await expect.poll(registered, { timeout: 30_000 }).toBe('[0]');
  await serves('after-zookeeper-restarted');
});

test('stopped for longer than its session, the broker registers anew and goes on', async () => {
  const before = await owner('/brokers/ids/0');
  broker.freeze();
  await expect.poll(registered, { timeout: 40_000 }).toBe('[]');
  expect(await zookeeper.cli('ls', '/')).not.toContain('controller,');
  broker.thaw();
  await expect.poll(registered, { timeout: 40_000 }).toBe('[0]');
  expect(await owner('/brokers/ids/0')).not.toBe(before);
  await expect.poll(() => owner('/controller').catch(() => undefined), { timeout: 40_000 }).toBe(await owner('/brokers/ids/0'));
  await serves('after-session-expired');
});

test('killed with kill -9 and started at once, the broker waits for its old session and takes its place', async () => {
  const before = await owner('/brokers/ids/0');
  await broker.kill();
  await broker.start();
  expect(await registered()).toBe('[0]');
  const after = await owner('/brokers/ids/0');
  expect(after).not.toBe(before);
  expect(await owner('/controller')).toBe(after);
  await serves('after-kill');
});

test('stopped in order, it takes its registration with it', async () => {
  await broker.stop();
  expect(await registered()).toBe('[]');
  await broker.start();
  await serves('after-stop');
});
