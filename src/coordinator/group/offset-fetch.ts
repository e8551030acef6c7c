import { ErrorCode } from '../../protocol/errors.js';
import type { Group } from './group.js';
import type { CommittedOffset } from './records.js';

export interface FetchedPartition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly metadata: string;
  readonly errorCode: ErrorCode;
}

export interface FetchedTopic {
  readonly name: string;
  readonly partitions: FetchedPartition[];
}

export interface TopicToFetch {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

/** Reads committed offsets whatever the group's state; also of groups that do not exist. Null topics: all there are. */
export function fetchOffsets(group: Group | undefined, topics: readonly TopicToFetch[] | null, requireStable: boolean): FetchedTopic[] {
  const living = group === undefined || group.state === 'Dead' ? undefined : group;
  const asked = topics ?? allTopics(living);
  return asked.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map(partition => {
      if (requireStable && living?.offsets.isUnstable(name, partition)) return fetched(partition, undefined, ErrorCode.UnstableOffsetCommit);
      return fetched(partition, living?.offsets.get(name, partition), ErrorCode.None);
    }),
  }));
}

function fetched(partitionIndex: number, found: CommittedOffset | undefined, errorCode: ErrorCode): FetchedPartition {
  return {
    partitionIndex,
    committedOffset: found?.offset ?? -1,
    committedLeaderEpoch: found?.leaderEpoch ?? -1,
    metadata: found?.metadata ?? '',
    errorCode,
  };
}

function allTopics(group: Group | undefined): TopicToFetch[] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of group?.offsets.committed() ?? []) {
    const partitions = topics.get(topic);
    if (partitions === undefined) topics.set(topic, [partition]);
    else partitions.push(partition);
  }
  return Array.from(topics, ([name, partitionIndexes]) => ({ name, partitionIndexes }));
}
