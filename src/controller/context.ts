// What the controller believes of the cluster (ControllerContext.scala). Plain state: it is loaded at election and kept by
// events.

import type { TopicName } from '../base/topic-name.js';
import { assignedTo, type ReplicaAssignment } from './replica-assignment.js';
import type { PartitionState, ReplicaState } from './states.js';

export interface BrokerEndpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: number;
}

export interface BrokerFacts {
  readonly id: number;
  /** czxid of the registration: a larger one is a bounce. */
  readonly epoch: number;
  readonly rack: string | null;
  readonly endpoints: readonly BrokerEndpoint[];
}

/** Leader, leader epoch and in-sync replicas of a partition, with what fences their znode. */
export interface Leadership {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly controllerEpoch: number;
  /** 0 recovered, 1 recovering from an unclean election (KIP-704). */
  readonly recoveryState: number;
  /** The partition epoch. */
  readonly zkVersion: number;
}

export interface PartitionFacts {
  readonly topic: TopicName;
  readonly index: number;
  assignment: ReplicaAssignment;
  /** Undefined until its first election. */
  leadership: Leadership | undefined;
  state: PartitionState;
  readonly replicaStates: Map<number, ReplicaState>;
}

/** One of a partition's replicas. */
export interface Replica {
  readonly partition: PartitionFacts;
  readonly broker: number;
}

export interface TopicFacts {
  readonly name: TopicName;
  /** Zero where it has none: its cluster speaks an inter-broker protocol before 2.8. */
  readonly id: string;
  readonly partitions: Map<number, PartitionFacts>;
}

export const NO_LEADER = -1;
export const NO_EPOCH = -1;
/** Leader and leader epoch that are told of a partition whose topic is being deleted (LeaderAndIsr.scala). */
export const LEADER_DURING_DELETE = -2;
export const EPOCH_DURING_DELETE = -2;
export const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

export function newPartition(topic: TopicName, index: number, assignment: ReplicaAssignment = assignedTo([])): PartitionFacts {
  return { topic, index, assignment, leadership: undefined, state: 'nonExistent', replicaStates: new Map() };
}

export class ControllerContext {
  epoch = 0;
  /** zkVersion of /controller_epoch, which fences every write. */
  epochVersion = 0;
  /** Also those that are shutting down: they are told of everything until they have left. */
  readonly brokers = new Map<number, BrokerFacts>();
  /** They asked for a controlled shutdown: nobody is elected there. */
  readonly shuttingDown = new Set<number>();
  readonly reassigning = new Set<PartitionFacts>();
  readonly #topics = new Map<string, TopicFacts>();
  readonly #names = new Map<string, TopicName>();
  /** Queued for deletion; of these, those that wait for something. */
  readonly deleting = new Set<TopicName>();
  readonly ineligible = new Set<TopicName>();
  readonly deletionStarted = new Set<TopicName>();
  /** By broker: replicas that it cannot serve, their log directory failed (ControllerContext.replicasOnOfflineDirs). */
  readonly #offline = new Map<number, Set<PartitionFacts>>();

  clear(): void {
    for (const each of [this.brokers, this.shuttingDown, this.reassigning, this.#topics, this.#names, this.deleting, this.ineligible, this.deletionStarted, this.#offline]) each.clear();
  }

  get topics(): ReadonlyMap<string, TopicFacts> {
    return this.#topics;
  }

  topicName(id: string): TopicName | undefined {
    return this.#names.get(id);
  }

  addTopic(topic: TopicFacts): void {
    this.#topics.set(topic.name, topic);
    if (topic.id !== ZERO_ID) this.#names.set(topic.id, topic.name);
  }

  removeTopic(name: TopicName): void {
    const topic = this.#topics.get(name);
    for (const each of [this.deleting, this.ineligible, this.deletionStarted]) each.delete(name);
    if (topic === undefined) return;
    this.#topics.delete(name);
    if (this.#names.get(topic.id) === name) this.#names.delete(topic.id);
    for (const partition of topic.partitions.values()) {
      this.reassigning.delete(partition);
      for (const offline of this.#offline.values()) offline.delete(partition);
    }
  }

  partition(topic: string, index: number): PartitionFacts | undefined {
    return this.#topics.get(topic)?.partitions.get(index);
  }

  /** Registered, and not about to leave. */
  isLive(broker: number): boolean {
    return this.brokers.has(broker) && !this.shuttingDown.has(broker);
  }

  /** The broker lives, and as far as is known the replica's log directory too. */
  isOnline(broker: number, partition: PartitionFacts): boolean {
    return this.isLive(broker) && this.hasDirectory(broker, partition);
  }

  /** The same, also where the broker is shutting down. */
  isReachable(broker: number, partition: PartitionFacts): boolean {
    return this.brokers.has(broker) && this.hasDirectory(broker, partition);
  }

  hasDirectory(broker: number, partition: PartitionFacts): boolean {
    return !(this.#offline.get(broker)?.has(partition) ?? false);
  }

  /** Returns whether that is news. */
  setDirectory(broker: number, partition: PartitionFacts, online: boolean): boolean {
    let offline = this.#offline.get(broker);
    if (online) return offline?.delete(partition) ?? false;
    if (offline === undefined) this.#offline.set(broker, (offline = new Set()));
    if (offline.has(partition)) return false;
    offline.add(partition);
    return true;
  }

  /** A broker went or came: what was known of its directories is of its last life. */
  forgetDirectories(broker: number): void {
    this.#offline.delete(broker);
  }

  *partitions(): IterableIterator<PartitionFacts> {
    for (const topic of this.#topics.values()) yield* topic.partitions.values();
  }

  partitionsOf(topic: TopicName): PartitionFacts[] {
    return [...this.#topics.get(topic)?.partitions.values() ?? []];
  }

  *replicasOn(brokers: ReadonlySet<number>): IterableIterator<Replica> {
    for (const partition of this.partitions()) {
      for (const broker of partition.assignment.replicas) if (brokers.has(broker)) yield { partition, broker };
    }
  }

  isDeleting(partition: PartitionFacts): boolean {
    return this.deleting.has(partition.topic);
  }

  /** Nothing but a reassignment may still go on in a topic that is to be deleted: nobody is told to serve it. */
  isLeaving(partition: PartitionFacts): boolean {
    return this.isDeleting(partition) && ![...this.reassigning].some(({ topic }) => topic === partition.topic);
  }

  /** What a StopReplica says: it overrides any epoch where the topic is on its way out. */
  leaderEpoch(partition: PartitionFacts): number {
    return this.isDeleting(partition) ? EPOCH_DURING_DELETE : (partition.leadership?.leaderEpoch ?? NO_EPOCH);
  }
}

export function replicasOf(partitions: Iterable<PartitionFacts>): Replica[] {
  return [...partitions].flatMap(partition => partition.assignment.replicas.map(broker => ({ partition, broker })));
}
