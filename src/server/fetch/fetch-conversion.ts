// What clients of old versions cannot be given (maybeConvertFetchedData of KafkaApis). It is seen to when the answer is
// made: until then their fetches read, and wait, like everybody's, and sessions remember what was found.

import { ErrorCode } from '../../protocol/errors.js';
import type { Partition } from '../../replication/partition.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import type { FetchEntry } from './fetch-entry.js';

/** Oldest version that understands batches of magic 2; older ones would have them converted. */
const MAGIC_2_FROM = 4;
/** Oldest version whose clients are sure to know zstd (KIP-110). */
export const CONVERTED_BELOW = 10;

const NO_RECORDS = -1;

/** Refuses what a client of a version below CONVERTED_BELOW is not to see, and lets go of what was found for it. */
export function withhold(entry: FetchEntry, apiVersion: number, replicas: ReplicaManager, release: (slice: number) => void): void {
  const partition = replicas.find(entry.topic, entry.index);
  const code = codeFor(entry, apiVersion, partition?.log === undefined ? undefined : partition);
  if (code === ErrorCode.None) return;
  entry.letGo(release);
  entry.turnAway(code);
  // What was read is in its answer no more, not even as an empty set.
  entry.length = NO_RECORDS;
}

/** By the topic's settings and not by what its batches are, and before any other error. `partition` has a log. */
function codeFor(entry: FetchEntry, apiVersion: number, partition: Partition | undefined): number {
  if (partition?.zstd === true) return ErrorCode.UnsupportedCompressionType;
  if (apiVersion >= MAGIC_2_FROM) return ErrorCode.None;
  return entry.length > 0 || partition?.downConverts === false ? ErrorCode.UnsupportedVersion : ErrorCode.None;
}
