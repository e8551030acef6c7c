// What one partition of a fetch finds (ReplicaManager.readFromLog, Partition.readRecords).

import { ErrorCode } from '../../protocol/errors.js';
import type { Partition } from '../../replication/partition.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import type { FetchEntry } from './fetch-entry.js';

export interface ReadRules {
  readonly apiVersion: number;
  /** Broker id of a follower, negative for consumers. */
  readonly replicaId: number;
  readonly readCommitted: boolean;
}

const READ_COMMITTED: readonly never[] = [];
/** Oldest version that understands batches of magic 2; older ones would have them converted. */
const MAGIC_2_FROM = 4;
const DIVERGING_FROM = 12;
/** Oldest version whose clients are sure to know zstd (KIP-110). */
const ZSTD_FROM = 10;

/**
 * Checks the entry and notes the partition's offsets in it. Returns the partition and the offset to read below, or
 * undefined where the entry is answered without records.
 */
export function lookAt(entry: FetchEntry, rules: ReadRules, replicas: ReplicaManager): { readonly partition: Partition; readonly below: number } | undefined {
  entry.clear();
  const partition = find(entry, rules, replicas);
  if (partition === undefined) return undefined;
  const log = partition.log!;
  entry.highWatermark = partition.highWatermark;
  entry.lastStableOffset = partition.lastStableOffset;
  entry.logStartOffset = log.startOffset;
  entry.endOffset = log.endOffset;
  if (rules.readCommitted && rules.replicaId < 0) entry.details = { abortedTransactions: READ_COMMITTED };
  // A session may remember an epoch that a newer version named; an older one cannot be told.
  if (rules.apiVersion >= DIVERGING_FROM && diverges(entry, partition)) return undefined;
  if (entry.fetchOffset < log.startOffset || entry.fetchOffset > log.endOffset) {
    entry.refuse(ErrorCode.OffsetOutOfRange);
    return undefined;
  }
  if (rules.replicaId >= 0) partition.followerFetched(rules.replicaId, entry.fetchOffset);
  const below = rules.replicaId >= 0 ? log.endOffset : rules.readCommitted ? entry.lastStableOffset : partition.highWatermark;
  if (rules.apiVersion < MAGIC_2_FROM && entry.fetchOffset < below) {
    entry.refuse(ErrorCode.UnsupportedVersion);
    return undefined;
  }
  return { partition, below };
}

function find(entry: FetchEntry, { apiVersion, replicaId }: ReadRules, replicas: ReplicaManager): Partition | undefined {
  if (apiVersion >= 13) {
    const name = replicas.metadata.topicName(entry.topicId);
    if (name === undefined) return refused(entry, ErrorCode.UnknownTopicId);
    entry.topic = name;
  }
  const partition = replicas.find(entry.topic, entry.index);
  if (partition === undefined || (partition.role === 'none' && !partition.offline)) {
    return refused(entry, replicas.metadata.has(entry.topic, entry.index) ? ErrorCode.NotLeaderOrFollower : ErrorCode.UnknownTopicOrPartition);
  }
  // By the topic's setting and not by what its batches are, and before any other error (maybeConvertFetchedData of KafkaApis).
  if (apiVersion < ZSTD_FROM && partition.zstd && partition.log !== undefined) return refused(entry, ErrorCode.UnsupportedCompressionType);
  if (apiVersion >= 13 && partition.log !== undefined && partition.log.topicId !== entry.topicId) return refused(entry, ErrorCode.InconsistentTopicId);
  // Consumers may read from followers since KIP-392; replicas and older consumers go to the leader.
  const problem = partition.leadershipError(entry.currentLeaderEpoch);
  const followerMayServe = problem === ErrorCode.NotLeaderOrFollower && partition.role === 'follower' && apiVersion >= 11 && replicaId < 0;
  if (problem === ErrorCode.None || followerMayServe) return partition;
  entry.refuse(apiVersion <= 5 && problem === ErrorCode.KafkaStorageError ? ErrorCode.NotLeaderOrFollower : problem);
  if (problem === ErrorCode.NotLeaderOrFollower || problem === ErrorCode.FencedLeaderEpoch) {
    entry.details = { currentLeader: { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch } };
  }
  return undefined;
}

function refused(entry: FetchEntry, code: number): undefined {
  entry.refuse(code);
  return undefined;
}

/** A fetcher whose log took another turn is told where the ways part (KIP-595, LastFetchedEpoch of v12+). */
function diverges(entry: FetchEntry, partition: Partition): boolean {
  if (entry.lastFetchedEpoch < 0) return false;
  const end = partition.endOfEpoch(entry.lastFetchedEpoch);
  if (end === undefined) {
    entry.refuse(ErrorCode.OffsetOutOfRange);
    return true;
  }
  if (end.leaderEpoch >= entry.lastFetchedEpoch && end.endOffset >= entry.fetchOffset) return false;
  entry.details = { ...entry.details, divergingEpoch: { epoch: end.leaderEpoch, endOffset: end.endOffset } };
  return true;
}
