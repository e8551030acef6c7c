import { ErrorCode } from '../../protocol/errors.js';
import { answer } from '../runtime/decision.js';
import { removalError } from './append-errors.js';
import type { GroupDecision } from './environment.js';
import type { Group } from './group.js';
import { forgetOffsets } from './offset-commit.js';
import type { CommittedOffset, GroupRecord } from './records.js';

// How groups and offsets end: by request, with a deleted topic, or by age. All of it is tombstones; what they name is
// gone when they are committed.

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export function deleteGroup(group: Group): GroupDecision<ErrorCode> {
  switch (group.state) {
    case 'Dead': return answer(ErrorCode.GroupIdNotFound);
    case 'Empty': return { ...bury(group), reply: ErrorCode.None, failed: removalError };
    case 'PreparingRebalance':
    case 'CompletingRebalance':
    case 'Stable': return answer(ErrorCode.NonEmptyGroup);
  }
}

export interface OffsetDeletion {
  /** Of the whole request; then `partitions` is empty. */
  readonly errorCode: ErrorCode;
  readonly partitions: readonly (TopicPartition & { readonly errorCode: ErrorCode })[];
}

export function deleteOffsets(group: Group, asked: readonly TopicPartition[]): GroupDecision<OffsetDeletion> {
  const refused = (errorCode: ErrorCode): GroupDecision<OffsetDeletion> => answer({ errorCode, partitions: [] });
  if (group.state === 'Dead') return refused(ErrorCode.GroupIdNotFound);
  if (group.state !== 'Empty' && !group.isConsumerGroup) return refused(ErrorCode.NonEmptyGroup);

  const consumed = (topic: string): boolean => group.state !== 'Empty' && (group.subscribed?.has(topic) ?? true);
  const partitions = asked.map(one => ({ ...one, errorCode: consumed(one.topic) ? ErrorCode.GroupSubscribedToTopic : ErrorCode.None }));
  const doomed = partitions.filter(({ topic, partition, errorCode }) => errorCode === ErrorCode.None && group.offsets.knows(topic, partition));
  return {
    ...(partitions.some(({ errorCode }) => errorCode === ErrorCode.None) ? forget(group, doomed) : { records: [] }),
    reply: { errorCode: ErrorCode.None, partitions },
    failed: error => ({ errorCode: removalError(error), partitions: [] }),
  };
}

/** A topic was deleted. */
export function partitionsDeleted(group: Group, deleted: readonly TopicPartition[]): GroupDecision<void> {
  if (group.state === 'Dead') return answer(undefined);
  for (const { topic, partition } of deleted) group.offsets.forgetTransactional(topic, partition);
  return { ...forget(group, deleted.filter(({ topic, partition }) => group.offsets.knows(topic, partition))), reply: undefined };
}

/** Offsets whose time is over, and the group if nothing else is left of it (removeExpiredOffsets in GroupMetadata.scala). */
export function expire(group: Group): GroupDecision<void> {
  const expired = [...group.offsets.committed()]
    .filter(({ topic, partition, value }) => isOver(group, topic, value) && !group.offsets.isInFlight(topic, partition));
  return { ...forget(group, expired), reply: undefined };
}

function isOver(group: Group, topic: string, value: CommittedOffset): boolean {
  const { now, limits } = group.environment;
  const since = retainedSince(group, topic, value);
  if (since === null) return false;
  return value.expireTimestamp === -1 ? now - since >= limits.offsetsRetentionMs : now >= value.expireTimestamp;
}

/** When the retention of an offset began to run; null while it does not. */
function retainedSince(group: Group, topic: string, value: CommittedOffset): number | null {
  // No group management: just a place to keep offsets.
  if (group.protocolType === null) return value.commitTimestamp;
  if (group.state === 'Empty') return group.stateSince === -1 ? value.commitTimestamp : group.stateSince;
  const abandoned = group.isConsumerGroup && group.state === 'Stable' && group.subscribed !== null && !group.subscribed.has(topic);
  return abandoned ? value.commitTimestamp : null;
}

/** Removes these offsets, and an empty group with its last one. */
function forget(group: Group, doomed: readonly TopicPartition[]): { records: readonly GroupRecord[] } {
  // What most groups are found like, however many offsets they have.
  if (doomed.length === 0 && !group.offsets.isEmpty) return { records: [] };
  const names = new Set(doomed.map(({ topic, partition }) => `${partition} ${topic}`));
  const nothingLeft = [...group.offsets.known()].every(({ topic, partition }) => names.has(`${partition} ${topic}`));
  // Who was given an id and has not come with it does not keep the group: it is told to begin again.
  const isLast = group.state === 'Empty' && nothingLeft && !group.offsets.hasTransactions;
  return isLast ? bury(group) : { records: forgetOffsets(group, doomed) };
}

/** Nobody gets at the group from here on. It is forgotten when the tombstones are committed, or revived when they are not. */
function bury(group: Group): { records: readonly GroupRecord[] } {
  const records = forgetOffsets(group, group.offsets.known());
  // Groups that only keep offsets never had a generation in the log.
  if (group.generation > 0) records.push({ kind: 'generation', group: group.id, value: null });
  for (const memberId of group.pending.keys()) group.removePending(memberId);
  group.enter('Dead');
  return { records };
}
