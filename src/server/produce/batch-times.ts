// The timestamps of one compressed batch on their way to native code and back. They are doubles there, which hold whatever
// a clock says; a producer may say anything up to 2^63 - 1. Records of a batch that does are looked at relative to its base
// timestamp, so that its largest comes out as Kafka would compute it.

import { RecordErrorField } from '../../native/exchange.js';

const LARGEST_EXACT = BigInt(Number.MAX_SAFE_INTEGER);
const LARGEST = 2n ** 63n - 1n;
/** What Kafka begins with: RecordBatch.NO_TIMESTAMP. */
const NO_TIMESTAMP = -1n;

export class BatchTimes {
  /** The base timestamp that native code is told. */
  readonly base: number;
  /** What lies between that and the producer's. */
  readonly #shift: bigint;

  constructor(base: bigint) {
    const exact = base >= -LARGEST_EXACT && base <= LARGEST_EXACT;
    this.base = exact ? Number(base) : 0;
    this.#shift = exact ? 0n : base;
  }

  /** Bounds of what the topic takes, seen from `base`. */
  shifted([oldest, newest]: readonly [number, number]): readonly [number, number] {
    const shift = Number(this.#shift);
    return [oldest - shift, newest - shift];
  }

  /** The largest timestamp, of what native code found to be the largest. Never past the last there is. */
  largest(found: number): bigint {
    const largest = BigInt.asIntN(64, this.#shift + (found >= Number(LARGEST) ? LARGEST : BigInt(found)));
    return largest > NO_TIMESTAMP ? largest : NO_TIMESTAMP;
  }

  /** Gives blamed records the timestamps that the producer gave them. */
  restore(records: Float64Array): void {
    if (this.#shift === 0n) return;
    for (let at = RecordErrorField.timestamp; at < records.length; at += RecordErrorField.size) records[at]! += Number(this.#shift);
  }
}
