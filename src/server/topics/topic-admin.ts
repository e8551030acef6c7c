// Making, growing and deleting topics: the znodes that the controller then acts on (AdminZkClient.scala,
// ZkAdminManager.scala).

import { topicName, topicNameProblem, type TopicName } from '../../base/topic-name.js';
import type { Random } from '../../base/random.js';
import { kafkaUuid } from '../../base/random.js';
import { checkTopicOverrides, nullOverrides, type AlterRefusal } from '../../config/alter-topic.js';
import type { BrokerConfig } from '../../config/broker-config.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { MetadataCache } from '../../replication/metadata-cache.js';
import { ZkError, type ZooKeeper } from '../../zookeeper/types.js';
import { encodeConfig } from '../../zookeeper/znodes/config.js';
import { deleteTopicPath, topicConfigPath, topicEntity, topicPath, ZnodePath } from '../../zookeeper/znodes/paths.js';
import { decodeTopic, encodeTopic } from '../../zookeeper/znodes/topic.js';
import { writeEntityConfig } from '../entity-config.js';
import { RequestError } from '../request-error.js';
import { AssignmentError, assignReplicas } from './assignment.js';
import { checkGiven, checkedGrowth, inSequence, type Assignment } from './given-assignment.js';
import { TakenNames } from './taken-names.js';

/** What fits the topic's znode (jute.maxbuffer is 1 MiB), with some replicas each. */
const MOST_PARTITIONS = 40_000;
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

function tooMany(count: number): RequestError {
  return new RequestError(ErrorCode.InvalidPartitions, `${count} partitions are more than the ${MOST_PARTITIONS} that one topic can have.`);
}

export interface NewTopic {
  readonly name: string;
  /** -1: the broker's default. */
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Replicas by partition; then the two counts must be -1. */
  readonly assignments: readonly { readonly partition: number; readonly replicas: readonly number[] }[];
  /** Of a key that is named twice the last counts, but no value may be null. */
  readonly configs: Iterable<readonly [string, string | null]>;
}

export interface CreatedTopic {
  /** Zero where it was only validated. */
  readonly id: string;
  readonly assignment: Assignment;
  readonly configs: ReadonlyMap<string, string>;
}

export interface TopicAdminOptions {
  readonly zookeeper: ZooKeeper;
  readonly metadata: MetadataCache;
  readonly config: BrokerConfig;
  readonly random: Random;
}

export class TopicAdmin {
  readonly #zk: ZooKeeper;
  readonly #metadata: MetadataCache;
  readonly #config: BrokerConfig;
  readonly #random: Random;

  constructor(options: TopicAdminOptions) {
    this.#zk = options.zookeeper;
    this.#metadata = options.metadata;
    this.#config = options.config;
    this.#random = options.random;
  }

  /**
   * Checks and, unless only that is asked, writes the topic's znodes. Rejects with RequestError. Of several mistakes the one is
   * told that Kafka comes upon first.
   */
  async create(topic: NewTopic, validateOnly: boolean, taken?: TakenNames): Promise<CreatedTopic> {
    if (this.#metadata.topic(topic.name) !== undefined) throw alreadyExists(topic.name);
    refuse(nullOverrides(topic.configs));
    const given = topic.assignments.length > 0;
    const spread = given ? undefined : this.#newAssignment(topic);
    if (given && (topic.partitions !== -1 || topic.replicationFactor !== -1)) {
      throw new RequestError(ErrorCode.InvalidRequest, 'Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.');
    }
    const name = topicName(topic.name);
    if (name === undefined) throw new RequestError(ErrorCode.InvalidTopicException, topicNameProblem(topic.name)!);
    (taken ?? await this.takenNames()).refuse(name);
    const byPartition = new Map(topic.assignments.map(each => [each.partition, each.replicas]));
    if (spread === undefined) checkGiven(byPartition);
    if (byPartition.size > MOST_PARTITIONS) throw tooMany(byPartition.size);
    const configs = new Map(topic.configs as Iterable<readonly [string, string]>);
    refuse(checkTopicOverrides(configs, this.#config.settings));
    const assignment = spread ?? inSequence(byPartition);
    if (validateOnly) return { id: ZERO_ID, assignment, configs };
    const id = kafkaUuid(this.#random);
    await this.#write(name, id, assignment, configs);
    taken?.add(name);
    return { id, assignment, configs };
  }

  /** Partitions `count` in all; `given` are the replicas of the new ones, or null. Returns when the znode is written. */
  async grow(name: TopicName, count: number, given: Assignment | null, validateOnly: boolean): Promise<void> {
    // Somebody else may grow it at the same time: whoever comes second looks again.
    while (!(await this.#grewOnce(name, count, given, validateOnly)));
  }

  /** False: the topic was changed between reading and writing. */
  async #grewOnce(name: TopicName, count: number, given: Assignment | null, validateOnly: boolean): Promise<boolean> {
    const { data, stat } = await this.#topicNode(name);
    const topic = decodeTopic(data);
    const existing = topic.partitions.size;
    if (topic.addingReplicas.size > 0 || topic.removingReplicas.size > 0) throw new RequestError(ErrorCode.ReassignmentInProgress, `A partition reassignment is in progress for the topic '${name}'.`);
    if (count === existing) throw new RequestError(ErrorCode.InvalidPartitions, `Topic already has ${existing} partitions.`);
    if (count < existing) throw new RequestError(ErrorCode.InvalidPartitions, `Topic currently has ${existing} partitions, which is higher than the requested ${count}.`);
    if (count > MOST_PARTITIONS) throw tooMany(count);
    const first = topic.partitions.get(0) ?? [];
    const added = given === null ? this.#spread(count - existing, first.length, existing, first[0] ?? 0) : checkedGrowth(given, count - existing, existing, first.length, broker => this.#metadata.broker(broker) !== undefined);
    const partitions = new Map(topic.partitions);
    added.forEach((replicas, at) => partitions.set(existing + at, [...replicas]));
    if (validateOnly) return true;
    try {
      await this.#zk.setData(topicPath(name), encodeTopic({ ...topic, partitions }), stat.version);
      return true;
    } catch (error) {
      if (error instanceof ZkError && error.code === 'BADVERSION') return false;
      throw error;
    }
  }

  /** Asks the controller to delete a topic. Asking again while it is being deleted is no mistake. */
  async delete(name: TopicName): Promise<void> {
    if ((await this.#zk.exists(topicPath(name))) === null) throw new RequestError(ErrorCode.UnknownTopicOrPartition, `Topic \`${name}\` to delete does not exist`);
    await this.#zk.create(deleteTopicPath(name), null).catch((error: unknown) => {
      if (!(error instanceof ZkError && error.code === 'NODEEXISTS')) throw error;
    });
  }

  /** Replaces a topic's overrides and tells every broker. */
  async writeConfig(name: TopicName, configs: ReadonlyMap<string, string>): Promise<void> {
    await writeEntityConfig(this.#zk, topicConfigPath(name), topicEntity(name), configs);
  }

  /** In ZooKeeper, whatever this broker has heard of it. */
  async exists(name: TopicName): Promise<boolean> {
    return (await this.#zk.exists(topicPath(name))) !== null;
  }

  /** The topics there are now, and those that are on their way out: read once for a request that makes many. */
  async takenNames(): Promise<TakenNames> {
    const [topics, deletions] = await Promise.all([this.#zk.getChildren(ZnodePath.topics), this.#zk.getChildren(ZnodePath.deleteTopics)]);
    return new TakenNames(topics.children, deletions.children);
  }

  #newAssignment(topic: NewTopic): Assignment {
    const partitions = topic.partitions === -1 ? this.#config.number('num.partitions') : topic.partitions;
    const factor = topic.replicationFactor === -1 ? this.#config.number('default.replication.factor') : topic.replicationFactor;
    if (partitions <= 0) throw new RequestError(ErrorCode.InvalidPartitions, 'Number of partitions must be larger than 0.');
    if (partitions > MOST_PARTITIONS) throw tooMany(partitions);
    if (factor <= 0) throw new RequestError(ErrorCode.InvalidReplicationFactor, 'Replication factor must be larger than 0.');
    return this.#spread(partitions, factor);
  }

  #spread(partitions: number, factor: number, first = 0, startBroker = -1): number[][] {
    const brokers = [...this.#metadata.brokers()];
    const start = startBroker < 0 ? -1 : Math.max(0, brokers.map(broker => broker.id).sort((a, b) => a - b).findIndex(id => id >= startBroker));
    try {
      return assignReplicas(brokers, partitions, factor, this.#random, first, start, start);
    } catch (error) {
      if (!(error instanceof AssignmentError)) throw error;
      throw new RequestError(ErrorCode.InvalidReplicationFactor, error.message);
    }
  }

  async #write(name: TopicName, id: string, assignment: Assignment, configs: ReadonlyMap<string, string>): Promise<void> {
    // The configuration first, as Kafka does it: whoever sees the topic also sees its settings.
    const path = topicConfigPath(name);
    const data = encodeConfig(Object.fromEntries(configs));
    await this.#zk.create(path, data).catch(async (error: unknown) => {
      if (!(error instanceof ZkError && error.code === 'NODEEXISTS')) throw error;
      await this.#zk.setData(path, data);
    });
    const partitions = new Map(assignment.map((replicas, index) => [index, [...replicas]]));
    try {
      await this.#zk.create(topicPath(name), encodeTopic({ topicId: id, partitions, addingReplicas: new Map(), removingReplicas: new Map() }));
    } catch (error) {
      if (error instanceof ZkError && error.code === 'NODEEXISTS') throw alreadyExists(name);
      throw error;
    }
  }

  async #topicNode(name: TopicName): Promise<{ data: Buffer; stat: { version: number } }> {
    try {
      const { data, stat } = await this.#zk.getData(topicPath(name));
      if (data !== null) return { data, stat };
    } catch (error) {
      if (!(error instanceof ZkError && error.code === 'NONODE')) throw error;
    }
    throw new RequestError(ErrorCode.UnknownTopicOrPartition, `The topic '${name}' does not exist.`);
  }
}

/** Throws what is wrong with settings, where something is. */
function refuse(refusal: AlterRefusal | undefined): void {
  if (refusal !== undefined) throw new RequestError(refusal.error === 'INVALID_CONFIG' ? ErrorCode.InvalidConfig : ErrorCode.InvalidRequest, refusal.message);
}

function alreadyExists(name: string): RequestError {
  return new RequestError(ErrorCode.TopicAlreadyExists, `Topic '${name}' already exists.`);
}
