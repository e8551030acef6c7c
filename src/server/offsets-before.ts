// ListOffsets as version 0 means it: where the segments begin that were last changed before a time, newest first
// (UnifiedLog.legacyFetchOffsetsBefore). Kafka before 0.10.1 had no timestamps in its records.

import type { SegmentFacts } from '../log/partition-log.js';

export const LATEST = -1;
export const EARLIEST = -2;

export interface LogOutline {
  /** Oldest first. */
  readonly segments: readonly SegmentFacts[];
  readonly startOffset: number;
  readonly endOffset: number;
}

/** At most `most` offsets, descending. REQUIRES: most >= 0. */
export function offsetsBefore({ segments, startOffset, endOffset }: LogOutline, timestamp: number, most: number, now: number): number[] {
  const steps = segments.map(({ baseOffset, modified }) => ({ offset: Math.max(baseOffset, startOffset), time: modified }));
  if (segments.at(-1)!.bytes > 0) steps.push({ offset: endOffset, time: now });
  let newest = steps.length - 1;
  if (timestamp === EARLIEST) newest = 0;
  else if (timestamp !== LATEST) newest = steps.findLastIndex(({ time }) => time <= timestamp);
  return steps.slice(Math.max(0, newest + 1 - most), newest + 1).map(({ offset }) => offset).sort((a, b) => b - a);
}

/** A consumer is shown nothing above what is committed (Partition.legacyFetchOffsetsForTimestamp). */
export function committedOnly(offsets: readonly number[], highWatermark: number): number[] {
  const committed = offsets.filter(offset => offset <= highWatermark);
  return committed.length === offsets.length ? committed : [highWatermark, ...committed];
}
