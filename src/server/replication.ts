// Parts of replication that a broker's settings choose.

import type { Clock } from '../base/clock.js';
import type { BrokerConfig } from '../config/broker-config.js';
import { atLeast, resolveMetadataVersion } from '../config/metadata-versions.js';
import { ControllerAlterPartitionManager, type AlterPartitionOptions } from '../replication/alter-partition-manager.js';
import type { ReplicaFetchers } from '../replication/fetcher/replica-fetchers.js';
import type { AlterPartitionManager } from '../replication/isr-change.js';
import { ZooKeeperIsrWriter } from '../replication/zookeeper-isr-writer.js';
import type { ZooKeeper } from '../zookeeper/types.js';

export interface IsrChangeSeams extends Omit<AlterPartitionOptions, 'topicIds'> {
  readonly zookeeper: ZooKeeper;
  readonly clock: Clock;
}

/** Leaders ask the controller to change an ISR; by protocols before 2.7 they write it themselves. */
export function alterPartitionManager(config: BrokerConfig, seams: IsrChangeSeams): AlterPartitionManager {
  const protocol = resolveMetadataVersion(config.string('inter.broker.protocol.version') ?? '') ?? '';
  if (!atLeast(protocol, '2.7-IV2')) return new ZooKeeperIsrWriter(seams);
  return new ControllerAlterPartitionManager({ ...seams, topicIds: atLeast(protocol, '2.8-IV0') });
}

/** Nobody fetches for the partitions that follow. */
export const NO_FETCHERS: ReplicaFetchers = { addPartitions: () => {}, removePartitions: () => {}, adoptTopicId: () => {}, shutdownIdle: () => {}, close: () => {} };
