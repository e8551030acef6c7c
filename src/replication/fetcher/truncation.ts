// Where a follower cuts its log, by what the leader says of an epoch (getOffsetTruncationState of AbstractFetcherThread.scala).

import type { FollowedLog } from './followed-partition.js';

const UNDEFINED_EPOCH = -1;
const UNDEFINED_EPOCH_OFFSET = -1;

export interface Truncation {
  readonly offset: number;
  /** Below `offset` both logs are one. Otherwise the leader has to be asked again, about the epoch that our log ends with then. */
  readonly completed: boolean;
}

/**
 * The leader knows no epoch above `leaderEpoch` that is not above the one we asked about, and that one ends there at `endOffset`.
 * -1 stands for what it does not know: then `initialOffset`, the watermark, is all there is to go by.
 */
export function truncationFor(log: FollowedLog, leaderEpoch: number, endOffset: number, initialOffset: number): Truncation {
  if (endOffset === UNDEFINED_EPOCH_OFFSET) return { offset: initialOffset, completed: true };
  const ourEnd = log.endOffset;
  // An answer of version 0 tells no epoch.
  const ours = leaderEpoch === UNDEFINED_EPOCH ? undefined : log.epochs.endOffsetFor(leaderEpoch, ourEnd);
  // Nor do we know any epoch as old as that one: it is below all that is asked about, so the leader's word is safe.
  if (ours === undefined) return { offset: Math.min(endOffset, ourEnd), completed: true };
  // The leader never had what we have above `ours.leaderEpoch`. Below, the logs may part as well: that epoch is the next question.
  if (ours.leaderEpoch !== leaderEpoch) return { offset: Math.min(ours.endOffset, ourEnd), completed: false };
  return { offset: Math.min(ours.endOffset, endOffset, ourEnd), completed: true };
}
