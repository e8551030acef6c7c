import type { BrokerConfig } from '../../config/broker-config.js';
import type { GroupCoordinatorConfig } from './directory.js';

/** The broker's settings that concern groups. None of them can change while it runs. */
export function groupCoordinatorConfig(config: BrokerConfig): GroupCoordinatorConfig {
  return {
    minSessionTimeoutMs: config.number('group.min.session.timeout.ms'),
    maxSessionTimeoutMs: config.number('group.max.session.timeout.ms'),
    maxSize: config.number('group.max.size'),
    initialRebalanceDelayMs: config.number('group.initial.rebalance.delay.ms'),
    offsetMetadataMaxBytes: config.number('offset.metadata.max.bytes'),
    offsetsRetentionMs: config.number('offsets.retention.minutes') * 60_000,
    commitTimeoutMs: config.number('offsets.commit.timeout.ms'),
    loadBufferBytes: config.number('offsets.load.buffer.size'),
    retentionCheckIntervalMs: config.number('offsets.retention.check.interval.ms'),
  };
}
