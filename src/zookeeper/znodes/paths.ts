// Where Kafka keeps what (ZkData.scala). What a client names is part of a path only as a type that cannot hold
// anything else.

import type { TopicName } from '../../base/topic-name.js';
import { pathFault } from '../paths.js';

export const ZnodePath = {
  consumers: '/consumers',
  brokerIds: '/brokers/ids',
  brokerSequence: '/brokers/seqid',
  topics: '/brokers/topics',
  controller: '/controller',
  controllerEpoch: '/controller_epoch',
  clusterId: '/cluster/id',
  feature: '/feature',
  configs: '/config',
  topicConfigs: '/config/topics',
  brokerConfigs: '/config/brokers',
  configChanges: '/config/changes',
  deleteTopics: '/admin/delete_topics',
  reassignPartitions: '/admin/reassign_partitions',
  preferredReplicaElection: '/admin/preferred_replica_election',
  isrChanges: '/isr_change_notification',
  logDirEvents: '/log_dir_event_notification',
  producerIds: '/latest_producer_id_block',
  migration: '/migration',
} as const;

export const brokerPath = (id: number): string => `${ZnodePath.brokerIds}/${id}`;
export const topicPath = (topic: TopicName): string => `${ZnodePath.topics}/${topic}`;
export const partitionsPath = (topic: TopicName): string => `${topicPath(topic)}/partitions`;
export const partitionPath = (topic: TopicName, partition: number): string => `${partitionsPath(topic)}/${partition}`;
export const partitionStatePath = (topic: TopicName, partition: number): string => `${partitionPath(topic, partition)}/state`;
export const deleteTopicPath = (topic: TopicName): string => `${ZnodePath.deleteTopics}/${topic}`;

export const topicConfigPath = (topic: TopicName): string => `${ZnodePath.topicConfigs}/${topic}`;
/** How a change of a topic's configuration is told (config_change in zookeeper.json). */
export const topicEntity = (topic: TopicName): string => `${TOPIC_ENTITIES}${topic}`;
export const TOPIC_ENTITIES = 'topics/';
export const BROKER_ENTITIES = 'brokers/';
/** Stands for every broker, or client, or user that has no settings of its own. */
export const DEFAULT_ENTITY = '<default>';
export const brokerConfigPath = (entity: number | typeof DEFAULT_ENTITY): string => `${ZnodePath.brokerConfigs}/${entity}`;

declare const legal: unique symbol;
/** A group's id that can be part of a path: also several parts, as Kafka has it, but none that leads elsewhere. */
export type ConsumersGroup = string & { readonly [legal]: 'group below /consumers' };

export function consumersGroup(id: string): ConsumersGroup | undefined {
  return id !== '' && pathFault(`${ZnodePath.consumers}/${id}`) === undefined ? id as ConsumersGroup : undefined;
}

/** Where consumers before 0.9 kept their offsets. */
export const consumerOffsetPath = (group: ConsumersGroup, topic: TopicName, partition: number): string =>
  `${ZnodePath.consumers}/${group}/offsets/${topic}/${partition}`;

/** Prefixes to which the server adds ten digits. */
export const SequencePrefix = {
  configChange: `${ZnodePath.configChanges}/config_change_`,
  isrChange: `${ZnodePath.isrChanges}/isr_change_`,
  logDirEvent: `${ZnodePath.logDirEvents}/log_dir_event_`,
} as const;

/** What a broker makes at its start where it is missing, in Kafka's order. Persistent, without data. */
export const PERSISTENT_PATHS: readonly string[] = [
  ZnodePath.consumers,
  ZnodePath.brokerIds,
  ZnodePath.topics,
  ZnodePath.configChanges,
  ZnodePath.deleteTopics,
  ZnodePath.brokerSequence,
  ZnodePath.isrChanges,
  ZnodePath.producerIds,
  ZnodePath.logDirEvents,
  ZnodePath.topicConfigs,
  '/config/clients',
  '/config/users',
  ZnodePath.brokerConfigs,
  '/config/ips',
];

/** An entity's name as part of a path (Sanitizer.java): URL encoding, without its two characters of their own meaning. */
export function sanitize(name: string): string {
  return encodeURIComponent(name).replace(/[!'()~*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

export const desanitize = (name: string): string => decodeURIComponent(name);
