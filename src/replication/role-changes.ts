// LeaderAndIsr: who leads and who follows, by the controller's word (ReplicaManager.becomeLeaderOrFollower).
//
// A role changes in this order. Fetching ends; a leader's role ends at once, with the acks=all that wait for it; the log
// fences what was appended for an older epoch, in the order of its queue; then the new role begins. A new leader's epoch
// begins where the log ended at that place. Fetchers of all partitions of a request begin together.

import type { Logger } from '../base/logger.js';
import { sideBySide } from '../base/side-by-side.js';
import { topicName, type TopicName } from '../base/topic-name.js';
import type { LogManager } from '../log/log-manager.js';
import type { LeaderAndIsrRequest, LeaderAndIsrResponseInput } from '../protocol/messages.js';
import { ErrorCode } from '../protocol/errors.js';
import type { InitialFetchState } from './fetcher/followed-partition.js';
import type { ReplicaFetchers } from './fetcher/replica-fetchers.js';
import type { HostedPartitions } from './hosted-partitions.js';
import type { MetadataCache } from './metadata-cache.js';
import type { LeadershipChange, Partition } from './partition.js';
import { ZERO_ID, type ReplicaLogs } from './replica-logs.js';

export type LeaderAndIsrOutcome = Required<Pick<LeaderAndIsrResponseInput, 'errorCode' | 'partitionErrors' | 'topics'>>;
type PartitionState = LeaderAndIsrRequest['topicStates'][number]['partitionStates'][number];

const EPOCH_UNKNOWN = -1;
/** Beyond what a topic's znode can name. */
const LARGEST_INDEX = 0xfffff;
/** Replicas of one request whose logs are opened, and whose roles change, at the same time. */
const AT_ONCE = 64;

export interface RoleChangesOptions {
  readonly brokerId: number;
  readonly partitions: HostedPartitions;
  readonly replicaLogs: ReplicaLogs;
  readonly logs: LogManager;
  readonly metadata: MetadataCache;
  readonly fetchers: ReplicaFetchers;
  readonly logger: Logger;
  /** Reads a topic's settings before its first log is made. */
  readonly prepareTopic: (topic: TopicName) => Promise<void>;
  /** This broker began or ended to lead a partition. Called in order, after the partition changed. */
  readonly onLeadership: (partition: Partition, leads: boolean) => void;
}

export class RoleChanges {
  readonly #options: RoleChangesOptions;
  /** Of the request that is carried out. */
  #following: InitialFetchState[] = [];

  constructor(options: RoleChangesOptions) {
    this.#options = options;
  }

  /** Errors come in both shapes: by partition (v0-v4) and by topic id. */
  async carryOut(request: LeaderAndIsrRequest): Promise<LeaderAndIsrOutcome> {
    const { partitions, prepareTopic, fetchers } = this.#options;
    const partitionErrors: { topicName: string; partitionIndex: number; errorCode: number }[] = [];
    const topics: { topicId: string; partitionErrors: { partitionIndex: number; errorCode: number }[] }[] = [];
    try {
      for (const state of oneOfEach(request.ungroupedPartitionStates, each => `${each.topicName} ${each.partitionIndex}`, each => this.#isNews(each.topicName, each))) {
        const topic = topicName(state.topicName);
        partitionErrors.push({ topicName: state.topicName, partitionIndex: state.partitionIndex, errorCode: topic === undefined ? ErrorCode.InvalidTopicException : await this.#become(topic, ZERO_ID, state) });
      }
      for (const topic of request.topicStates) {
        const states = oneOfEach(topic.partitionStates, each => each.partitionIndex, each => this.#isNews(topic.topicName, each));
        const name = topicName(topic.topicName);
        if (name !== undefined && partitions.of(name) === undefined) await prepareTopic(name);
        // Side by side: a topic of many partitions does not wait for the sum.
        const codes: number[] = states.map(() => ErrorCode.InvalidTopicException);
        if (name !== undefined) await sideBySide(states.entries(), AT_ONCE, async ([at, state]) => { codes[at] = await this.#become(name, topic.topicId, state); });
        states.forEach((state, at) => partitionErrors.push({ topicName: topic.topicName, partitionIndex: state.partitionIndex, errorCode: codes[at]! }));
        topics.push({ topicId: topic.topicId, partitionErrors: states.map((state, at) => ({ partitionIndex: state.partitionIndex, errorCode: codes[at]! })) });
      }
    } finally {
      const following = this.#following;
      this.#following = [];
      if (following.length > 0) fetchers.addPartitions(following);
      fetchers.shutdownIdle();
    }
    return { errorCode: ErrorCode.None, partitionErrors, topics };
  }

  async #become(topic: TopicName, topicId: string, state: PartitionState): Promise<number> {
    const { brokerId, partitions, replicaLogs, logger } = this.#options;
    const known = partitions.find(topic, state.partitionIndex);
    if (known !== undefined && replicaLogs.isLost(known)) return ErrorCode.KafkaStorageError;
    if (!isIndex(state.partitionIndex)) return ErrorCode.UnknownTopicOrPartition;
    // Whatever comes of it, the partition is one that this broker has heard of from now on.
    const partition = partitions.findOrMake(topic, state.partitionIndex);
    partition.known = this.#options.metadata.has(topic, state.partitionIndex);
    const knownId = partition.log?.topicId ?? ZERO_ID;
    if (topicId !== ZERO_ID && knownId !== ZERO_ID && knownId !== topicId) return ErrorCode.InconsistentTopicId;
    if (state.leaderEpoch < partition.leaderEpoch) return ErrorCode.StaleControllerEpoch;
    if (state.leaderEpoch === partition.leaderEpoch) return this.#toldAgain(partition, topicId, state);
    if (!state.replicas.includes(brokerId)) return ErrorCode.UnknownTopicOrPartition;
    const opened = await replicaLogs.open(partition, { topicId, isNew: state.isNew });
    // What is older than the state that the partition has from AlterPartition is passed over, and is no error (Partition.scala).
    if (opened !== ErrorCode.None || state.partitionEpoch < partition.partitionEpoch) return opened;
    if (state.leader === brokerId) return this.#lead(partition, changeOf(state));
    if (this.#options.metadata.broker(state.leader) !== undefined) return this.#follow(partition, topicId, changeOf(state));
    // It keeps the role that it had; the controller tells a newer epoch once there is a leader.
    logger.error({ topic, partition: partition.index, leader: state.leader, leaderEpoch: state.leaderEpoch }, 'cannot follow: the leader is not alive');
    return opened;
  }

  /** A partition that came back from what was done to its log without it: its directory failed meanwhile. */
  async #fenced(partition: Partition, leaderEpoch: number): Promise<{ readonly startOffset: number } | undefined> {
    const log = partition.log!;
    try {
      const begun = await log.beginEpoch(leaderEpoch);
      return partition.log === log ? begun : undefined;
    } catch (error) {
      this.#options.logger.error({ topic: partition.topic, partition: partition.index, leaderEpoch, error: String(error) }, 'a leader epoch could not begin');
      return undefined;
    }
  }

  async #lead(partition: Partition, change: LeadershipChange): Promise<number> {
    this.#options.fetchers.removePartitions([partition]);
    const begun = await this.#fenced(partition, change.leaderEpoch);
    if (begun === undefined) return ErrorCode.KafkaStorageError;
    partition.becomeLeader(change, begun.startOffset);
    this.#options.onLeadership(partition, true);
    return ErrorCode.None;
  }

  async #follow(partition: Partition, topicId: string, change: LeadershipChange): Promise<number> {
    const led = partition.leading !== undefined;
    this.#options.fetchers.removePartitions([partition]);
    partition.becomeFollower(change);
    if (led) this.#options.onLeadership(partition, false);
    if ((await this.#fenced(partition, change.leaderEpoch)) === undefined) return ErrorCode.KafkaStorageError;
    this.#following.push({ partition, topicId, leader: change.leader, leaderEpoch: change.leaderEpoch });
    return ErrorCode.None;
  }

  #isNews(topic: string, { partitionIndex, leaderEpoch }: PartitionState): boolean {
    return leaderEpoch > (this.#options.partitions.find(topic, partitionIndex)?.leaderEpoch ?? EPOCH_UNKNOWN);
  }

  /** An epoch that is known already changes nobody's role, whatever else is told. A topic's id may come, or go, with it. */
  async #toldAgain(partition: Partition, topicId: string, state: PartitionState): Promise<number> {
    const { log } = partition;
    const { brokerId, logs, fetchers } = this.#options;
    if (log === undefined || (log.topicId === ZERO_ID) === (topicId === ZERO_ID)) return ErrorCode.StaleControllerEpoch;
    if (topicId !== ZERO_ID) await logs.adoptTopicId(log, topicId);
    else if (state.leader === brokerId) return ErrorCode.StaleControllerEpoch;
    if (partition.following !== undefined) fetchers.adoptTopicId(partition, topicId);
    return ErrorCode.None;
  }
}

/** LeaderAndIsr tells an error of the whole request once more for each partition of it. */
export function refusedAlike(request: LeaderAndIsrRequest, errorCode: number): LeaderAndIsrOutcome {
  const errors = (states: readonly PartitionState[]): { partitionIndex: number; errorCode: number }[] => states.map(({ partitionIndex }) => ({ partitionIndex, errorCode }));
  return {
    errorCode,
    partitionErrors: [
      ...request.ungroupedPartitionStates.map(({ topicName: name, partitionIndex }) => ({ topicName: name, partitionIndex, errorCode })),
      ...request.topicStates.flatMap(topic => errors(topic.partitionStates).map(each => ({ topicName: topic.topicName, ...each }))),
    ],
    topics: request.topicStates.map(({ topicId, partitionStates }) => ({ topicId, partitionErrors: errors(partitionStates) })),
  };
}

function changeOf({ leader, leaderEpoch, partitionEpoch, controllerEpoch, replicas, isr, addingReplicas }: PartitionState): LeadershipChange {
  return { leader, leaderEpoch, partitionEpoch, controllerEpoch, replicas, isr, addingReplicas };
}

/** An index becomes part of a directory's name, where -1 would read as another topic's 1. */
function isIndex(partition: number): boolean {
  return partition >= 0 && partition <= LARGEST_INDEX;
}

/** A partition that is named twice is told once: as the last one says that is news, or else the last. */
function oneOfEach<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key, isNews: (item: Item) => boolean): Item[] {
  const chosen = new Map<Key, { item: Item; news: boolean }>();
  for (const item of items) {
    const [key, news] = [keyOf(item), isNews(item)];
    if (news || chosen.get(key)?.news !== true) chosen.set(key, { item, news });
  }
  return [...chosen.values()].map(({ item }) => item);
}
