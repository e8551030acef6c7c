import { expect, test } from 'vitest';
import { BrokerConfig } from '../../src/config/broker-config.js';
import { brokerDefinitions, topicDefinitions } from '../../src/config/definitions.js';
import { ConfigError } from '../../src/config/problem.js';
import { parseValue } from '../../src/config/values.js';

const configured = (properties: Record<string, string> = {}): BrokerConfig =>
  BrokerConfig.from(new Map(Object.entries(properties)), 'spool.example');

/** The keys that were complained about, each once. */
function refused(properties: Record<string, string>): string[] {
  try {
    configured(properties);
  } catch (error) {
    if (error instanceof ConfigError) return [...new Set(error.problems.map(({ key }) => key))];
    throw error;
  }
  return [];
}

test('every default satisfies its own definition, and is spelled as it will be described', () => {
  for (const definition of [...brokerDefinitions.values(), ...topicDefinitions.values()]) {
    if (definition.default === null) continue;
    expect(parseValue(definition, definition.default).text, definition.name).toBe(definition.default);
  }
});

test('there are 329 broker keys of Kafka, one of ours, and 36 topic keys; topics fall back on keys that exist', () => {
  const ours = [...brokerDefinitions.keys()].filter(name => name.startsWith('odradek.'));
  expect(brokerDefinitions.size - ours.length).toBe(329);
  expect(topicDefinitions.size).toBe(36);
  for (const { name, from = [] } of topicDefinitions.values()) {
    for (const fallback of from) {
      const key = typeof fallback === 'string' ? fallback : fallback.name;
      expect(brokerDefinitions.has(key), `${name} <- ${key}`).toBe(true);
    }
  }
});

test('with nothing said, a broker brings its own coordination and is reached on localhost', () => {
  const config = configured();
  expect(config.embedded).toBe(true);
  expect(config.listeners.bind).toEqual([{ listener: 'PLAINTEXT', host: null, port: 9092, protocol: 'PLAINTEXT' }]);
  expect(config.listeners.advertised).toMatchObject([{ listener: 'PLAINTEXT', host: 'localhost', port: 9092 }]);
  expect(config.listeners.interBroker).toBe('PLAINTEXT');
  expect(config.logDirs).toEqual(['./data/logs']);
  expect(config.embeddedDir).toBe('./data/zookeeper');
  expect(config.brokerId).toBe(-1);
  expect(config.number('offsets.topic.replication.factor')).toBe(1);
  expect(config.number('group.initial.rebalance.delay.ms')).toBe(0);
  expect(config.warnings).toEqual([]);
});

test('with a ZooKeeper ensemble the defaults are those of a cluster', () => {
  const config = configured({ 'zookeeper.connect': 'zk1:2181,zk2:2181/kafka' });
  expect(config.embedded).toBe(false);
  expect(config.zookeeperConnect).toBe('zk1:2181,zk2:2181/kafka');
  expect(config.listeners.advertised[0]?.host).toBe('spool.example');
  expect(config.number('offsets.topic.replication.factor')).toBe(3);
  expect(config.number('group.initial.rebalance.delay.ms')).toBe(3000);
  expect(config.zookeeperConnectionTimeoutMs).toBe(18000);
});

test('values are read as java.util.Properties and ConfigDef would have them', () => {
  const config = configured({
    'num.io.threads': ' 0012 ', 'auto.create.topics.enable': 'FALSE', 'log.flush.interval.messages': '9223372036854775807',
    'log.cleanup.policy': ' compact , delete', 'log.cleaner.min.cleanable.ratio': '.25', 'broker.rack': ' left ',
  });
  expect(config.number('num.io.threads')).toBe(12);
  expect(config.boolean('auto.create.topics.enable')).toBe(false);
  expect(config.number('log.flush.interval.messages')).toBe(Number.MAX_SAFE_INTEGER);
  expect(config.settings.get('log.flush.interval.messages').text).toBe('9223372036854775807');
  expect(config.list('log.cleanup.policy')).toEqual(['compact', 'delete']);
  expect(config.number('log.cleaner.min.cleanable.ratio')).toBe(0.25);
  expect(config.string('broker.rack')).toBe('left');
  expect(config.optionalNumber('log.retention.ms')).toBeNull();
});

test('all mistakes are told at once, each with its key', () => {
  expect(refused({
    'num.io.threads': '0', 'num.network.threads': 'many', 'auto.create.topics.enable': 'maybe', 'compression.type': 'lzma',
    'log.segment.bytes': '3000000000', 'log.cleaner.min.cleanable.ratio': '1.5', 'inter.broker.protocol.version': '9.9',
    'log.cleanup.policy': 'delete,shred', listeners: 'nonsense',
  }).sort()).toEqual([
    'auto.create.topics.enable', 'compression.type', 'inter.broker.protocol.version', 'listeners', 'log.cleaner.min.cleanable.ratio',
    'log.cleanup.policy', 'log.segment.bytes', 'num.io.threads', 'num.network.threads',
  ]);
});

const RULES: [string, Record<string, string>, string[]][] = [
  ['broker.id and node.id differ', { 'broker.id': '1', 'node.id': '2' }, ['broker.id']],
  ['node.id alone is the broker id', { 'node.id': '7' }, []],
  ['an id among the generated ones', { 'broker.id': '1001' }, ['broker.id']],
  ['an id above, where none are generated', { 'broker.id': '1001', 'broker.id.generation.enable': 'false' }, []],
  ['no id, where none are generated', { 'broker.id.generation.enable': 'false' }, ['broker.id']],
  ['an id below the one that means "generate"', { 'broker.id': '-2' }, ['broker.id']],
  ['too little memory for a cleaner', { 'log.cleaner.dedupe.buffer.size': '2097152', 'log.cleaner.threads': '2' }, ['log.cleaner.dedupe.buffer.size']],
  ['a fetch that waits past the socket timeout', { 'replica.fetch.wait.max.ms': '500', 'replica.socket.timeout.ms': '400' }, ['replica.fetch.wait.max.ms']],
  ['a fetch that waits past the replica lag', { 'replica.fetch.wait.max.ms': '500', 'replica.lag.time.max.ms': '400' }, ['replica.fetch.wait.max.ms']],
  ['retention of nothing', { 'log.retention.ms': '0' }, ['log.retention.ms']],
  ['retention without end', { 'log.retention.ms': '-1', 'log.retention.hours': '-1' }, []],
  ['retention below "unlimited"', { 'log.retention.hours': '-2' }, ['log.retention.hours']],
  ['segments that roll before they exist', { 'log.roll.ms': '0' }, ['log.roll.ms']],
  ['jitter backwards', { 'log.roll.jitter.ms': '-1' }, ['log.roll.jitter.ms']],
  ['no log directory', { 'log.dirs': ' , ' }, ['log.dirs']],
  ['a log directory twice', { 'log.dirs': '/a,/b,/a' }, ['log.dirs']],
  ['a KRaft listener', { 'controller.listener.names': 'CONTROLLER' }, ['controller.listener.names']],
  ['a request budget below one request', { 'queued.max.request.bytes': '1000' }, ['queued.max.request.bytes']],
  ['no request budget', { 'queued.max.request.bytes': '-1' }, []],
  ['nobody may connect', { 'max.connections.per.ip': '0' }, ['max.connections.per.ip']],
  ['some may', { 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': 'hostA:100' }, []],
  ['idle before failed', { 'connections.max.idle.ms': '100' }, ['connection.failed.authentication.delay.ms']],
  ['never idle', { 'connections.max.idle.ms': '-1' }, []],
  ['an empty ensemble', { 'zookeeper.connect': '' }, ['zookeeper.connect']],
  ['KRaft mode', { 'process.roles': 'broker' }, ['process.roles']],
  ['access rules nobody would enforce', { 'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer' }, ['authorizer.class.name']],
  ['tiered storage', { 'remote.log.storage.system.enable': 'true' }, ['remote.log.storage.system.enable']],
  ['znodes that would stay open', { 'zookeeper.set.acl': 'true' }, ['zookeeper.set.acl']],
  ['TLS to ZooKeeper that would not be', { 'zookeeper.ssl.client.enable': 'true' }, ['zookeeper.ssl.client.enable']],
];
test.each(RULES)('rule: %s', (_story, properties, keys) => {
  expect(refused(properties)).toEqual(keys);
});

test('keys nobody knows, and keys of the other mode, are named and do no harm', () => {
  const config = configured({ 'num.oi.threads': '3', 'controller.quorum.voters': '1@a:9093', 'listener.name.plaintext.max.connections': '5', 'node.id': '3' });
  expect(config.warnings.map(({ key }) => key)).toEqual(['num.oi.threads', 'controller.quorum.voters', 'listener.name.plaintext.max.connections']);
  expect(config.brokerId).toBe(3);
  expect(config.number('num.io.threads')).toBe(8);
});

test('a setting of one listener is checked as the setting it stands in for', () => {
  expect(refused({ 'listener.name.plaintext.max.connections': 'none' })).toEqual(['listener.name.plaintext.max.connections']);
});

test('embedded coordination lives beside the log directories, never in one', () => {
  expect(configured({ 'log.dirs': '/var/spool/a,/var/spool/b' }).embeddedDir).toBe('/var/spool/a-zookeeper');
  expect(configured({ 'odradek.embedded.dir': '/var/lib/znodes' }).embeddedDir).toBe('/var/lib/znodes');
});

test('dynamic values come before the file, this broker\'s before the cluster\'s; unusable ones change nothing', () => {
  const config = configured({ 'log.retention.bytes': '1', 'message.max.bytes': '10' });
  let told = 0;
  const stop = config.onChange(() => { told += 1; });

  const problems = config.applyDynamic(new Map([['log.retention.bytes', '3'], ['num.io.threads', 'x']]), new Map([['log.retention.bytes', '2'], ['message.max.bytes', '20']]));
  expect(problems.map(({ key }) => key)).toEqual(['num.io.threads']);
  expect(config.number('log.retention.bytes')).toBe(3);
  expect(config.number('message.max.bytes')).toBe(20);
  expect(config.number('num.io.threads')).toBe(8);

  config.applyDynamic(new Map(), new Map());
  expect(config.number('log.retention.bytes')).toBe(1);
  stop();
  config.applyDynamic(new Map(), new Map());
  expect(told).toBe(2);
});

test('a duration changed while the broker runs is unset in all its other units', () => {
  const config = configured({ 'log.retention.minutes': '90' });
  config.applyDynamic(new Map(), new Map([['log.retention.ms', '5']]));
  expect(config.optionalNumber('log.retention.ms')).toBe(5);
  expect(config.optionalNumber('log.retention.minutes')).toBeNull();
  config.applyDynamic(new Map(), new Map());
  expect(config.optionalNumber('log.retention.minutes')).toBe(90);
});
