// What handlers may ask of the broker. Composed in broker.ts; each field is one part's public face.

import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { Timers } from '../base/timers.js';
import type { BrokerConfig } from '../config/broker-config.js';
import type { Controller } from '../controller/controller.js';
import type { GroupCoordinator } from '../coordinator/group/coordinator.js';
import type { MetadataCache } from '../replication/metadata-cache.js';
import type { ReplicaManager } from '../replication/replica-manager.js';
import type { ZooKeeper } from '../zookeeper/types.js';
import type { ApiVersionsTable } from './api-versions.js';
import type { BrokerConfigs } from './broker-configs.js';
import type { Loggers } from './loggers.js';
import type { ProducerIds } from './producer-ids.js';
import type { InternalTopics } from './topics/internal-topics.js';
import type { TopicAdmin } from './topics/topic-admin.js';
import type { TopicConfigs } from './topics/topic-configs.js';

export interface BrokerServices {
  readonly brokerId: number;
  readonly clusterId: string;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly zookeeper: ZooKeeper;
  readonly metadata: MetadataCache;
  readonly replicas: ReplicaManager;
  readonly controller: Controller;
  readonly topics: TopicAdmin;
  readonly internalTopics: InternalTopics;
  readonly topicConfigs: TopicConfigs;
  readonly brokerConfigs: BrokerConfigs;
  readonly loggers: Loggers;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds;
  readonly apiVersions: ApiVersionsTable;
}
