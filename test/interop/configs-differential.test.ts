// One server.properties read by Apache Kafka and by us: DescribeConfigs must say the same of every key, and both must refuse
// the same topic settings.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Admin, Kafka as KafkaClient } from 'kafkajs';
import { startKafka, type KafkaBroker } from '../../bench/peer/kafka.js';
import { startZooKeeper, type ZooKeeperServer } from '../../bench/peer/zookeeper.js';
import { checkTopicOverrides } from '../../src/config/alter-topic.js';
import { BrokerConfig } from '../../src/config/broker-config.js';
import { describeBroker, describeTopic, type ConfigEntry } from '../../src/config/describe.js';
import { parseProperties } from '../../src/config/properties.js';
import { runTool } from './harness/tools.js';

const { Kafka } = createRequire(import.meta.url)('kafkajs') as { Kafka: typeof KafkaClient };

const TOPIC = 2;
const BROKER = 4;
const ALL = { keys: null, includeSynonyms: true };

const PROPERTIES = {
  'log.retention.minutes': '90', 'log.segment.bytes': '1000000', 'log.roll.jitter.hours': '2', 'log.cleanup.policy': ' compact , delete ',
  'log.message.timestamp.difference.max.ms': '5000', 'log.cleaner.io.buffer.load.factor': '.75', 'num.partitions': '007',
  'log.initial.task.delay.ms': '123', 'listener.name.plaintext.max.connections': '77', 'ssl.keystore.password': 'hush', 'some.unknown': 'x',
};
const TOPIC_SETTINGS = { 'retention.ms': ' 0012345', 'cleanup.policy': 'compact, delete', 'min.cleanable.dirty.ratio': '1e-4', 'flush.messages': '9223372036854775807' };
// Ours on purpose (src/config/own-defaults.ts).
const OURS = new Set(['log.dir', 'socket.listen.backlog.size', 'socket.receive.buffer.bytes', 'socket.send.buffer.bytes']);
// Known to 3.9.2, while 3.9.1 runs here.
const YOUNGER = new Set(['alter.config.policy.kraft.compatibility.enable']);

let dir: string;
let zookeeper: ZooKeeperServer;
let kafka: KafkaBroker;
let admin: Admin;
let config: BrokerConfig;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'odradek-configs-'));
  zookeeper = await startZooKeeper({ dir });
  kafka = await startKafka({ dir, zookeeper: zookeeper.connect, config: PROPERTIES });
  config = BrokerConfig.from(new Map(parseProperties(readFileSync(join(dir, 'server.properties'), 'latin1'))), 'localhost');
  admin = new Kafka({ brokers: [`127.0.0.1:${kafka.port}`], logLevel: 0 }).admin();
  await admin.connect();
  // Kafka says it has started before every request finds a controller.
  while (((await admin.describeCluster()).controller ?? -1) < 0) await delay(50);
  await admin.createTopics({ topics: [{ topic: 'tuned', configEntries: Object.entries(TOPIC_SETTINGS).map(([name, value]) => ({ name, value })) }] });
});

afterAll(async () => {
  await admin?.disconnect();
  await kafka?.stop();
  await zookeeper?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** One line a key, with all that a client is told of it. */
async function kafkaSays(type: number, name: string): Promise<string[]> {
  const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type, name }] });
  return resources[0]!.configEntries.filter(entry => !OURS.has(entry.configName)).map(entry => {
    const synonyms = entry.configSynonyms.map(each => `${each.configSource}:${each.configName}=${each.configValue}`);
    return `${entry.configName}=${entry.configValue} readOnly=${entry.readOnly} sensitive=${entry.isSensitive} source=${entry.configSource} ${synonyms.join(' ')}`;
  }).sort();
}

function weSay(entries: readonly ConfigEntry[]): string[] {
  return entries.filter(entry => !OURS.has(entry.name) && !YOUNGER.has(entry.name)).map(entry => {
    const synonyms = entry.synonyms.map(each => `${each.source}:${each.name}=${each.value}`);
    return `${entry.name}=${entry.value} readOnly=${entry.readOnly} sensitive=${entry.isSensitive} source=${entry.configSource} ${synonyms.join(' ')}`;
  }).sort();
}

test('every setting of a topic', async () => {
  expect(weSay(describeTopic(new Map(Object.entries(TOPIC_SETTINGS)), config.settings, ALL))).toEqual(await kafkaSays(TOPIC, 'tuned'));
});

test('every setting of a broker', async () => {
  expect(weSay(describeBroker(config.settings, ALL))).toEqual(await kafkaSays(BROKER, '0'));
});

test('the same with settings changed while it runs, of this broker and of all', async () => {
  const broker = { 'log.retention.ms': '123456', 'log.cleaner.threads': '2', 'message.max.bytes': '777777' };
  const everyBroker = { 'log.retention.ms': '654321', 'log.segment.bytes': '2000000' };
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: BROKER, name: '0', configEntries: Object.entries(broker).map(([name, value]) => ({ name, value })) }] });
  // kafkajs has no name for "every broker".
  await runTool('configs', ['--bootstrap-server', `127.0.0.1:${kafka.port}`, '--entity-type', 'brokers', '--entity-default', '--alter', '--add-config', Object.entries(everyBroker).map(pair => pair.join('=')).join(',')]);
  config.applyDynamic(new Map(Object.entries(broker)), new Map(Object.entries(everyBroker)));

  await expect.poll(() => kafkaSays(BROKER, '0'), { timeout: 20_000 }).toEqual(weSay(describeBroker(config.settings, ALL)));
  expect(weSay(describeTopic(new Map(Object.entries(TOPIC_SETTINGS)), config.settings, ALL))).toEqual(await kafkaSays(TOPIC, 'tuned'));
});

test('the same topic settings are refused', async () => {
  const asked: Record<string, string>[] = [
    ['retention.ms', '-5'], ['retention.ms', '-1'], ['retention.ms', 'x'], ['retention.ms', ''], ['retention.ms', '1.5'], ['nonsense', '1'], ['log.retention.ms', '1'],
    ['cleanup.policy', 'shred'], ['cleanup.policy', ''], ['cleanup.policy', 'compact,'], ['cleanup.policy', 'Delete'], ['preallocate', 'yes'], ['preallocate', ' TRUE '],
    ['min.cleanable.dirty.ratio', '2'], ['min.cleanable.dirty.ratio', '1'], ['min.cleanable.dirty.ratio', '-0.1'], ['min.cleanable.dirty.ratio', '1e-300'],
    ['segment.bytes', '13'], ['segment.bytes', '14'], ['segment.bytes', '2147483648'], ['segment.ms', '0'], ['segment.ms', '+5'], ['compression.type', 'lzma'],
    ['compression.type', 'zstd'], ['compression.gzip.level', '0'], ['compression.gzip.level', '-1'], ['compression.gzip.level', '9'], ['compression.zstd.level', '23'],
    ['max.message.bytes', '-1'], ['max.message.bytes', '0'], ['leader.replication.throttled.replicas', '1'], ['leader.replication.throttled.replicas', '*'],
    ['leader.replication.throttled.replicas', '0:1,1:2'], ['leader.replication.throttled.replicas', '0:1,*'], ['message.timestamp.type', 'createtime'],
    ['remote.storage.enable', 'true'], ['remote.storage.enable', 'false'], ['remote.log.copy.disable', 'true'], ['min.compaction.lag.ms', '9223372036854775808'],
    ['min.compaction.lag.ms', '9223372036854775807'], ['message.format.version', '9.9'], ['message.format.version', '2.8'], ['flush.ms', '-1'], ['local.retention.ms', '-3'],
  ].map(([name, value]) => ({ [name!]: value! }));
  asked.push({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' }, { 'min.compaction.lag.ms': '5', 'max.compaction.lag.ms': '10' });

  for (const overrides of asked) {
    const configEntries = Object.entries(overrides).map(([name, value]) => ({ name, value }));
    const theirs = await admin.alterConfigs({ validateOnly: true, resources: [{ type: TOPIC, name: 'tuned', configEntries }] })
      .then(() => 'accepted', (error: { type?: string }) => error.type ?? 'refused');
    expect(checkTopicOverrides(new Map(Object.entries(overrides)), config.settings)?.error ?? 'accepted', JSON.stringify(overrides)).toBe(theirs);
  }
});
