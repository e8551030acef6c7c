import type { Logger } from '../../base/logger.js';
import type { BrokerConfig } from '../../config/broker-config.js';
import { ErrorCode } from '../../protocol/errors.js';
import { RequestError } from '../request-error.js';
import type { NewTopic, TopicAdmin } from './topic-admin.js';

export const GROUP_OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTION_STATE_TOPIC = '__transaction_state';
export type InternalTopic = typeof GROUP_OFFSETS_TOPIC | typeof TRANSACTION_STATE_TOPIC;

export function isInternalTopic(name: string): name is InternalTopic {
  return name === GROUP_OFFSETS_TOPIC || name === TRANSACTION_STATE_TOPIC;
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
  readonly #underWay = new Set<string>();

  constructor(topics: TopicAdmin, config: BrokerConfig, logger: Logger) {
    this.#topics = topics;
    this.#config = config;
    this.#logger = logger;
  }

  /** Returns at once. Whether it worked shows in the metadata, and the caller is asked again. */
  create(name: InternalTopic): void {
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
