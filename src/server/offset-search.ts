// Offsets by time: native code finds the batch, and where it is compressed its records are inflated off the main isolate
// and walked natively (UnifiedLog.fetchOffsetByTimestamp).

import type { Codecs } from '../compression/codecs.js';
import type { FoundByTimestamp, PartitionLog } from '../log/partition-log.js';
import type { Jobs } from '../native/jobs.js';

export interface FoundOffset {
  readonly offset: number;
  readonly timestamp: number;
}

const HEADER_BYTES = 61;
const ATTRIBUTES_AT = 22;
const BASE_TIMESTAMP_AT = 27;
const COUNT_AT = 57;
const LOG_APPEND_TIME = 1 << 3;
/** What was appended was inflated once already, within this bound. */
const INFLATED_LIMIT = 64 << 20;

export class OffsetSearch {
  readonly #jobs: Jobs;
  readonly #codecs: Codecs;

  constructor(jobs: Jobs, codecs: Codecs) {
    this.#jobs = jobs;
    this.#codecs = codecs;
  }

  /** The first record at or past `timestamp`. */
  async firstAt(log: PartitionLog, timestamp: number): Promise<FoundOffset | undefined> {
    for (let from = log.startOffset; ;) {
      const found = await log.findByTimestamp(timestamp, from);
      if (found.kind !== 'compressed') return plain(found);
      const inside = await this.#lookInside(log, found, timestamp, from);
      if (inside !== undefined) return inside;
      from = found.next;
    }
  }

  /** The record with the largest timestamp (KIP-734). */
  async largest(log: PartitionLog): Promise<FoundOffset | undefined> {
    const found = await log.maxTimestamp();
    if (found.kind !== 'compressed') return plain(found);
    return this.#lookInside(log, found, found.maxTimestamp, log.startOffset);
  }

  async #lookInside(log: PartitionLog, found: FoundByTimestamp & { kind: 'compressed' }, timestamp: number, from: number): Promise<FoundOffset | undefined> {
    const batch = await log.readSlice(found.slice, found.length);
    const baseOffset = Number(batch.readBigInt64BE(0));
    const attributes = batch[ATTRIBUTES_AT]!;
    // Stamped by the broker: all records have the batch's time.
    if ((attributes & LOG_APPEND_TIME) !== 0) return { offset: Math.max(baseOffset, from), timestamp: found.maxTimestamp };
    const records = await this.#codecs.inflate(attributes & 7, batch.subarray(HEADER_BYTES), INFLATED_LIMIT);
    const inside = await this.#jobs.run('looking into a batch', (native, cookie) =>
      native.findInRecords(cookie, records, batch.readInt32BE(COUNT_AT), baseOffset, Number(batch.readBigInt64BE(BASE_TIMESTAMP_AT)), timestamp, from));
    return inside.first < 0 ? undefined : { offset: inside.first, timestamp: inside.second };
  }
}

function plain(found: Exclude<FoundByTimestamp, { kind: 'compressed' }>): FoundOffset | undefined {
  return found.kind === 'none' ? undefined : found;
}
