import { ErrorCode } from '../../protocol/errors.js';
import type { OffsetCommitRequest } from '../../protocol/messages.js';
import { answer } from '../runtime/decision.js';
import { offsetStoreError } from './append-errors.js';
import type { GroupDecision } from './environment.js';
import type { Group } from './group.js';
import type { CommittedOffset, GroupRecord, OffsetRecord } from './records.js';
import { NO_MEMBER_ID } from './replies.js';

export type TopicsToCommit = OffsetCommitRequest['topics'];
type PartitionToCommit = TopicsToCommit[number]['partitions'][number];

export interface CommitRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** -1: the caller is in no group, or assigns itself its partitions. */
  readonly generation: number;
  /** -1: the broker's (v2 to v4 may ask for another). */
  readonly retentionTimeMs: number;
  readonly topics: TopicsToCommit;
}

export interface CommittedPartition {
  readonly partitionIndex: number;
  readonly errorCode: ErrorCode;
}

export interface CommittedTopic {
  readonly name: string;
  readonly partitions: CommittedPartition[];
}

export function commitOffsets(group: Group, request: CommitRequest): GroupDecision<CommittedTopic[]> {
  const refusal = refusalFor(group, request);
  if (refusal !== ErrorCode.None) return answer(commitRefused(request.topics, refusal));

  switch (group.state) {
    case 'Empty':
      return store(group, request);
    case 'Stable':
    case 'PreparingRebalance': {
      // The old generation may still commit while the new one gathers; its heartbeats tell it to join.
      const member = group.members.get(request.memberId)!;
      member.session.set(member.sessionTimeoutMs);
      return store(group, request);
    }
    case 'CompletingRebalance':
      return answer(commitRefused(request.topics, ErrorCode.RebalanceInProgress));
    case 'Dead':
      return answer(commitRefused(request.topics, ErrorCode.CoordinatorNotAvailable));
  }
}

function refusalFor(group: Group, { generation, memberId, groupInstanceId }: CommitRequest): ErrorCode {
  if (group.state === 'Dead') return ErrorCode.CoordinatorNotAvailable;
  if (generation < 0 && group.state === 'Empty') return ErrorCode.None;
  // Where there are members, only they commit.
  if (generation < 0 && memberId === NO_MEMBER_ID && groupInstanceId === null) return ErrorCode.UnknownMemberId;
  const refusal = group.refusalFor(memberId, groupInstanceId);
  if (refusal !== ErrorCode.None) return refusal;
  return generation === group.generation ? ErrorCode.None : ErrorCode.IllegalGeneration;
}

function store(group: Group, { topics, retentionTimeMs }: CommitRequest): GroupDecision<CommittedTopic[]> {
  const { now, limits } = group.environment;
  const expireTimestamp = retentionTimeMs === -1 ? -1 : addWrapping(now, retentionTimeMs);
  const records: OffsetRecord[] = [];
  const reply = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(partition => {
      const { partitionIndex, committedMetadata } = partition;
      if (committedMetadata !== null && committedMetadata.length > limits.offsetMetadataMaxBytes)
        return { partitionIndex, errorCode: ErrorCode.OffsetMetadataTooLarge };
      records.push({ kind: 'offset', group: group.id, topic: name, partition: partitionIndex, value: committed(partition, now, expireTimestamp) });
      group.offsets.sent(name, partitionIndex);
      return { partitionIndex, errorCode: ErrorCode.None };
    }),
  }));
  return { records, reply, failed: error => refuseStored(reply, offsetStoreError(error)) };
}

function committed(partition: PartitionToCommit, now: number, expireTimestamp: number): CommittedOffset {
  return {
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata: partition.committedMetadata ?? '',
    // Only v1 brings its own.
    commitTimestamp: partition.commitTimestamp === -1 ? now : partition.commitTimestamp,
    expireTimestamp,
  };
}

function refuseStored(reply: readonly CommittedTopic[], error: ErrorCode): CommittedTopic[] {
  return reply.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, errorCode }) => ({ partitionIndex, errorCode: errorCode === ErrorCode.None ? error : errorCode })),
  }));
}

export function commitRefused(topics: TopicsToCommit, errorCode: ErrorCode): CommittedTopic[] {
  return topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }));
}

/** Tombstones for these offsets. Those that are on their way count too: they will be in the log before the tombstone. */
export function forgetOffsets(group: Group, partitions: Iterable<{ topic: string; partition: number }>): GroupRecord[] {
  return Array.from(partitions, ({ topic, partition }) => ({ kind: 'offset', group: group.id, topic, partition, value: null }));
}

/** As Java adds in 64 bits: "for ever" ends long ago, and the offset goes with the next look at what has expired. */
function addWrapping(now: number, ms: number): number {
  const sum = now + ms;
  return sum >= 2 ** 63 ? sum - 2 ** 64 : sum;
}
