// Making, growing and deleting topics: the znodes that the controller then acts on (AdminZkClient.scala,
// ZkAdminManager.scala).

import type { Random } from '../../base/random.js';
import { kafkaUuid } from '../../base/random.js';
import { checkTopicOverrides } from '../../config/alter-topic.js';
import type { BrokerConfig } from '../../config/broker-config.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { MetadataCache } from '../../replication/metadata-cache.js';
import { ZkError, type ZooKeeper } from '../../zookeeper/types.js';
import { encodeConfig, encodeConfigChange } from '../../zookeeper/znodes/config.js';
import { decodeTopic, encodeTopic } from '../../zookeeper/znodes/topic.js';
import { RequestError } from '../request-error.js';
import { AssignmentError, assignReplicas } from './assignment.js';
import { TakenNames } from './taken-names.js';
import { topicNameProblem } from './topic-name.js';

/** What fits the topic's znode (jute.maxbuffer is 1 MiB), with some replicas each. */
const MOST_PARTITIONS = 40_000;

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
  readonly configs: ReadonlyMap<string, string | null>;
}

export interface CreatedTopic {
  readonly id: string;
  readonly assignment: readonly (readonly number[])[];
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

  /** Checks and, unless only that is asked, writes the topic's znodes. Rejects with RequestError. */
  async create(topic: NewTopic, validateOnly: boolean, taken?: TakenNames): Promise<CreatedTopic> {
    const problem = topicNameProblem(topic.name);
    if (problem !== undefined) throw new RequestError(ErrorCode.InvalidTopicException, problem);
    (taken ?? await this.takenNames()).refuse(topic.name);
    const assignment = this.#assignment(topic);
    const configs = this.#checkedConfigs(topic.configs);
    const id = kafkaUuid(this.#random);
    if (!validateOnly) {
      await this.#write(topic.name, id, assignment, configs);
      taken?.add(topic.name);
    }
    return { id, assignment, configs };
  }

  /** Partitions `count` in all; `given` are the replicas of the new ones, or null. Returns when the znode is written. */
  async grow(name: string, count: number, given: readonly (readonly number[])[] | null, validateOnly: boolean): Promise<void> {
    const { data, stat } = await this.#topicNode(name);
    const topic = decodeTopic(data);
    const existing = topic.partitions.size;
    if (topic.addingReplicas.size > 0 || topic.removingReplicas.size > 0) throw new RequestError(ErrorCode.ReassignmentInProgress, `A partition reassignment is in progress for the topic '${name}'.`);
    if (count === existing) throw new RequestError(ErrorCode.InvalidPartitions, `Topic already has ${existing} partitions.`);
    if (count < existing) throw new RequestError(ErrorCode.InvalidPartitions, `The topic ${name} currently has ${existing} partitions; ${count} would not be an increase.`);
    if (count > MOST_PARTITIONS) throw tooMany(count);
    const first = topic.partitions.get(0) ?? [];
    const added = given === null ? this.#spread(count - existing, first.length, existing, first[0] ?? 0) : this.#checkedGrowth(given, count - existing, first.length);
    const partitions = new Map(topic.partitions);
    added.forEach((replicas, at) => partitions.set(existing + at, [...replicas]));
    if (!validateOnly) await this.#zk.setData(`/brokers/topics/${name}`, encodeTopic({ ...topic, partitions }), stat.version);
  }

  /** Asks the controller to delete a topic. Asking again while it is being deleted is no mistake. */
  async delete(name: string): Promise<void> {
    if ((await this.#zk.exists(`/brokers/topics/${name}`)) === null) throw new RequestError(ErrorCode.UnknownTopicOrPartition, 'This server does not host this topic-partition.');
    await this.#zk.create(`/admin/delete_topics/${name}`, null).catch((error: unknown) => {
      if (!(error instanceof ZkError && error.code === 'NODEEXISTS')) throw error;
    });
  }

  /** Replaces a topic's overrides and tells every broker (entityConfigWrite in zookeeper.json). */
  async writeConfig(name: string, configs: ReadonlyMap<string, string>): Promise<void> {
    const path = `/config/topics/${name}`;
    const data = encodeConfig(Object.fromEntries(configs));
    try {
      await this.#zk.setData(path, data);
    } catch (error) {
      if (!(error instanceof ZkError && error.code === 'NONODE')) throw error;
      await this.#zk.create(path, data);
    }
    await this.#zk.create('/config/changes/config_change_', encodeConfigChange(`topics/${name}`), { mode: 'persistentSequential' });
  }

  async exists(name: string): Promise<boolean> {
    return (await this.#zk.exists(`/brokers/topics/${name}`)) !== null;
  }

  /** The topics there are now: read once for a request that makes many. */
  async takenNames(): Promise<TakenNames> {
    const { children } = await this.#zk.getChildren('/brokers/topics');
    return new TakenNames(children);
  }

  #assignment(topic: NewTopic): readonly (readonly number[])[] {
    if (topic.assignments.length > 0) {
      if (topic.partitions !== -1 || topic.replicationFactor !== -1) {
        throw new RequestError(ErrorCode.InvalidRequest, 'Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.');
      }
      return this.#checkedAssignment(topic);
    }
    const partitions = topic.partitions === -1 ? this.#config.number('num.partitions') : topic.partitions;
    const factor = topic.replicationFactor === -1 ? this.#config.number('default.replication.factor') : topic.replicationFactor;
    if (partitions <= 0) throw new RequestError(ErrorCode.InvalidPartitions, 'Number of partitions must be larger than 0.');
    if (partitions > MOST_PARTITIONS) throw tooMany(partitions);
    if (factor <= 0) throw new RequestError(ErrorCode.InvalidReplicationFactor, 'Replication factor must be larger than 0.');
    return this.#spread(partitions, factor);
  }

  #spread(partitions: number, factor: number, first = 0, startBroker = -1): number[][] {
    const brokers = [...this.#metadata.brokers()];
    const start = startBroker < 0 ? -1 : Math.max(0, brokers.map(broker => broker.id).sort((a, b) => a - b).indexOf(startBroker));
    try {
      return assignReplicas(brokers, partitions, factor, this.#random, first, start, start);
    } catch (error) {
      if (!(error instanceof AssignmentError)) throw error;
      throw new RequestError(ErrorCode.InvalidReplicationFactor, error.message);
    }
  }

  #checkedAssignment(topic: NewTopic): readonly (readonly number[])[] {
    const refuse = (why: string): never => {
      throw new RequestError(ErrorCode.InvalidReplicaAssignment, why);
    };
    const byPartition = new Map(topic.assignments.map(each => [each.partition, each.replicas]));
    if (byPartition.size !== topic.assignments.length) refuse('A partition is assigned twice.');
    const assignment: (readonly number[])[] = [];
    for (let partition = 0; partition < byPartition.size; partition++) {
      const replicas = byPartition.get(partition);
      if (replicas === undefined) return refuse('Partitions should be a consecutive 0-based integer sequence.');
      if (new Set(replicas).size !== replicas.length) refuse(`Duplicate replica assignment found: partition ${partition}.`);
      if (replicas.length !== assignment[0]?.length && assignment.length > 0) refuse('All partitions should have the same number of replicas.');
      const unknown = replicas.find(replica => this.#metadata.broker(replica) === undefined);
      if (replicas.length === 0 || unknown !== undefined) refuse(`Partition ${partition} has replicas that are no live brokers: ${replicas.join(',')}.`);
      assignment.push(replicas);
    }
    return assignment;
  }

  #checkedGrowth(given: readonly (readonly number[])[], count: number, factor: number): readonly (readonly number[])[] {
    if (given.length !== count) throw new RequestError(ErrorCode.InvalidReplicaAssignment, `Increasing the number of partitions by ${count} but ${given.length} assignments provided.`);
    for (const replicas of given) {
      const legal = replicas.length === factor && new Set(replicas).size === replicas.length && replicas.every(replica => this.#metadata.broker(replica) !== undefined);
      if (!legal) throw new RequestError(ErrorCode.InvalidReplicaAssignment, `Inconsistent, duplicate or unknown replicas in the assignment ${replicas.join(',')}.`);
    }
    return given;
  }

  #checkedConfigs(configs: ReadonlyMap<string, string | null>): ReadonlyMap<string, string> {
    const refusal = checkTopicOverrides(configs, this.#config.settings);
    if (refusal !== undefined) throw new RequestError(refusal.error === 'INVALID_CONFIG' ? ErrorCode.InvalidConfig : ErrorCode.InvalidRequest, refusal.message);
    return configs as ReadonlyMap<string, string>;
  }

  async #write(name: string, id: string, assignment: readonly (readonly number[])[], configs: ReadonlyMap<string, string>): Promise<void> {
    // The configuration first, as Kafka does it: whoever sees the topic also sees its settings.
    const path = `/config/topics/${name}`;
    const data = encodeConfig(Object.fromEntries(configs));
    await this.#zk.create(path, data).catch(async (error: unknown) => {
      if (!(error instanceof ZkError && error.code === 'NODEEXISTS')) throw error;
      await this.#zk.setData(path, data);
    });
    const partitions = new Map(assignment.map((replicas, index) => [index, [...replicas]]));
    try {
      await this.#zk.create(`/brokers/topics/${name}`, encodeTopic({ topicId: id, partitions, addingReplicas: new Map(), removingReplicas: new Map() }));
    } catch (error) {
      if (error instanceof ZkError && error.code === 'NODEEXISTS') throw new RequestError(ErrorCode.TopicAlreadyExists, `Topic '${name}' already exists.`);
      throw error;
    }
    await this.#zk.create('/config/changes/config_change_', encodeConfigChange(`topics/${name}`), { mode: 'persistentSequential' });
  }

  async #topicNode(name: string): Promise<{ data: Buffer; stat: { version: number } }> {
    try {
      const { data, stat } = await this.#zk.getData(`/brokers/topics/${name}`);
      if (data !== null) return { data, stat };
    } catch (error) {
      if (!(error instanceof ZkError && error.code === 'NONODE')) throw error;
    }
    throw new RequestError(ErrorCode.UnknownTopicOrPartition, `The topic '${name}' does not exist.`);
  }
}
