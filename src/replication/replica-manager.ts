// The replicas this broker holds, and the controller's requests about them (ReplicaManager.scala).

import { topicName, type TopicName } from '../base/topic-name.js';
import type { Logger } from '../base/logger.js';
import { sideBySide } from '../base/side-by-side.js';
import type { Timer, Timers } from '../base/timers.js';
import { LogDirectoryError, type LogManager } from '../log/log-manager.js';
import type { LeaderAndIsrRequest, LeaderAndIsrResponseInput, StopReplicaRequest, StopReplicaResponseInput, UpdateMetadataRequest } from '../protocol/messages.js';
import { ErrorCode } from '../protocol/errors.js';
import { liveBroker } from './live-broker.js';
import { MetadataCache, type PartitionState, type TopicChange } from './metadata-cache.js';
import { Partition } from './partition.js';

type LeaderAndIsrOutcome = Required<Pick<LeaderAndIsrResponseInput, 'errorCode' | 'partitionErrors' | 'topics'>>;
type StateOfLeaderAndIsr = LeaderAndIsrRequest['topicStates'][number]['partitionStates'][number];

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** A broker's epoch or a leader's that nobody gave: nothing is fenced by it. */
const EPOCH_UNKNOWN = -1;
/** StopReplica of a deletion: not fenced either. */
const EPOCH_DURING_DELETE = -2;
/** Between attempts to open logs that could not be opened. */
const RETRY_MS = 5000;
/** Beyond what a topic's znode can name. */
const LARGEST_INDEX = 0xfffff;
/** Logs of one request that are opened at the same time. */
const OPENED_AT_ONCE = 64;

export interface ReplicaManagerOptions {
  readonly brokerId: number;
  readonly logs: LogManager;
  readonly metadata: MetadataCache;
  readonly logger: Logger;
  readonly timers: Timers;
  /** Marks a log whose appends must wake the main isolate. */
  readonly watch: (log: number, watched: boolean) => void;
  /** Reads a topic's settings before its first log is made. */
  readonly prepareTopic: (topic: TopicName) => Promise<void>;
  /** Applies a topic's effective settings to a partition (and to its log). */
  readonly configure: (partition: Partition) => void;
  /** This broker began or ended to lead a partition. Called in order, after the partition changed. */
  readonly onLeadership: (partition: Partition, leads: boolean) => void;
  /** Replicas that could not be opened before can be now: the controller should ask again. */
  readonly onReplicasBack: () => void;
  /** Partitions left the metadata: committed offsets of theirs go. */
  readonly onDeleted: (partitions: readonly { readonly topic: TopicName; readonly partition: number }[]) => void;
  readonly internalTopics: ReadonlySet<string>;
}

export class ReplicaManager {
  readonly brokerId: number;
  readonly metadata: MetadataCache;
  readonly #logs: LogManager;
  readonly #options: ReplicaManagerOptions;
  readonly #topics = new Map<string, (Partition | undefined)[]>();
  /** Replicas that are offline though their log directory is not: no space, no descriptors. They are tried again. */
  readonly #unopened = new Map<Partition, Opening>();
  #retry: Timer | undefined;
  #controllerEpoch = 0;
  /** Requests of the controller are carried out one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  /** czxid of our registration: requests meant for an earlier life of this broker are refused. */
  brokerEpoch = -1;

  constructor(options: ReplicaManagerOptions) {
    this.brokerId = options.brokerId;
    this.metadata = options.metadata;
    this.#logs = options.logs;
    this.#options = options;
  }

  find(topic: string, index: number): Partition | undefined {
    return this.#topics.get(topic)?.[index];
  }

  /** All partitions of a topic, by index, for handlers that look one topic up and then many partitions. */
  partitionsOf(topic: string): readonly (Partition | undefined)[] | undefined {
    return this.#topics.get(topic);
  }

  *partitions(): IterableIterator<Partition> {
    for (const partitions of this.#topics.values()) for (const partition of partitions) if (partition !== undefined) yield partition;
  }

  /** Errors come in both shapes: by partition (v0-v4) and by topic id. */
  leaderAndIsr(request: LeaderAndIsrRequest): Promise<LeaderAndIsrOutcome> {
    return this.#inTurn(() => this.#leaderAndIsr(request));
  }

  stopReplica(request: StopReplicaRequest): Promise<StopReplicaResponseInput> {
    return this.#inTurn(() => this.#stopReplica(request));
  }

  updateMetadata(request: UpdateMetadataRequest): Promise<{ errorCode: number }> {
    return this.#inTurn(async () => this.#updateMetadata(request));
  }

  /** A log directory failed: its replicas serve nobody any more. */
  directoryFailed(logDir: string): void {
    for (const partition of this.partitions()) {
      if (partition.log?.logDir !== logDir) continue;
      const led = partition.role === 'leader';
      partition.goOffline();
      if (led) this.#options.onLeadership(partition, false);
    }
  }

  close(): void {
    this.#retry?.cancel();
  }

  /** Writes replication-offset-checkpoint in every log directory. */
  checkpointHighWatermarks(): Promise<void> {
    return this.#logs.checkpointHighWatermarks(logDir => [...this.#highWatermarks(logDir)]);
  }

  /** As the checkpoint file of `logDir` wants them. */
  *#highWatermarks(logDir: string): IterableIterator<{ topic: string; partition: number; offset: number }> {
    for (const partition of this.partitions()) {
      if (partition.log?.logDir === logDir) yield { topic: partition.topic, partition: partition.index, offset: partition.highWatermark };
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Whom a request is meant for is asked before who sent it, as in Kafka. */
  #staleness(controllerEpoch: number, brokerEpoch: number): number {
    if (brokerEpoch !== EPOCH_UNKNOWN && brokerEpoch < this.brokerEpoch) return ErrorCode.StaleBrokerEpoch;
    if (controllerEpoch < this.#controllerEpoch) return ErrorCode.StaleControllerEpoch;
    this.#controllerEpoch = controllerEpoch;
    return ErrorCode.None;
  }

  async #leaderAndIsr(request: LeaderAndIsrRequest): Promise<LeaderAndIsrOutcome> {
    const refused = this.#staleness(request.controllerEpoch, request.brokerEpoch);
    if (refused !== ErrorCode.None) return refusedAlike(request, refused);
    const partitionErrors: { topicName: string; partitionIndex: number; errorCode: number }[] = [];
    for (const state of oneOfEach(request.ungroupedPartitionStates, each => `${each.topicName} ${each.partitionIndex}`, each => this.#isNews(each.topicName, each))) {
      const topic = topicName(state.topicName);
      partitionErrors.push({ topicName: state.topicName, partitionIndex: state.partitionIndex, errorCode: topic === undefined ? ErrorCode.InvalidTopicException : await this.#become(topic, ZERO_ID, state) });
    }
    const topics: { topicId: string; partitionErrors: { partitionIndex: number; errorCode: number }[] }[] = [];
    for (const topic of request.topicStates) {
      const states = oneOfEach(topic.partitionStates, each => each.partitionIndex, each => this.#isNews(topic.topicName, each));
      const name = topicName(topic.topicName);
      if (name !== undefined && !this.#topics.has(name)) await this.#options.prepareTopic(name);
      // Logs are opened side by side: a topic of many partitions does not wait for the sum.
      const codes: number[] = states.map(() => ErrorCode.InvalidTopicException);
      if (name !== undefined) await sideBySide(states.entries(), OPENED_AT_ONCE, async ([at, state]) => { codes[at] = await this.#become(name, topic.topicId, state); });
      states.forEach((state, at) => partitionErrors.push({ topicName: topic.topicName, partitionIndex: state.partitionIndex, errorCode: codes[at]! }));
      topics.push({ topicId: topic.topicId, partitionErrors: states.map((state, at) => ({ partitionIndex: state.partitionIndex, errorCode: codes[at]! })) });
    }
    return { errorCode: ErrorCode.None, partitionErrors, topics };
  }

  async #become(topic: TopicName, topicId: string, state: StateOfLeaderAndIsr): Promise<number> {
    if (this.#lost(this.find(topic, state.partitionIndex))) return ErrorCode.KafkaStorageError;
    if (!isIndex(state.partitionIndex)) return ErrorCode.UnknownTopicOrPartition;
    // Whatever comes of it, the partition is one that this broker has heard of from now on.
    const partition = this.#partition(topic, state.partitionIndex);
    const knownId = partition.log?.topicId ?? ZERO_ID;
    if (topicId !== ZERO_ID && knownId !== ZERO_ID && knownId !== topicId) return ErrorCode.InconsistentTopicId;
    if (state.leaderEpoch < partition.leaderEpoch) return ErrorCode.StaleControllerEpoch;
    if (state.leaderEpoch === partition.leaderEpoch) return this.#toldAgain(partition, topicId, state);
    if (!state.replicas.includes(this.brokerId)) return ErrorCode.UnknownTopicOrPartition;
    const opened = await this.#open(partition, { topicId, isNew: state.isNew });
    return opened === ErrorCode.None ? this.#lead(partition, state) : opened;
  }

  #isNews(topic: string, { partitionIndex, leaderEpoch }: StateOfLeaderAndIsr): boolean {
    return leaderEpoch > (this.find(topic, partitionIndex)?.leaderEpoch ?? EPOCH_UNKNOWN);
  }

  /** An epoch that is known already changes nobody's role, whatever else is told. A topic's id may come, or go, with it. */
  async #toldAgain({ log }: Partition, topicId: string, state: StateOfLeaderAndIsr): Promise<number> {
    if (log !== undefined && log.topicId === ZERO_ID && topicId !== ZERO_ID) {
      await this.#logs.adoptTopicId(log, topicId);
      return ErrorCode.None;
    }
    const idIsGone = log !== undefined && log.topicId !== ZERO_ID && topicId === ZERO_ID;
    return idIsGone && state.leader !== this.brokerId ? ErrorCode.None : ErrorCode.StaleControllerEpoch;
  }

  /** Offline with its directory: until the next start of the broker. */
  #lost(partition: Partition | undefined): boolean {
    return partition !== undefined && partition.offline && !this.#unopened.has(partition);
  }

  /** Sees to it that a partition has its log. Where that fails it is offline: for good with its directory, otherwise until a later attempt. */
  async #open(partition: Partition, opening: Opening): Promise<number> {
    const { topic, index } = partition;
    const { topicId, isNew } = opening;
    try {
      const log = partition.log ?? (await this.#logs.create(topic, index, topicId, isNew));
      if (log.topicId === ZERO_ID && topicId !== ZERO_ID) await this.#logs.adoptTopicId(log, topicId);
      if (!this.#logs.onlineDirectories.has(log.logDir)) throw new LogDirectoryError(`${log.logDir} has failed`);
      this.#unopened.delete(partition);
      partition.offline = false;
      if (partition.log === undefined) {
        partition.attach(log, this.#logs.checkpointedHighWatermark(topic, index));
        this.#options.configure(partition);
      }
      return ErrorCode.None;
    } catch (error) {
      if (!this.#unopened.has(partition)) this.#options.logger.error({ topic, partition: index, error: String(error) }, 'cannot open the log of a replica');
      if (error instanceof LogDirectoryError && error.inconsistentTopicId) return ErrorCode.InconsistentTopicId;
      partition.goOffline();
      if (error instanceof LogDirectoryError) {
        this.#unopened.delete(partition);
      } else {
        this.#unopened.set(partition, opening);
        this.#retryLater();
      }
      return ErrorCode.KafkaStorageError;
    }
  }

  #retryLater(): void {
    this.#retry ??= this.#options.timers.after(RETRY_MS, () => {
      this.#retry = undefined;
      void this.#inTurn(() => this.#retryUnopened());
    });
  }

  /** Who leads them is the controller's to say, and it has given them up: it is asked to look again. */
  async #retryUnopened(): Promise<void> {
    let back = 0;
    for (const [partition, opening] of [...this.#unopened]) if ((await this.#open(partition, opening)) === ErrorCode.None) back++;
    if (back === 0) return;
    this.#options.logger.info({ replicas: back }, 'replicas that could not be opened before are open');
    this.#options.onReplicasBack();
  }

  /** What is older than the state that the partition has from AlterPartition is passed over, and is no error (Partition.scala). */
  #lead(partition: Partition, state: StateOfLeaderAndIsr): number {
    if (state.partitionEpoch < partition.partitionEpoch) return ErrorCode.None;
    const change = { leader: state.leader, leaderEpoch: state.leaderEpoch, partitionEpoch: state.partitionEpoch, replicas: state.replicas, isr: state.isr };
    const led = partition.role === 'leader';
    const leads = state.leader === this.brokerId;
    if (leads) partition.becomeLeader(change);
    else partition.becomeFollower(change);
    if (leads || led) this.#options.onLeadership(partition, leads);
    return ErrorCode.None;
  }

  async #stopReplica(request: StopReplicaRequest): Promise<StopReplicaResponseInput> {
    const refused = this.#staleness(request.controllerEpoch, request.brokerEpoch);
    if (refused !== ErrorCode.None) return { errorCode: refused };
    const partitionErrors: { topicName: string; partitionIndex: number; errorCode: number }[] = [];
    let removed = false;
    for (const asked of stopsOf(request)) {
      const errorCode = await this.#stop(asked);
      removed ||= asked.remove && errorCode === ErrorCode.None;
      partitionErrors.push({ topicName: asked.topic, partitionIndex: asked.partition, errorCode });
    }
    // Once for all of them, and before a log with one of their names can come: what the checkpoints said must not be believed of it.
    if (removed) await Promise.all([this.#logs.checkpointRecoveryPoints(), this.#logs.checkpointStartOffsets(), this.checkpointHighWatermarks()]);
    return { errorCode: ErrorCode.None, partitionErrors };
  }

  async #stop(asked: Stop): Promise<number> {
    const partition = this.find(asked.topic, asked.partition);
    // One that waits to be opened has nothing that a deletion would have to take away.
    if (partition?.offline && !(asked.remove && this.#unopened.delete(partition))) return ErrorCode.KafkaStorageError;
    if (partition !== undefined) {
      const fenced = asked.leaderEpoch !== EPOCH_UNKNOWN && asked.leaderEpoch !== EPOCH_DURING_DELETE && asked.leaderEpoch < partition.leaderEpoch;
      if (fenced) return ErrorCode.FencedLeaderEpoch;
      // One that stays only ends to follow: whoever leads goes on, as in Kafka, until it is told who leads instead.
      if (asked.remove || partition.role !== 'leader') {
        const led = partition.role === 'leader';
        partition.stop();
        if (led) this.#options.onLeadership(partition, false);
      }
    }
    if (!asked.remove) return ErrorCode.None;
    if (partition !== undefined) this.#forget(partition);
    const topic = topicName(asked.topic);
    if (topic === undefined) return ErrorCode.None;
    try {
      await this.#logs.remove(topic, asked.partition);
      return ErrorCode.None;
    } catch (error) {
      this.#options.logger.error({ topic: asked.topic, partition: asked.partition, error: String(error) }, 'cannot delete a replica');
      return ErrorCode.KafkaStorageError;
    }
  }

  #updateMetadata(request: UpdateMetadataRequest): { errorCode: number } {
    const refused = this.#staleness(request.controllerEpoch, request.brokerEpoch);
    if (refused !== ErrorCode.None) return { errorCode: refused };
    const topics: TopicChange[] = [];
    const tell = (text: string, id: string | undefined, partitions: PartitionState[]): void => {
      const name = topicName(text);
      if (name === undefined) this.#options.logger.warn({ topic: text }, 'the controller told of a topic whose name is illegal: left out');
      else topics.push({ name, id, partitions });
    };
    for (const topic of request.topicStates) tell(topic.topicName, topic.topicId, topic.partitionStates.map(metadataState));
    // Before version 5 topics had no ids to tell: whoever has one keeps it.
    for (const state of request.ungroupedPartitionStates) tell(state.topicName, undefined, [metadataState(state)]);
    const { deleted } = this.metadata.update({
      controllerId: request.controllerId,
      brokers: request.liveBrokers.map(liveBroker),
      topics,
    });
    if (deleted.length > 0) this.#options.onDeleted(deleted);
    return { errorCode: ErrorCode.None };
  }

  #partition(topic: TopicName, index: number): Partition {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = []));
    return (partitions[index] ??= new Partition(topic, index, this.brokerId, this.#options.internalTopics.has(topic), this.#options.watch));
  }

  #forget(partition: Partition): void {
    const partitions = this.#topics.get(partition.topic)!;
    partitions[partition.index] = undefined;
    // From the end: a topic that goes as a whole goes from the beginning, and is looked through once.
    if (partitions.findLast(each => each !== undefined) === undefined) this.#topics.delete(partition.topic);
  }
}

/** LeaderAndIsr tells an error of the whole request once more for each partition of it. */
function refusedAlike(request: LeaderAndIsrRequest, errorCode: number): LeaderAndIsrOutcome {
  const errors = (states: readonly StateOfLeaderAndIsr[]): { partitionIndex: number; errorCode: number }[] => states.map(({ partitionIndex }) => ({ partitionIndex, errorCode }));
  return {
    errorCode,
    partitionErrors: [
      ...request.ungroupedPartitionStates.map(({ topicName: name, partitionIndex }) => ({ topicName: name, partitionIndex, errorCode })),
      ...request.topicStates.flatMap(topic => errors(topic.partitionStates).map(each => ({ topicName: topic.topicName, ...each }))),
    ],
    topics: request.topicStates.map(({ topicId, partitionStates }) => ({ topicId, partitionErrors: errors(partitionStates) })),
  };
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

/** What opening a replica's log takes. */
interface Opening {
  readonly topicId: string;
  readonly isNew: boolean;
}

interface Stop {
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly remove: boolean;
}

/** StopReplica said the same in three shapes over its versions. */
function* stopsOf(request: StopReplicaRequest): IterableIterator<Stop> {
  for (const asked of request.ungroupedPartitions) yield { topic: asked.topicName, partition: asked.partitionIndex, leaderEpoch: EPOCH_UNKNOWN, remove: request.deletePartitions };
  for (const topic of request.topics) {
    for (const partition of topic.partitionIndexes) yield { topic: topic.name, partition, leaderEpoch: EPOCH_UNKNOWN, remove: request.deletePartitions };
  }
  for (const topic of request.topicStates) {
    for (const state of topic.partitionStates) yield { topic: topic.topicName, partition: state.partitionIndex, leaderEpoch: state.leaderEpoch, remove: state.deletePartition };
  }
}

function metadataState(state: UpdateMetadataRequest['topicStates'][number]['partitionStates'][number]): PartitionState {
  return {
    partition: state.partitionIndex,
    leader: state.leader,
    leaderEpoch: state.leaderEpoch,
    isr: state.isr,
    replicas: state.replicas,
    offlineReplicas: state.offlineReplicas,
    zkVersion: state.zkVersion,
    controllerEpoch: state.controllerEpoch,
  };
}
