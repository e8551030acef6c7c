// Parts of replication that a broker's settings choose.

import type { Clock } from '../base/clock.js';
import type { BrokerConfig } from '../config/broker-config.js';
import { atLeast, resolveMetadataVersion } from '../config/metadata-versions.js';
import { ControllerAlterPartitionManager, type AlterPartitionOptions } from '../replication/alter-partition-manager.js';
import { interBrokerRequestVersion } from '../config/request-versions.js';
import type { PeerChannels } from '../network/peer-channels.js';
import { RemoteLeaderEndpoint } from '../replication/fetcher/remote-leader-endpoint.js';
import type { FetcherEnvironment } from '../replication/fetcher/replica-fetcher.js';
import { ReplicaFetcherManager } from '../replication/fetcher/replica-fetcher-manager.js';
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

const FETCH = 1;

export interface FetcherSeams extends Omit<FetcherEnvironment, 'settings'> {
  readonly brokerId: number;
  readonly channel: PeerChannels['channel'];
}

/** Fetches for the partitions that follow, by the settings `replica.fetch.*`. */
export function replicaFetchers(config: BrokerConfig, { brokerId, channel, ...seams }: FetcherSeams): ReplicaFetchers {
  const timeoutMs = config.number('replica.socket.timeout.ms');
  const fetchVersion = interBrokerRequestVersion(config.interBrokerProtocolVersion, FETCH)!;
  return new ReplicaFetcherManager({
    ...seams,
    settings: {
      brokerId,
      minBytes: config.number('replica.fetch.min.bytes'),
      maxBytes: config.number('replica.fetch.max.bytes'),
      responseMaxBytes: config.number('replica.fetch.response.max.bytes'),
      waitMaxMs: config.number('replica.fetch.wait.max.ms'),
      backoffMs: config.number('replica.fetch.backoff.ms'),
    },
    fetchers: config.number('num.replica.fetchers'),
    endpoint: (leader, fetcher) => new RemoteLeaderEndpoint({ channel: () => channel(leader, `fetcher-${fetcher}`), leader, brokerId, fetchVersion, timeoutMs }),
  });
}
