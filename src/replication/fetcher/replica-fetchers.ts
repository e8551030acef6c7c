import type { FollowedPartition, InitialFetchState } from './followed-partition.js';

/**
 * Who fetches for the partitions that follow, as the replica manager uses it (ReplicaFetcherManager is it).
 *
 * A role changes in this order: removePartitions(), so that nothing is truncated any more by the word of a leader that is
 * none; then PartitionLog.beginEpoch(), behind which nothing is appended any more that was on its way; and, when that has
 * ended and the partition follows, addPartitions(). Adding needs no removal before it where only the leader or its epoch
 * is new, but the log must have come to rest.
 */
export interface ReplicaFetchers {
  /** Begins to follow. A partition that is fetched in this very leader epoch goes on as it is; one that had failed is tried again. */
  addPartitions(states: Iterable<InitialFetchState>): void;
  /** From here on nothing is asked for them. What is in the log's queue already ends as it may. */
  removePartitions(partitions: Iterable<FollowedPartition>): void;
  /** Its topic has an id now; the zero id: it has none any more. */
  adoptTopicId(partition: FollowedPartition, topicId: string): void;
  /** Ends fetchers that have no partitions left, and their connections. Call it once behind removing many. */
  shutdownIdle(): void;
  close(): void;
}
