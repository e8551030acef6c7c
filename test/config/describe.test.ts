import { expect, test } from 'vitest';
import { BrokerConfig } from '../../src/config/broker-config.js';
import { ConfigSource, describeBroker, describeClusterDefault, describeTopic, type ConfigEntry } from '../../src/config/describe.js';

const broker = (properties: Record<string, string> = {}): BrokerConfig => BrokerConfig.from(new Map(Object.entries(properties)), 'h');
const ALL = { keys: null, includeSynonyms: true };
const find = (entries: readonly ConfigEntry[], name: string): ConfigEntry => {
  const found = entries.filter(entry => entry.name === name);
  expect(found, name).toHaveLength(1);
  return found[0]!;
};
const places = ({ synonyms }: ConfigEntry): string[] => synonyms.map(({ name, value, source }) => `${source} ${name}=${value}`);

test('a topic setting shows its value and every place behind it, nearest first', () => {
  const config = broker({ 'log.segment.bytes': '1000' });
  config.applyDynamic(new Map([['log.segment.bytes', '3000']]), new Map([['log.segment.bytes', '2000']]));
  const entry = find(describeTopic(new Map([['segment.bytes', ' 4000 ']]), config.settings, ALL), 'segment.bytes');
  expect(entry).toMatchObject({ value: '4000', configSource: ConfigSource.topic, readOnly: false, isSensitive: false, configType: 3, documentation: null });
  expect(places(entry)).toEqual(['1 segment.bytes=4000', '2 log.segment.bytes=3000', '3 log.segment.bytes=2000', '4 log.segment.bytes=1000', '5 log.segment.bytes=1073741824']);
});

test('a duration whose first name is unset shows no place, though another unit gave it its value', () => {
  const entries = describeTopic(new Map(), broker({ 'log.retention.minutes': '90' }).settings, ALL);
  expect(find(entries, 'retention.ms')).toMatchObject({ value: '5400000', configSource: ConfigSource.default, synonyms: [] });
});

test('largest values keep every digit', () => {
  const entries = describeTopic(new Map(), broker().settings, ALL);
  expect(find(entries, 'flush.messages').value).toBe('9223372036854775807');
  expect(find(describeBroker(broker().settings, ALL), 'log.cleaner.io.max.bytes.per.second').value).toBe('1.7976931348623157E308');
});

test('all 36 topic keys, or those asked for; an empty list asks for all', () => {
  const { settings } = broker();
  expect(describeTopic(new Map(), settings, ALL)).toHaveLength(36);
  expect(describeTopic(new Map(), settings, { ...ALL, keys: [] })).toHaveLength(36);
  expect(describeTopic(new Map(), settings, { ...ALL, keys: ['retention.ms', 'nonsense'] }).map(({ name }) => name)).toEqual(['retention.ms']);
});

test('synonyms only on request, and the source all the same', () => {
  const [entry] = describeTopic(new Map([['flush.ms', '5']]), broker().settings, { keys: ['flush.ms'], includeSynonyms: false });
  expect(entry).toMatchObject({ value: '5', synonyms: [], configSource: ConfigSource.topic });
});

test('a broker shows its public keys and the internal ones somebody set', () => {
  const plain = describeBroker(broker().settings, ALL);
  expect(plain.map(({ name }) => name)).not.toContain('log.initial.task.delay.ms');
  expect(plain.map(({ name }) => name)).not.toContain('odradek.embedded.dir');
  expect(find(describeBroker(broker({ 'log.initial.task.delay.ms': '5' }).settings, ALL), 'log.initial.task.delay.ms').value).toBe('5');
});

test('who may change a broker setting can be read off it', () => {
  const entries = describeBroker(broker({ 'num.io.threads': '5' }).settings, ALL);
  expect(find(entries, 'num.io.threads')).toMatchObject({ readOnly: false, value: '5', configSource: ConfigSource.staticBroker });
  expect(find(entries, 'num.partitions')).toMatchObject({ readOnly: true });
});

test('passwords and keys nobody knows never show a value, in no place', () => {
  const entries = describeBroker(broker({ 'ssl.keystore.password': 'hush', 'my.secret': 'hush', 'listener.name.plaintext.ssl.key.password': 'hush' }).settings, ALL);
  for (const name of ['ssl.keystore.password', 'my.secret', 'listener.name.plaintext.ssl.key.password']) {
    expect(find(entries, name)).toMatchObject({ value: null, isSensitive: true });
  }
  expect(JSON.stringify(entries)).not.toContain('hush');
});

test('a setting of one listener shows the general one behind it', () => {
  const entries = describeBroker(broker({ 'listener.name.plaintext.max.connections': '77' }).settings, ALL);
  const entry = find(entries, 'listener.name.plaintext.max.connections');
  expect(entry).toMatchObject({ value: '77', readOnly: true });
  expect(places(entry)).toEqual(['4 listener.name.plaintext.max.connections=77', '5 max.connections=2147483647']);
});

test('the cluster\'s default shows what was set for every broker, and nothing else', () => {
  const config = broker({ 'log.retention.ms': '1' });
  expect(describeClusterDefault(config.settings, ALL)).toEqual([]);
  config.applyDynamic(new Map([['log.retention.ms', '3']]), new Map([['log.retention.ms', '2']]));
  const entries = describeClusterDefault(config.settings, ALL);
  expect(entries).toMatchObject([{ name: 'log.retention.ms', value: '2', configSource: ConfigSource.dynamicDefaultBroker }]);
  expect(places(entries[0]!)).toEqual(['3 log.retention.ms=2']);
});
