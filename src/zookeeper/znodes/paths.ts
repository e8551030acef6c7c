// Where Kafka keeps what (ZkData.scala).

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
export const topicPath = (topic: string): string => `${ZnodePath.topics}/${topic}`;
export const partitionsPath = (topic: string): string => `${topicPath(topic)}/partitions`;
export const partitionPath = (topic: string, partition: number): string => `${partitionsPath(topic)}/${partition}`;
export const partitionStatePath = (topic: string, partition: number): string => `${partitionPath(topic, partition)}/state`;
export const deleteTopicPath = (topic: string): string => `${ZnodePath.deleteTopics}/${topic}`;

export type ConfigEntityType = 'topics' | 'clients' | 'users' | 'brokers' | 'ips';
/** `name` in its sanitized form, or `<default>`. */
export const configPath = (type: ConfigEntityType, name: string): string => `${ZnodePath.configs}/${type}/${name}`;

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
  '/config/topics',
  '/config/clients',
  '/config/users',
  '/config/brokers',
  '/config/ips',
];

/** An entity's name as part of a path (Sanitizer.java): URL encoding, without its two characters of their own meaning. */
export function sanitize(name: string): string {
  return encodeURIComponent(name).replace(/[!'()~*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

export const desanitize = (name: string): string => decodeURIComponent(name);
