// What applies to a topic: its own override, else the broker setting behind it, else the default (LogConfig and
// KafkaConfig.extractLogConfigMap).
import { invariant } from '../base/invariant.js';
import type { BrokerFallback, TopicDefinition } from './definition.js';
import { topicDefinitions, type TopicKey } from './definitions.js';
import type { Settings, Texts } from './settings.js';
import { parseValue, ValueError, type ConfigValue, type Parsed } from './values.js';

export type TimestampType = 'CreateTime' | 'LogAppendTime';
export type CompressionType = 'uncompressed' | 'zstd' | 'lz4' | 'snappy' | 'gzip' | 'producer';

/** A topic's settings as its logs use them. "Never" and "no limit" are Number.MAX_SAFE_INTEGER, or -1 for retention. */
export interface TopicConfig {
  readonly compact: boolean;
  readonly delete: boolean;
  readonly compressionType: CompressionType;
  readonly compressionLevels: { readonly gzip: number; readonly lz4: number; readonly zstd: number };
  readonly deleteRetentionMs: number;
  readonly fileDeleteDelayMs: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly indexIntervalBytes: number;
  readonly maxCompactionLagMs: number;
  readonly maxMessageBytes: number;
  readonly messageDownconversionEnable: boolean;
  readonly messageTimestampAfterMaxMs: number;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampType: TimestampType;
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly minInsyncReplicas: number;
  readonly preallocate: boolean;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  readonly segmentBytes: number;
  readonly segmentIndexBytes: number;
  readonly segmentJitterMs: number;
  readonly segmentMs: number;
  readonly uncleanLeaderElectionEnable: boolean;
  readonly leaderThrottledReplicas: readonly string[];
  readonly followerThrottledReplicas: readonly string[];
}

const UNIT_MS = { minutes: 60_000n, hours: 3_600_000n };

/** The text that stands behind a topic setting nobody has overridden. */
export function topicDefaultText(definition: TopicDefinition, settings: Settings): string | null {
  for (const fallback of definition.from ?? []) {
    const text = fallbackText(fallback, settings);
    if (text !== null) return text;
  }
  return definition.default;
}

function fallbackText(fallback: BrokerFallback, settings: Settings): string | null {
  const name = typeof fallback === 'string' ? fallback : fallback.name;
  const { text } = settings.get(timestampBound(name, settings));
  if (text === null || typeof fallback === 'string') return name === 'log.retention.ms' && text?.startsWith('-') ? '-1' : text;
  const ms = BigInt(text) * UNIT_MS[fallback.unit];
  return ms < 0n ? '-1' : ms.toString();
}

// The two bounds replaced one symmetric bound (KIP-937), which still counts where they are not set.
const SYMMETRIC_BOUND = 'log.message.timestamp.difference.max.ms';
const UNBOUNDED = '9223372036854775807';

function timestampBound(name: string, settings: Settings): string {
  const isBound = name === 'log.message.timestamp.before.max.ms' || name === 'log.message.timestamp.after.max.ms';
  return isBound && settings.get(name).text === UNBOUNDED ? SYMMETRIC_BOUND : name;
}

/** One setting of a topic. Overrides come from ZooKeeper, where anybody can write: one that is a mistake counts as absent. */
export function topicValue(key: string, overrides: Texts, settings: Settings): Parsed {
  const definition = topicDefinitions.get(key);
  invariant(definition !== undefined, `${key} is not a topic setting`);
  const override = overrides.get(key);
  try {
    if (override !== undefined) return parseValue(definition, override);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
  }
  return parseValue(definition, topicDefaultText(definition, settings));
}

export function topicConfig(overrides: Texts, settings: Settings): TopicConfig {
  const value = (key: TopicKey): ConfigValue => topicValue(key, overrides, settings).value;
  const number = (key: TopicKey<'int' | 'long' | 'double'>): number => value(key) as number;
  const boolean = (key: TopicKey<'boolean'>): boolean => value(key) as boolean;
  const list = (key: TopicKey<'list'>): readonly string[] => value(key) as readonly string[];
  const bound = (key: TopicKey<'long'>): number => {
    const own = number(key);
    return own === Number.MAX_SAFE_INTEGER ? number('message.timestamp.difference.max.ms') : own;
  };

  const policies = list('cleanup.policy');
  return {
    compact: policies.includes('compact'),
    delete: policies.includes('delete'),
    compressionType: value('compression.type') as CompressionType,
    compressionLevels: {
      gzip: number('compression.gzip.level'),
      lz4: number('compression.lz4.level'),
      zstd: number('compression.zstd.level'),
    },
    deleteRetentionMs: number('delete.retention.ms'),
    fileDeleteDelayMs: number('file.delete.delay.ms'),
    flushMessages: number('flush.messages'),
    flushMs: number('flush.ms'),
    indexIntervalBytes: number('index.interval.bytes'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    maxMessageBytes: number('max.message.bytes'),
    messageDownconversionEnable: boolean('message.downconversion.enable'),
    messageTimestampAfterMaxMs: bound('message.timestamp.after.max.ms'),
    messageTimestampBeforeMaxMs: bound('message.timestamp.before.max.ms'),
    messageTimestampType: value('message.timestamp.type') as TimestampType,
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    minInsyncReplicas: number('min.insync.replicas'),
    preallocate: boolean('preallocate'),
    retentionBytes: number('retention.bytes'),
    retentionMs: number('retention.ms'),
    segmentBytes: number('segment.bytes'),
    segmentIndexBytes: number('segment.index.bytes'),
    segmentJitterMs: Math.min(number('segment.jitter.ms'), number('segment.ms')),
    segmentMs: number('segment.ms'),
    uncleanLeaderElectionEnable: boolean('unclean.leader.election.enable'),
    leaderThrottledReplicas: list('leader.replication.throttled.replicas'),
    followerThrottledReplicas: list('follower.replication.throttled.replicas'),
  };
}
