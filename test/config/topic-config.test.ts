import { expect, test } from 'vitest';
import { BrokerConfig } from '../../src/config/broker-config.js';
import { applyOperations, checkOperations, checkTopicOverrides, nullOverrides, type AlterRefusal, type ConfigOperation } from '../../src/config/alter-topic.js';
import { topicConfig, topicValue, type TopicConfig } from '../../src/config/topic-config.js';

const broker = (properties: Record<string, string> = {}): BrokerConfig => BrokerConfig.from(new Map(Object.entries(properties)), 'h');
const overriding = (overrides: Record<string, string>): Map<string, string> => new Map(Object.entries(overrides));
const effective = (properties: Record<string, string>, overrides: Record<string, string> = {}): TopicConfig =>
  topicConfig(overriding(overrides), broker(properties).settings);

const HOUR = 3_600_000;

test('with nothing set, a topic is as Kafka makes it', () => {
  expect(effective({})).toMatchObject({
    delete: true, compact: false, compressionType: 'producer', retentionMs: 168 * HOUR, retentionBytes: -1, segmentBytes: 1073741824,
    segmentMs: 168 * HOUR, segmentJitterMs: 0, maxMessageBytes: 1048588, minInsyncReplicas: 1, indexIntervalBytes: 4096, segmentIndexBytes: 10485760,
    flushMessages: Number.MAX_SAFE_INTEGER, flushMs: Number.MAX_SAFE_INTEGER, messageTimestampType: 'CreateTime', fileDeleteDelayMs: 60000,
    messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
  });
});

test('the topic\'s own value stands before the broker\'s', () => {
  const config = effective({ 'log.segment.bytes': '1000', 'message.max.bytes': '50' }, { 'segment.bytes': '2000', 'cleanup.policy': 'compact,delete' });
  expect(config).toMatchObject({ segmentBytes: 2000, maxMessageBytes: 50, compact: true, delete: true });
});

test('of one duration in several units the most precise counts', () => {
  expect(effective({ 'log.retention.hours': '2' }).retentionMs).toBe(2 * HOUR);
  expect(effective({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }).retentionMs).toBe(180_000);
  expect(effective({ 'log.retention.hours': '2', 'log.retention.minutes': '3', 'log.retention.ms': '4' }).retentionMs).toBe(4);
  expect(effective({ 'log.retention.hours': '-1' }).retentionMs).toBe(-1);
  expect(effective({ 'log.roll.hours': '2', 'log.roll.jitter.hours': '1' })).toMatchObject({ segmentMs: 2 * HOUR, segmentJitterMs: HOUR });
  expect(effective({ 'log.roll.ms': '5', 'log.roll.hours': '2' }).segmentMs).toBe(5);
  expect(effective({ 'log.flush.scheduler.interval.ms': '9' }).flushMs).toBe(9);
  expect(effective({ 'log.flush.scheduler.interval.ms': '9', 'log.flush.interval.ms': '8' }).flushMs).toBe(8);
});

test('jitter never exceeds what it jitters', () => {
  expect(effective({}, { 'segment.ms': '10', 'segment.jitter.ms': '50' }).segmentJitterMs).toBe(10);
});

test('the old bound on timestamps counts where the two new ones are not set', () => {
  const old = { 'log.message.timestamp.difference.max.ms': '7' };
  expect(effective(old)).toMatchObject({ messageTimestampBeforeMaxMs: 7, messageTimestampAfterMaxMs: 7 });
  expect(effective({ ...old, 'log.message.timestamp.after.max.ms': '9' })).toMatchObject({ messageTimestampBeforeMaxMs: 7, messageTimestampAfterMaxMs: 9 });
  expect(effective({}, { 'message.timestamp.difference.max.ms': '5' })).toMatchObject({ messageTimestampBeforeMaxMs: 5, messageTimestampAfterMaxMs: 5 });
});

test('an override that somebody broke in ZooKeeper leaves the topic on its default', () => {
  expect(effective({ 'log.segment.bytes': '1000' }, { 'segment.bytes': 'broken', nonsense: '1' }).segmentBytes).toBe(1000);
});

test('a dynamic change of the broker reaches every topic that did not override it', () => {
  const config = broker();
  config.applyDynamic(new Map(), new Map([['log.retention.ms', '5000'], ['min.insync.replicas', '2']]));
  expect(topicConfig(new Map(), config.settings)).toMatchObject({ retentionMs: 5000, minInsyncReplicas: 2 });
  expect(topicValue('retention.ms', overriding({ 'retention.ms': '1' }), config.settings).value).toBe(1);
});

const settings = broker().settings;
const refusal = (overrides: Record<string, string | null>): string | undefined => {
  const given = new Map(Object.entries(overrides));
  const refused = nullOverrides(given) ?? checkTopicOverrides(given as Map<string, string>, settings);
  expect(refused?.error ?? 'INVALID_CONFIG').toBe('INVALID_CONFIG');
  return refused?.message;
};

test('overrides are refused with the key, the value and the reason', () => {
  expect(refusal({ 'retention.ms': '-1', 'cleanup.policy': 'compact' })).toBeUndefined();
  expect(refusal({ 'retention.ms': '-5' })).toBe('Invalid value -5 for configuration retention.ms: Value must be at least -1');
  expect(refusal({ 'segment.bytes': 'big' })).toBe('Invalid value big for configuration segment.bytes: Not a number of type INT');
  // Names before values.
  expect(refusal({ 'segment.bytes': 'big', nonsense: '5' })).toBe('Unknown topic config name: nonsense');
  expect(refusal({ 'log.retention.ms': '5' })).toBe('Unknown topic config name: log.retention.ms');
  expect(refusal({ 'retention.ms': null, 'segment.ms': null })).toBe('Null value not supported for topic configs: retention.ms,segment.ms');
  expect(refusal({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' })).toMatch(/min\.compaction\.lag\.ms \(10\) > max\.compaction\.lag\.ms \(5\)/);
  expect(refusal({ 'remote.storage.enable': 'true' })).toMatch(/Tiered Storage/);
  expect(refusal({ 'remote.log.copy.disable': 'true' })).toMatch(/remote\.log\.copy\.disable/);
});

const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];

function altered(current: Record<string, string>, ...operations: [string, number, string | null][]): Record<string, string> | string {
  const asked = operations.map(([name, operation, value]): ConfigOperation => ({ name, operation, value }));
  const told = ({ error, message }: AlterRefusal): string => `${error}: ${message}`;
  const senseless = checkOperations(asked);
  if (senseless !== undefined) return told(senseless);
  const result = applyOperations(overriding(current), asked);
  if ('refusal' in result) return told(result.refusal);
  const illegal = checkTopicOverrides(result.overrides, settings);
  return illegal === undefined ? Object.fromEntries(result.overrides) : told(illegal);
}

test('set and delete touch only what they name', () => {
  const current = { 'segment.bytes': '20', 'retention.ms': '1' };
  expect(altered(current, ['retention.ms', SET, '2'], ['flush.ms', SET, '3'])).toEqual({ 'segment.bytes': '20', 'retention.ms': '2', 'flush.ms': '3' });
  expect(altered(current, ['retention.ms', DELETE, null], ['flush.ms', DELETE, null])).toEqual({ 'segment.bytes': '20' });
  // What it is replaced by is checked, not what it was.
  expect(altered({ 'retention.ms': 'broken' }, ['retention.ms', DELETE, null])).toEqual({});
});

test('append and subtract work on lists, from the key\'s default where nothing is set', () => {
  expect(altered({}, ['cleanup.policy', APPEND, 'compact'])).toEqual({ 'cleanup.policy': 'delete,compact' });
  expect(altered({ 'cleanup.policy': 'compact' }, ['cleanup.policy', APPEND, 'compact,delete'])).toEqual({ 'cleanup.policy': 'compact,delete' });
  expect(altered({ 'cleanup.policy': 'compact,delete' }, ['cleanup.policy', SUBTRACT, 'delete'])).toEqual({ 'cleanup.policy': 'compact' });
  expect(altered({}, ['cleanup.policy', SUBTRACT, 'delete'])).toEqual({ 'cleanup.policy': '' });
  expect(altered({}, ['leader.replication.throttled.replicas', APPEND, '0:1,1:2'])).toEqual({ 'leader.replication.throttled.replicas': '0:1,1:2' });
});

test('operations that make no sense are refused, and nothing is changed', () => {
  expect(altered({}, ['retention.ms', APPEND, '5'])).toBe('INVALID_CONFIG: Config value append is not allowed for config key: retention.ms');
  expect(altered({}, ['retention.ms', SUBTRACT, '5'])).toBe('INVALID_CONFIG: Config value subtract is not allowed for config key: retention.ms');
  expect(altered({}, ['nonsense', APPEND, '5'])).toMatch(/^INVALID_CONFIG: .*nonsense/);
  expect(altered({}, ['nonsense', SET, '5'])).toBe('INVALID_CONFIG: Unknown topic config name: nonsense');
  expect(altered({}, ['retention.ms', SET, '5'], ['retention.ms', DELETE, null])).toMatch(/^INVALID_REQUEST: .*duplicate/);
  expect(altered({}, ['retention.ms', SET, null])).toMatch(/^INVALID_REQUEST: Null value not supported for : retention\.ms/);
  expect(altered({}, ['retention.ms', 9, '5'])).toMatch(/^INVALID_REQUEST: Unknown operations type 9/);
  expect(altered({ 'cleanup.policy': 'delete' }, ['cleanup.policy', APPEND, 'shred'])).toMatch(/^INVALID_CONFIG: Invalid value shred/);
});
