import { describe, expect, it, test } from 'vitest';
import { BrokerConfig } from '../../src/config/broker-config.js';
import { ConfigSource, describeBroker, describeClusterDefault, describeLoggers } from '../../src/config/describe.js';
import { topicConfig } from '../../src/config/topic-config.js';

const texts = (settings: Record<string, string>): ReadonlyMap<string, string> => new Map(Object.entries(settings));
const broker = (settings: Record<string, string> = {}): BrokerConfig => BrokerConfig.from(texts(settings), 'h');
const NONE = texts({});

/** What Kafka would say of settings that become this broker's, or everybody's. */
const asMine = (settings: Record<string, string>, config = broker()): string | undefined => config.dynamicFault(texts(settings), true);
const asEverybodys = (settings: Record<string, string>, config = broker()): string | undefined => config.dynamicFault(texts(settings), false);
const cause = (what: string): string => `Invalid value org.apache.kafka.common.config.ConfigException: ${what} for configuration Invalid dynamic configuration`;

describe('what may be set while a broker runs', () => {
  it('takes what Kafka changes live, and keys that nobody knows', () => {
    const settings = { 'log.retention.ms': '1000', 'leader.replication.throttled.rate': '1000000', 'message.max.bytes': '5', 'my.own': 'x', 'num.io.threads': '16' };
    expect([asMine(settings), asEverybodys(settings)]).toEqual([undefined, undefined]);
  });

  it('refuses what is read at the start, all of it by name, in the order of a Java map', () => {
    expect(asMine({ 'broker.id': '5' })).toBe('Cannot update these configs dynamically: Set(broker.id)');
    expect(asMine({ 'broker.id': 'x', 'log.dirs': '/x', 'log.retention.ms': 'soon' })).toMatch(/^Cannot update these configs dynamically: Set\((broker.id, log.dirs|log.dirs, broker.id)\)$/);
    const five = { 'broker.id': '', 'log.dirs': '', 'num.partitions': '', 'log.roll.hours': '', 'zookeeper.connect': '' };
    expect(asMine(five)).toMatch(/^Cannot update these configs dynamically: HashSet\(/);
  });

  it('refuses values that the key does not take, before it asks whose they are', () => {
    expect(asMine({ 'log.retention.ms': 'soon' })).toBe('Invalid value soon for configuration log.retention.ms: Not a number of type LONG');
    expect(asEverybodys({ 'follower.replication.throttled.rate': '-1' })).toBe('Invalid value -1 for configuration follower.replication.throttled.rate: Value must be at least 0');
    expect(asEverybodys({ 'listener.name.plaintext.max.connections': 'x', 'advertised.listeners': 'PLAINTEXT://a:1' })).toBe('Invalid value x for configuration max.connections: Not a number of type INT');
    expect(asMine({ 'principal.builder.class': 'com.example.Mine' })).toBe('Invalid value com.example.Mine for configuration principal.builder.class: Class com.example.Mine could not be found.');
  });

  it('refuses for everybody what is one broker\'s, and without its listener what is a listener\'s', () => {
    expect(asEverybodys({ 'advertised.listeners': 'PLAINTEXT://a:1' })).toBe('Cannot update these configs at default cluster level, broker id must be specified: Set(advertised.listeners)');
    expect(asEverybodys({ 'listener.name.plaintext.ssl.keystore.type': 'PEM' })).toBe('Cannot update these configs at default cluster level, broker id must be specified: Set(listener.name.plaintext.ssl.keystore.type)');
    expect(asEverybodys({ 'listener.name.plaintext.max.connections': '10' })).toBeUndefined();
    expect(asMine({ 'ssl.keystore.type': 'PEM' })).toBe('These security configs can be dynamically updated only per-listener using the listener prefix: HashSet(ssl.keystore.type)');
    expect(asMine({ 'listener.name.plaintext.ssl.keystore.type': 'PEM' })).toBeUndefined();
  });

  it('lets the number of threads at most double and at most halve', () => {
    const config = broker({ 'num.io.threads': '8' });
    const pool = (count: string): string | undefined => asMine({ 'num.io.threads': count }, config);
    expect([pool('16'), pool('4'), pool('8')]).toEqual([undefined, undefined, undefined]);
    expect(pool('17')).toBe(cause('Dynamic thread count update validation failed for num.io.threads=17, value should not be greater than double the current value 8'));
    expect(pool('3')).toBe(cause('Dynamic thread count update validation failed for num.io.threads=3, value should be at least half the current value 8'));
    // What holds now is what was set last, and not what the file says.
    config.applyDynamic(texts({ 'num.io.threads': '16' }), NONE);
    expect(pool('32')).toBeUndefined();
    expect(asMine({ 'log.cleaner.threads': '3' }, broker({ 'log.cleaner.enable': 'false' }))).toBeUndefined();
    expect(asMine({ 'log.cleaner.threads': '3' })).toBe(cause('Log cleaner threads cannot be increased to more than double the current value 1'));
  });

  it('refuses what does not go together', () => {
    expect(asMine({ 'log.retention.ms': '0' })).toBe('requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1');
    expect(asMine({ 'log.roll.ms': '0' })).toBe('requirement failed: log.roll.ms must be greater than or equal to 1');
    expect(asMine({ 'log.roll.jitter.ms': '-1' })).toBe('requirement failed: log.roll.jitter.ms must be greater than or equal to 0');
    expect(asMine({ 'log.cleaner.dedupe.buffer.size': '1048576' })).toBe('requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.');
    expect(asMine({ 'log.cleaner.threads': '0' })).toBe('/ by zero');
    expect(asMine({ 'max.connections.per.ip': '0' })).toMatch(/^requirement failed: max.connections.per.ip can be set to zero only if/);
    expect(asMine({ 'max.connections.per.ip.overrides': 'here:x' })).toBe('For input string: "x"');
    expect(asMine({ 'log.local.retention.ms': '100', 'log.retention.ms': '99' })).toBe(cause('Invalid value 100 for configuration log.local.retention.ms: Value must not be more than log.retention.ms property value: 99'));
    expect(asMine({ 'max.connections': '0' })).toBe(cause('Invalid max.connections 0'));
  });

  it('judges everybody\'s beneath what this broker has of its own', () => {
    const config = broker();
    config.applyDynamic(texts({ 'log.retention.ms': '1000' }), NONE);
    expect(asEverybodys({ 'log.retention.ms': '0' }, config)).toBeUndefined();
  });

  it('keeps listeners as they are, and takes the same again', () => {
    const config = broker({ listeners: 'PLAINTEXT://127.0.0.1:1' });
    expect(asMine({ listeners: 'PLAINTEXT://127.0.0.1:1' }, config)).toBeUndefined();
    expect(asMine({ listeners: 'PLAINTEXT://127.0.0.1:2' }, config)).toBe('listeners cannot be changed while this broker runs: set it in its file and start it again');
  });
});

test('of what ZooKeeper holds the unusable is left out and told; what does not go together leaves all as it was', () => {
  const config = broker();
  const problems = config.applyDynamic(texts({ 'broker.id': '7', 'message.max.bytes': 'x', 'log.segment.bytes': '1000' }), texts({ listeners: 'PLAINTEXT://a:1', 'log.retention.ms': '5' }));
  expect(problems.map(({ key }) => key)).toEqual(['broker.id', 'message.max.bytes', 'listeners']);
  expect([...config.settings.layers.dynamicBroker.keys()]).toEqual(['log.segment.bytes']);
  expect([...config.settings.layers.dynamicDefault.keys()]).toEqual(['log.retention.ms']);
  expect(config.applyDynamic(texts({ 'log.roll.ms': '0' }), NONE)).toHaveLength(1);
  expect([...config.settings.layers.dynamicBroker.keys()]).toEqual(['log.segment.bytes']);
});

test('topics take what a broker is set to, and let go of it', () => {
  const config = broker({ 'min.insync.replicas': '2' });
  const inSync = (): number => topicConfig(NONE, config.settings).minInsyncReplicas;
  config.applyDynamic(NONE, texts({ 'min.insync.replicas': '3' }));
  expect(inSync()).toBe(3);
  config.applyDynamic(texts({ 'min.insync.replicas': '4' }), texts({ 'min.insync.replicas': '3' }));
  expect(inSync()).toBe(4);
  config.applyDynamic(NONE, NONE);
  expect(inSync()).toBe(2);
});

test('a rate counts where it was set dynamically, and only there', () => {
  const config = broker({ 'leader.replication.throttled.rate': '5' });
  expect(config.warnings.map(({ key }) => key)).toEqual(['leader.replication.throttled.rate']);
  expect(config.settings.dynamicNumber('leader.replication.throttled.rate')).toBeUndefined();
  config.applyDynamic(NONE, texts({ 'leader.replication.throttled.rate': '7' }));
  expect(config.settings.dynamicNumber('leader.replication.throttled.rate')).toBe(7);
});

test('rates are shown with their value, and as if nobody could change them; so is what is one listener\'s', () => {
  const config = broker();
  config.applyDynamic(texts({ 'leader.replication.throttled.rate': '7' }), texts({ 'leader.replication.throttled.rate': '6', 'listener.name.plaintext.max.connections': '9', 'my.own': 'x' }));
  const options = { keys: null, includeSynonyms: true };
  const mine = describeBroker(config.settings, options).find(({ name }) => name === 'leader.replication.throttled.rate');
  expect(mine).toMatchObject({ value: '7', readOnly: true, isSensitive: false, configType: 5, configSource: ConfigSource.dynamicBroker });
  expect(mine!.synonyms.map(({ value, source }) => [value, source])).toEqual([['7', 2], ['6', 3]]);
  expect(describeClusterDefault(config.settings, options)).toMatchObject([
    { name: 'leader.replication.throttled.rate', value: '6', readOnly: true, configSource: 3 },
    { name: 'listener.name.plaintext.max.connections', value: '9', readOnly: true, configSource: 3 },
    { name: 'my.own', value: null, isSensitive: true, readOnly: true, configType: 0 },
  ]);
});

test('levels of loggers are settings of a source of their own', () => {
  expect(describeLoggers([['root', 'INFO'], ['other', 'WARN']], { keys: ['root'], includeSynonyms: true })).toEqual([
    { name: 'root', value: 'INFO', readOnly: false, configSource: 6, isSensitive: false, synonyms: [], configType: 0, documentation: null },
  ]);
});
