// The replicas this broker holds, and the controller's requests about them, one after the other (ReplicaManager.scala). What the
// requests do is in RoleChanges, ReplicaStops and MetadataCache.

import { topicName, type TopicName } from '../base/topic-name.js';
import type { Logger } from '../base/logger.js';
import type { Timer, Timers } from '../base/timers.js';
import type { LogManager } from '../log/log-manager.js';
import type { LeaderAndIsrRequest, StopReplicaRequest, StopReplicaResponseInput, UpdateMetadataRequest } from '../protocol/messages.js';
import { ErrorCode } from '../protocol/errors.js';
import type { ReplicaFetchers } from './fetcher/replica-fetchers.js';
import { HostedPartitions } from './hosted-partitions.js';
import { liveBroker } from './live-broker.js';
import { LEADER_DURING_DELETE, type MetadataCache, type PartitionState, type TopicChange } from './metadata-cache.js';
import type { Partition, PartitionSeams } from './partition.js';
import { ReplicaLogs } from './replica-logs.js';
import { ReplicaStops } from './replica-stops.js';
import { refusedAlike, RoleChanges, type LeaderAndIsrOutcome } from './role-changes.js';

/** A broker's epoch that nobody gave: nothing is fenced by it. */
const EPOCH_UNKNOWN = -1;

export interface ReplicaManagerOptions {
  readonly brokerId: number;
  readonly logs: LogManager;
  readonly metadata: MetadataCache;
  readonly logger: Logger;
  readonly timers: Timers;
  readonly partitionSeams: PartitionSeams;
  /** Who fetches for the partitions that follow. */
  readonly fetchers: ReplicaFetchers;
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
  readonly #options: ReplicaManagerOptions;
  readonly #partitions: HostedPartitions;
  readonly #replicaLogs: ReplicaLogs;
  readonly #roleChanges: RoleChanges;
  readonly #stops: ReplicaStops;
  #shrinking: Timer | undefined;
  #controllerEpoch = 0;
  /** Requests of the controller are carried out one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  /** czxid of our registration: requests meant for an earlier life of this broker are refused. */
  brokerEpoch = -1;

  constructor(options: ReplicaManagerOptions) {
    this.brokerId = options.brokerId;
    this.metadata = options.metadata;
    this.#options = options;
    const partitions = (this.#partitions = new HostedPartitions(options.partitionSeams, options.internalTopics));
    const replicaLogs = (this.#replicaLogs = new ReplicaLogs({ ...options, inTurn: work => void this.#inTurn(work) }));
    this.#roleChanges = new RoleChanges({ ...options, partitions, replicaLogs });
    this.#stops = new ReplicaStops({ ...options, partitions, replicaLogs, checkpointHighWatermarks: () => this.checkpointHighWatermarks() });
  }

  /** Followers that lag leave the ISRs from here on. */
  start(): void {
    this.#shrinking ??= this.#options.timers.every(this.#options.partitionSeams.maxLagMs / 2, () => { for (const partition of this.#partitions) partition.maybeShrinkIsr(); });
  }

  find(topic: string, index: number): Partition | undefined {
    return this.#partitions.find(topic, index);
  }

  /** All partitions of a topic, by index, for handlers that look one topic up and then many partitions. */
  partitionsOf(topic: string): readonly (Partition | undefined)[] | undefined {
    return this.#partitions.of(topic);
  }

  partitions(): IterableIterator<Partition> {
    return this.#partitions[Symbol.iterator]();
  }

  leaderAndIsr(request: LeaderAndIsrRequest): Promise<LeaderAndIsrOutcome> {
    return this.#inTurn(async () => {
      const refused = this.#staleness(request.controllerEpoch, request.brokerEpoch);
      return refused === ErrorCode.None ? this.#roleChanges.carryOut(request) : refusedAlike(request, refused);
    });
  }

  stopReplica(request: StopReplicaRequest): Promise<StopReplicaResponseInput> {
    return this.#inTurn(async () => {
      const refused = this.#staleness(request.controllerEpoch, request.brokerEpoch);
      return refused === ErrorCode.None ? this.#stops.carryOut(request) : { errorCode: refused };
    });
  }

  updateMetadata(request: UpdateMetadataRequest): Promise<{ errorCode: number }> {
    return this.#inTurn(async () => this.#updateMetadata(request));
  }

  /** A log directory failed: its replicas serve nobody any more. */
  directoryFailed(logDir: string): void {
    const { fetchers, onLeadership } = this.#options;
    const failed = [...this.#partitions].filter(({ log }) => log?.logDir === logDir);
    fetchers.removePartitions(failed);
    for (const partition of failed) {
      const led = partition.leading !== undefined;
      partition.goOffline();
      if (led) onLeadership(partition, false);
    }
  }

  /** Nothing is fetched any more, and no ISR changes. */
  close(): void {
    this.#shrinking?.cancel();
    this.#replicaLogs.close();
    this.#options.fetchers.close();
  }

  /** Writes replication-offset-checkpoint in every log directory. */
  checkpointHighWatermarks(): Promise<void> {
    return this.#options.logs.checkpointHighWatermarks(logDir => [...this.#highWatermarks(logDir)]);
  }

  /** As the checkpoint file of `logDir` wants them. */
  *#highWatermarks(logDir: string): IterableIterator<{ topic: string; partition: number; offset: number }> {
    for (const partition of this.#partitions) {
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
    for (const { name, partitions } of topics) {
      const hosted = this.#partitions.of(name);
      if (hosted === undefined) continue;
      for (const { partition: index, leader } of partitions) {
        const partition = hosted[index];
        if (partition !== undefined) partition.known = leader !== LEADER_DURING_DELETE;
      }
    }
    if (deleted.length > 0) this.#options.onDeleted(deleted);
    return { errorCode: ErrorCode.None };
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
