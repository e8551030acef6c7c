// Looks into batches that are not to be appended, because Kafka finds every other fault before a sequence that is wrong, and
// into those whose records are to blame, to say which. Records are checked on a log thread.

import type { Clock } from '../../base/clock.js';
import { failure } from '../../base/failure.js';
import type { Logger } from '../../base/logger.js';
import { NativeCode } from '../../native/codes.js';
import { AppendFlag, RecordErrorField } from '../../native/exchange.js';
import type { Jobs } from '../../native/jobs.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { Partition } from '../../replication/partition.js';
import { appendErrorCode, appendRefusal, logStartBeside } from './append-errors.js';
import { NO_LOG_START, type RecordBlame } from './produce-rows.js';

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
  readonly logStartOffset: number;
  readonly message?: string | undefined;
  readonly records: readonly RecordBlame[];
}

export interface InspectorOptions {
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly arena: Buffer;
  readonly timestampBounds: (topic: string) => { readonly beforeMs: number; readonly afterMs: number };
}

const ATTRIBUTES_AT = 21;
const LARGEST = 2n ** 63n - 1n;

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
      return { row: look.row, code: ErrorCode.UnknownServerError, logStartOffset: logStartBeside(ErrorCode.UnknownServerError, look.partition), records: [] };
    }));
    void Promise.all(found).then(refusals => done(refusals.filter(each => each !== undefined)));
  }

  async #inspect(look: Look): Promise<Refusal | undefined> {
    const { row, start, length, partition } = look;
    const batch = this.#options.arena.subarray(start, start + length);
    const { log } = partition;
    // Gone meanwhile. Whoever sends it again is told where to.
    if (log === undefined) return { row, code: ErrorCode.NotLeaderOrFollower, logStartOffset: NO_LOG_START, records: [] };
    const errors = this.#spare.pop() ?? new Float64Array(RecordErrorField.most * RecordErrorField.size);
    return new Promise((resolve, reject) => {
      this.#options.jobs.start(
        (native, cookie) => native.inspect(cookie, log.index, batch, partition.appendFlags, errors),
        verdict => {
          try {
            this.#spare.push(errors);
            if (verdict.code === NativeCode.ok) resolve(undefined);
            else resolve(this.#refusal(look, verdict.code, errors.subarray(0, verdict.first * RecordErrorField.size), verdict.second));
          } catch (failed) {
            reject(failed);
          }
        },
      );
    });
  }

  #refusal({ row, start, partition }: Look, nativeCode: number, blamed: Float64Array, recordErrors: number): Refusal {
    const code = appendErrorCode(nativeCode);
    return { row, code, logStartOffset: logStartBeside(code, partition), ...this.explain(nativeCode, blamed, recordErrors, partition, start) };
  }

  /** What the client reads of the batch at `start` that was refused, and which of its records are to blame. */
  explain(code: number, records: Float64Array, recordErrors: number, { topic, index, appendFlags }: Partition, start: number): ReturnType<typeof appendRefusal> {
    if (records.length === 0) return { message: undefined, records: [] };
    const bounds = (appendFlags & AppendFlag.logAppendTime) !== 0 ? undefined : this.#bounds(topic);
    return appendRefusal({ code, records, recordErrors, topic, partition: index, compressed: codecOf(this.#options.arena.subarray(start)) !== 0, bounds });
  }

  /** What the topic takes for a create time now, from and to: as Kafka computes it, in 64 bits whatever comes out. */
  #bounds(topic: string): readonly [bigint, bigint] {
    const { beforeMs, afterMs } = this.#options.timestampBounds(topic);
    const now = BigInt(this.#options.clock.now());
    return [BigInt.asIntN(64, now - whole(beforeMs)), BigInt.asIntN(64, now + whole(afterMs))];
  }
}

function codecOf(batch: Buffer): number {
  return batch[ATTRIBUTES_AT + 1]! & 7;
}

/** A setting as Kafka has it, whose "never" is the largest number of 64 bits. */
function whole(ms: number): bigint {
  return ms >= Number.MAX_SAFE_INTEGER ? LARGEST : BigInt(ms);
}
