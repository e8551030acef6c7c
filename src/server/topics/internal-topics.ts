import { topicName, type TopicName } from '../../base/topic-name.js';
import type { Logger } from '../../base/logger.js';
import type { BrokerConfig } from '../../config/broker-config.js';
import { ErrorCode } from '../../protocol/errors.js';
import { RequestError } from '../request-error.js';
import type { NewTopic, TopicAdmin } from './topic-admin.js';

export const GROUP_OFFSETS_TOPIC = topicName('__consumer_offsets')!;
export const TRANSACTION_STATE_TOPIC = topicName('__transaction_state')!;
/** Kafka 3.9 knows it, though nothing of ZooKeeper mode uses it. */
const SHARE_GROUP_STATE_TOPIC = topicName('__share_group_state')!;
/** The log of KRaft: its directory stands beside those of partitions and is none (CLUSTER_METADATA_TOPIC_NAME of Topic.java). */
export const CLUSTER_METADATA_TOPIC = topicName('__cluster_metadata')!;

export const INTERNAL_TOPICS: ReadonlySet<string> = new Set([GROUP_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC, SHARE_GROUP_STATE_TOPIC]);

/** Topic.isInternal of Topic.java. */
export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}

/** How the coordinators' topics are made (records.json, coordinator.topics). Undefined for all other names. */
export function internalTopic(name: string, config: BrokerConfig): NewTopic | undefined {
  switch (name) {
    case GROUP_OFFSETS_TOPIC:
      return {
        name, assignments: [],
        partitions: config.number('offsets.topic.num.partitions'),
        replicationFactor: config.number('offsets.topic.replication.factor'),
        configs: new Map([
          ['cleanup.policy', 'compact'],
          ['compression.type', 'producer'],
          ['segment.bytes', String(config.number('offsets.topic.segment.bytes'))],
        ]),
      };
    case TRANSACTION_STATE_TOPIC:
      return {
        name, assignments: [],
        partitions: config.number('transaction.state.log.num.partitions'),
        replicationFactor: config.number('transaction.state.log.replication.factor'),
        configs: new Map([
          ['unclean.leader.election.enable', 'false'],
          ['compression.type', 'uncompressed'],
          ['cleanup.policy', 'compact'],
          ['min.insync.replicas', String(config.number('transaction.state.log.min.isr'))],
          ['segment.bytes', String(config.number('transaction.state.log.segment.bytes'))],
        ]),
      };
    default:
      return undefined;
  }
}

/** Makes the coordinators' topics when somebody first looks for a coordinator. However many look, one tries. */
export class InternalTopics {
  readonly #topics: TopicAdmin;
  readonly #config: BrokerConfig;
  readonly #logger: Logger;
  readonly #underWay = new Set<TopicName>();

  constructor(topics: TopicAdmin, config: BrokerConfig, logger: Logger) {
    this.#topics = topics;
    this.#config = config;
    this.#logger = logger;
  }

  /** Returns at once. Whether it worked shows in the metadata, and the caller is asked again. */
  create(name: TopicName): void {
    const topic = internalTopic(name, this.#config);
    if (topic === undefined || this.#underWay.has(name)) return;
    this.#underWay.add(name);
    this.#topics.create(topic, false)
      .catch((error: unknown) => {
        // It was made a moment ago, here or elsewhere, and the metadata does not tell of it yet.
        if (error instanceof RequestError && error.code === ErrorCode.TopicAlreadyExists) return;
        this.#logger.warn({ topic: name, error }, 'an internal topic could not be made');
      })
      .finally(() => this.#underWay.delete(name))
      .catch(() => {});
  }
}
