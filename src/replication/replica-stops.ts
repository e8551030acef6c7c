// StopReplica: replicas that end to fetch, and those that leave this broker for good (ReplicaManager.stopReplicas).

import type { Logger } from '../base/logger.js';
import { topicName } from '../base/topic-name.js';
import type { LogManager } from '../log/log-manager.js';
import type { StopReplicaRequest, StopReplicaResponseInput } from '../protocol/messages.js';
import { ErrorCode } from '../protocol/errors.js';
import type { ReplicaFetchers } from './fetcher/replica-fetchers.js';
import type { HostedPartitions } from './hosted-partitions.js';
import type { Partition } from './partition.js';
import type { ReplicaLogs } from './replica-logs.js';

/** A leader's epoch that nobody gave: nothing is fenced by it. */
const EPOCH_UNKNOWN = -1;
/** Of a deletion: not fenced either. */
const EPOCH_DURING_DELETE = -2;

export interface ReplicaStopsOptions {
  readonly partitions: HostedPartitions;
  readonly replicaLogs: ReplicaLogs;
  readonly logs: LogManager;
  readonly fetchers: ReplicaFetchers;
  readonly logger: Logger;
  readonly checkpointHighWatermarks: () => Promise<void>;
  /** This broker ended to lead a partition. */
  readonly onLeadership: (partition: Partition, leads: boolean) => void;
}

export class ReplicaStops {
  readonly #options: ReplicaStopsOptions;

  constructor(options: ReplicaStopsOptions) {
    this.#options = options;
  }

  async carryOut(request: StopReplicaRequest): Promise<StopReplicaResponseInput> {
    const { logs, fetchers, checkpointHighWatermarks } = this.#options;
    const partitionErrors: { topicName: string; partitionIndex: number; errorCode: number }[] = [];
    let removed = false;
    for (const asked of stopsOf(request)) {
      const errorCode = await this.#stop(asked);
      removed ||= asked.remove && errorCode === ErrorCode.None;
      partitionErrors.push({ topicName: asked.topic, partitionIndex: asked.partition, errorCode });
    }
    fetchers.shutdownIdle();
    // Once for all of them, and before a log with one of their names can come: what the checkpoints said must not be believed of it.
    if (removed) await Promise.all([logs.checkpointRecoveryPoints(), logs.checkpointStartOffsets(), checkpointHighWatermarks()]);
    return { errorCode: ErrorCode.None, partitionErrors };
  }

  async #stop(asked: Stop): Promise<number> {
    const { partitions, replicaLogs, fetchers, logs, logger } = this.#options;
    const partition = partitions.find(asked.topic, asked.partition);
    if (partition?.offline && !(asked.remove && replicaLogs.giveUp(partition))) return ErrorCode.KafkaStorageError;
    if (partition !== undefined) {
      const fenced = asked.leaderEpoch !== EPOCH_UNKNOWN && asked.leaderEpoch !== EPOCH_DURING_DELETE && asked.leaderEpoch < partition.leaderEpoch;
      if (fenced) return ErrorCode.FencedLeaderEpoch;
      // One that stays only ends to fetch. It keeps its role, as in Kafka, until it is told another: whoever leads goes on.
      fetchers.removePartitions([partition]);
    }
    if (!asked.remove) return ErrorCode.None;
    if (partition !== undefined) this.#forget(partition);
    const topic = topicName(asked.topic);
    if (topic === undefined) return ErrorCode.None;
    try {
      await logs.remove(topic, asked.partition);
      return ErrorCode.None;
    } catch (error) {
      logger.error({ topic: asked.topic, partition: asked.partition, error: String(error) }, 'cannot delete a replica');
      return ErrorCode.KafkaStorageError;
    }
  }

  #forget(partition: Partition): void {
    const led = partition.leading !== undefined;
    partition.stop();
    if (led) this.#options.onLeadership(partition, false);
    this.#options.partitions.forget(partition);
  }
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
