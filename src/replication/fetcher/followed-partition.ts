// What a replica fetcher needs of a partition that follows: its log, its watermark. Partition and PartitionLog are such;
// tests hand in others.

import type { TopicName } from '../../base/topic-name.js';
import type { EpochEnd } from '../../log/leader-epoch-cache.js';

/** How a follower's append ended. */
export interface FollowerAppendEnd {
  /** NativeCode; 0 where nothing was refused. */
  readonly code: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Of the last batch that was kept; -1 where it tells none. */
  readonly leaderEpoch: number;
  /** Something was appended. Without it no offset here means anything, and the log's end stands. */
  readonly kept: boolean;
}

/** The log of a partition that follows. What changes it is carried out in the order in which it was asked. */
export interface FollowedLog {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly epochs: {
    /** -1: none known. */
    readonly latestEpoch: number;
    endOffsetFor(asked: number, logEnd: number): EpochEnd | undefined;
  };
  /**
   * Appends the batches that lie in the arena, as the leader wrote them; those of an epoch above `leaderEpoch` are left out.
   * Nobody may release the range before `ended` was called. `ended` is never called before this returns.
   */
  appendAsFollower(offset: number, length: number, leaderEpoch: number, ended: (end: FollowerAppendEnd) => void): void;
  /** Resolves when the log ends at `offset`, or where it did if that is less. */
  truncateTo(offset: number): Promise<void>;
  /** Drops everything: the log is empty and goes on at `offset`. */
  truncateFullyAndStartAt(offset: number): Promise<void>;
  raiseStartOffset(offset: number): Promise<void>;
}

export interface FollowedPartition {
  readonly topic: TopicName;
  readonly index: number;
  /** undefined: it cannot be had, its directory failed. */
  readonly log: FollowedLog | undefined;
  /** Within the log's start and end, also when the log was cut. */
  readonly highWatermark: number;
  /** The leader's watermark, told when what came with it is appended: ours is the same, within our log's start and end. It may go down. */
  adoptWatermark(highWatermark: number): void;
}

/** Where and how to begin to follow (InitialFetchState of AbstractFetcherManager.scala). */
export interface InitialFetchState {
  readonly partition: FollowedPartition;
  /** The zero id where the topic has none. */
  readonly topicId: string;
  readonly leader: number;
  readonly leaderEpoch: number;
}
