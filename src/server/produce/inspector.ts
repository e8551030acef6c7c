// Compressed batches are validated inside as Kafka does it (LogValidator): inflated by their codec's own code, off the
// main isolate and with a bound on what comes out, and the plain records walked natively.

import type { Clock } from '../../base/clock.js';
import { failure } from '../../base/failure.js';
import type { Logger } from '../../base/logger.js';
import type { Codecs } from '../../compression/codecs.js';
import { InflateError } from '../../compression/inflate-error.js';
import { NativeCode } from '../../native/codes.js';
import { AppendFlag, RecordErrorField } from '../../native/exchange.js';
import type { Jobs } from '../../native/jobs.js';
import { ErrorCode } from '../../protocol/errors.js';
import { crc32c } from '../../protocol/records/crc32c.js';
import type { Partition } from '../../replication/partition.js';
import { appendErrorCode, appendRefusal } from './append-errors.js';
import { BatchTimes } from './batch-times.js';
import type { RecordBlame } from './produce-rows.js';

/** A batch to look into, by its row in the request and its place in the arena. */
export interface Look {
  readonly row: number;
  readonly start: number;
  readonly length: number;
  readonly partition: Partition;
}

export interface Refusal {
  readonly row: number;
  readonly code: number;
  readonly message: string;
  readonly records: readonly RecordBlame[];
}

export interface InspectorOptions {
  readonly jobs: Jobs;
  readonly codecs: Codecs;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly arena: Buffer;
  readonly timestampBounds: (topic: string) => { readonly beforeMs: number; readonly afterMs: number };
}

const HEADER_BYTES = 61;
const ATTRIBUTES_AT = 21;
const CRC_AT = 17;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const COUNT_AT = 57;
/** What one batch may inflate to. A producer's batch is a few MiB at most; this stops a bomb. */
const INFLATED_LIMIT = 64 << 20;
const UNBOUNDED = Number.MAX_VALUE;
/** LogAppendTime topics overwrite what the producer said, so they do not care. */
const UNBOUNDED_BOTH_WAYS: readonly [number, number] = [-UNBOUNDED, UNBOUNDED];

export class Inspector {
  readonly #options: InspectorOptions;
  /** Room for refused records, of inspections that have ended. */
  readonly #spare: Float64Array[] = [];

  constructor(options: InspectorOptions) {
    this.#options = options;
  }

  /** Looks into all of them and says which to refuse. The bytes must stay in the arena until then. */
  inspectAll(looks: readonly Look[], done: (refusals: readonly Refusal[]) => void): void {
    const found = looks.map(look => this.#inspect(look).catch((error: unknown): Refusal => {
      this.#options.logger.error({ topic: look.partition.topic, partition: look.partition.index, error: failure(error) }, 'a batch could not be looked into');
      return { row: look.row, code: ErrorCode.UnknownServerError, message: String(error), records: [] };
    }));
    void Promise.all(found).then(refusals => done(refusals.filter(each => each !== undefined)));
  }

  async #inspect({ row, start, length, partition }: Look): Promise<Refusal | undefined> {
    const { arena, codecs, jobs } = this.#options;
    const batch = arena.subarray(start, start + length);
    const refuse = (code: number, message: string, records: readonly RecordBlame[] = []): Refusal => ({ row, code, message, records });
    let plain: Buffer;
    try {
      plain = await codecs.inflate(batch[ATTRIBUTES_AT + 1]! & 7, batch.subarray(HEADER_BYTES), INFLATED_LIMIT);
    } catch (error) {
      if (error instanceof InflateError && error.tooLarge) return refuse(ErrorCode.MessageTooLarge, error.message);
      return refuse(error instanceof InflateError ? ErrorCode.CorruptMessage : ErrorCode.UnknownServerError, String(error));
    }
    const keysRequired = (partition.appendFlags & AppendFlag.requireKey) !== 0;
    const bounds = (partition.appendFlags & AppendFlag.logAppendTime) !== 0 ? UNBOUNDED_BOTH_WAYS : this.bounds(partition.topic);
    const errors = this.#spare.pop() ?? new Float64Array(RecordErrorField.most * RecordErrorField.size);
    const times = new BatchTimes(batch.readBigInt64BE(BASE_TIMESTAMP_AT));
    return new Promise((resolve, reject) => {
      jobs.start(
        (native, cookie) => native.inspect(cookie, plain, batch.readInt32BE(COUNT_AT), times.base, keysRequired, ...times.shifted(bounds), errors),
        verdict => {
          try {
            this.#spare.push(errors);
            if (verdict.code === NativeCode.ok) {
              sayLargestTimestamp(batch, times.largest(verdict.first));
              resolve(undefined);
              return;
            }
            const blamed = errors.subarray(0, verdict.third * RecordErrorField.size);
            times.restore(blamed);
            const { message, records } = appendRefusal({
              code: verdict.code, records: blamed, recordErrors: verdict.fourth,
              topic: partition.topic, partition: partition.index, bounds, logAppendTime: false,
            });
            resolve(refuse(appendErrorCode(verdict.code), message ?? 'The records of the batch are malformed', records));
          } catch (error) {
            reject(error);
          }
        },
      );
    });
  }

  /** What the topic takes for a create time now, from and to. */
  bounds(topic: string): readonly [number, number] {
    const { beforeMs, afterMs } = this.#options.timestampBounds(topic);
    const now = this.#options.clock.now();
    return [beforeMs >= Number.MAX_SAFE_INTEGER ? -UNBOUNDED : now - beforeMs, afterMs >= Number.MAX_SAFE_INTEGER ? UNBOUNDED : now + afterMs];
  }
}

/** Kafka writes down the largest timestamp it found, whatever the producer said. A batch whose CRC is wrong stays wrong. */
function sayLargestTimestamp(batch: Buffer, largest: bigint): void {
  if (batch.readBigInt64BE(MAX_TIMESTAMP_AT) === largest || crc32c(batch, ATTRIBUTES_AT) !== batch.readUInt32BE(CRC_AT)) return;
  batch.writeBigInt64BE(largest, MAX_TIMESTAMP_AT);
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT), CRC_AT);
}
