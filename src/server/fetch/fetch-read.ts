// What one partition of a fetch finds (ReplicaManager.readFromLog, Partition.fetchRecords).

import { ErrorCode } from '../../protocol/errors.js';
import type { MetadataCache } from '../../replication/metadata-cache.js';
import type { Partition } from '../../replication/partition.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import type { ReadingClient, ReplicaSelector } from '../../replication/replica-selector.js';
import { currentLeader } from '../current-leader.js';
import type { FetchEntry } from './fetch-entry.js';

export interface ReadRules {
  readonly apiVersion: number;
  /** Broker id of a follower, negative for consumers. */
  readonly replicaId: number;
  /** Of a follower's life, since version 15; -1 where it does not say. */
  readonly replicaEpoch: number;
  readonly readCommitted: boolean;
  /** Who reads, and how replicas are chosen for it; undefined where everybody reads from the leader. */
  readonly selection: { readonly client: ReadingClient; readonly select: ReplicaSelector } | undefined;
}

const READ_COMMITTED: readonly never[] = [];
const TOPIC_IDS_FROM = 13;
/** Oldest version that knows KAFKA_STORAGE_ERROR; older ones are told what makes them look for the leader. */
const STORAGE_ERROR_FROM = 6;
/** Oldest version that is told who leads (KIP-951). */
const LEADERS_FROM = 16;
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

/**
 * False: the broker does not know the partition. The entry says so then, and is neither read nor waited for
 * (KafkaApis.handleFetchRequest). Asked once, when the fetch begins.
 */
export function isKnown(entry: FetchEntry, apiVersion: number, metadata: MetadataCache): boolean {
  if (apiVersion >= TOPIC_IDS_FROM && entry.topic === '') {
    const name = metadata.topicName(entry.topicId);
    if (name === undefined) return turnedAway(entry, ErrorCode.UnknownTopicId);
    entry.topic = name;
  }
  return metadata.has(entry.topic, entry.index) || turnedAway(entry, ErrorCode.UnknownTopicOrPartition);
}

/** Where reading ends for who fetches: followers read to the end, consumers what is committed. */
export function readableEnd(partition: Partition, { replicaId, readCommitted }: ReadRules): number {
  if (replicaId >= 0) return partition.log!.endOffset;
  return readCommitted ? partition.lastStableOffset : partition.highWatermark;
}

/** Why this broker may not serve the fetch, or none. */
export function leadershipProblem(entry: FetchEntry, partition: Partition, { apiVersion, replicaId }: ReadRules): number {
  const problem = partition.leadershipError(entry.currentLeaderEpoch);
  // Consumers may read from followers since KIP-392; replicas and older consumers go to the leader.
  if (problem === ErrorCode.NotLeaderOrFollower && partition.role === 'follower' && apiVersion >= 11 && replicaId < 0) return ErrorCode.None;
  return problem;
}

/**
 * Checks the entry and notes the partition's offsets in it. Returns the partition and the offset to read below, or
 * undefined where the entry is answered without records. Only the first look of a fetch tells how far a follower is.
 */
export function lookAt(entry: FetchEntry, rules: ReadRules, replicas: ReplicaManager, first: boolean): { readonly partition: Partition; readonly below: number } | undefined {
  entry.clear();
  const partition = find(entry, rules, replicas);
  if (partition === undefined) return undefined;
  const log = partition.log!;
  entry.highWatermark = partition.highWatermark;
  entry.lastStableOffset = partition.lastStableOffset;
  entry.logStartOffset = log.startOffset;
  entry.endOffset = log.endOffset;
  const { selection } = rules;
  if (selection !== undefined && partition.leading !== undefined) {
    const preferredReadReplica = selection.select(partition, entry.fetchOffset, selection.client, replicas.metadata);
    if (preferredReadReplica !== undefined) {
      entry.details = { preferredReadReplica };
      return undefined;
    }
  }
  const parted = entry.fetchOffset < log.startOffset ? 'nowhere' : whereWaysPart(entry, partition);
  if (parted === 'nowhere' || (parted === undefined && entry.fetchOffset > log.endOffset)) {
    entry.refuse(ErrorCode.OffsetOutOfRange);
    return undefined;
  }
  if (parted !== undefined) {
    entry.details = { divergingEpoch: parted };
    return undefined;
  }
  if (rules.readCommitted) entry.details = { abortedTransactions: READ_COMMITTED };
  if (first && rules.replicaId >= 0) partition.followerFetched(rules.replicaId, entry.fetchOffset, entry.followerStartOffset, rules.replicaEpoch);
  return { partition, below: readableEnd(partition, rules) };
}

function find(entry: FetchEntry, rules: ReadRules, replicas: ReplicaManager): Partition | undefined {
  const { apiVersion, replicaId } = rules;
  const partition = replicas.find(entry.topic, entry.index);
  if (partition === undefined || (partition.role === 'none' && !partition.offline)) {
    refuseFor(entry, replicas.metadata.has(entry.topic, entry.index) ? ErrorCode.NotLeaderOrFollower : ErrorCode.UnknownTopicOrPartition, rules, replicas);
    return undefined;
  }
  const { log } = partition;
  if (apiVersion >= TOPIC_IDS_FROM && log !== undefined && log.topicId !== entry.topicId && log.topicId !== NO_ID) {
    entry.refuse(ErrorCode.InconsistentTopicId);
    return undefined;
  }
  let problem = leadershipProblem(entry, partition, rules);
  if (problem === ErrorCode.None && replicaId >= 0 && !partition.hasFollower(replicaId)) {
    // With the leader's own epoch it may be a replica that we have not heard of yet (followerReplicaOrThrow of Partition.scala).
    problem = entry.currentLeaderEpoch >= 0 ? ErrorCode.UnknownLeaderEpoch : ErrorCode.NotLeaderOrFollower;
  }
  if (problem === ErrorCode.None) return partition;
  refuseFor(entry, problem, rules, replicas);
  return undefined;
}

/** Refuses the entry with what a client of that version can understand, and tells it where to go. */
export function refuseFor(entry: FetchEntry, code: number, { apiVersion }: ReadRules, replicas: ReplicaManager): void {
  entry.refuse(code === ErrorCode.KafkaStorageError && apiVersion < STORAGE_ERROR_FROM ? ErrorCode.NotLeaderOrFollower : code);
  if (apiVersion < LEADERS_FROM || (code !== ErrorCode.NotLeaderOrFollower && code !== ErrorCode.FencedLeaderEpoch)) return;
  entry.details = { currentLeader: currentLeader(replicas, entry.topic, entry.index) };
}

function turnedAway(entry: FetchEntry, code: number): false {
  entry.turnAway(code);
  return false;
}

/**
 * Where a fetcher whose log took another turn has to go back to (KIP-595, LastFetchedEpoch of v12+); undefined where it did
 * not. 'nowhere': nobody here had its epoch.
 */
export function whereWaysPart(entry: FetchEntry, partition: Partition): { readonly epoch: number; readonly endOffset: number } | 'nowhere' | undefined {
  // A session may remember an epoch that a newer version named. It counts for an older one, too, whose answer has no place for it.
  if (entry.lastFetchedEpoch < 0) return undefined;
  const end = partition.endOfEpoch(entry.lastFetchedEpoch);
  if (end === undefined) return 'nowhere';
  if (end.leaderEpoch >= entry.lastFetchedEpoch && end.endOffset >= entry.fetchOffset) return undefined;
  return { epoch: end.leaderEpoch, endOffset: end.endOffset };
}
