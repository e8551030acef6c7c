// What a log knows of one producer: its epoch and its last five batches, each by its last sequence number
// (ProducerStateEntry.java). Numbers in flat arrays: there can be a hundred thousand producers, and every batch of
// theirs passes here.

export const NO_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_OFFSET = -1;
export const NO_TIMESTAMP = -1;

const REMEMBERED = 5;
const LAST_OFFSET = 1;
const OFFSET_DELTA = 2;
const TIMESTAMP = 3;
const FIELDS = 4;
const LARGEST_SEQUENCE = 0x7fffffff;

/** The sequence number `count` steps on; after the largest comes 0. */
export function sequenceAfter(sequence: number, count: number): number {
  const sum = sequence + count;
  return sum > LARGEST_SEQUENCE ? sum - LARGEST_SEQUENCE - 1 : sum;
}

function sequenceBefore(sequence: number, count: number): number {
  return sequence < count ? LARGEST_SEQUENCE - (count - sequence) + 1 : sequence - count;
}

/** Whether a batch that begins with `next` continues one that ended with `last`. From "none" that is a batch from 0. */
export function follows(last: number, next: number): boolean {
  return next === last + 1 || (next === 0 && last === LARGEST_SEQUENCE);
}

export class ProducerEntry {
  readonly producerId: number;
  epoch = NO_EPOCH;
  coordinatorEpoch = -1;
  lastTimestamp = NO_TIMESTAMP;
  /** First offset of the transaction it has open here. */
  transactionStart = NO_OFFSET;

  /** What the producer looks like once everything in flight is written. Equal to the above where nothing is. */
  pendingEpoch = NO_EPOCH;
  pendingLastSequence = NO_SEQUENCE;
  /** Batches in flight, of the pending epoch; and of any. */
  pendingBatches = 0;
  inFlight = 0;
  pendingTransaction = false;

  // A ring of batches, each four numbers: last sequence, last offset, offset delta, timestamp. Batch number i (0 the oldest)
  // is in place (#oldest + i) mod 5. One array, grown on demand: most producers of a large log have sent one batch.
  #oldest = 0;
  #count = 0;
  readonly #ring: number[] = [];

  constructor(producerId: number) {
    this.producerId = producerId;
  }

  get batches(): number {
    return this.#count;
  }

  /** It has left something in the log: an epoch, or, of a producer that has none, batches. */
  get isCommitted(): boolean {
    return this.epoch !== NO_EPOCH || this.#count > 0;
  }

  get lastSequence(): number {
    return this.#count === 0 ? NO_SEQUENCE : this.#ring[this.#newest]!;
  }

  get lastOffset(): number {
    return this.#count === 0 ? NO_OFFSET : this.#ring[this.#newest + LAST_OFFSET]!;
  }

  get lastOffsetDelta(): number {
    return this.#count === 0 ? 0 : this.#ring[this.#newest + OFFSET_DELTA]!;
  }

  get #newest(): number {
    return this.#place(this.#count - 1);
  }

  /** Where batch number i lies in the ring. */
  #place(i: number): number {
    const index = this.#oldest + i;
    return (index < REMEMBERED ? index : index - REMEMBERED) * FIELDS;
  }

  add(epoch: number, lastSequence: number, lastOffset: number, offsetDelta: number, timestamp: number): void {
    this.adoptEpoch(epoch);
    const full = this.#count === REMEMBERED;
    const at = full ? this.#oldest * FIELDS : this.#place(this.#count);
    this.#ring[at] = lastSequence;
    this.#ring[at + LAST_OFFSET] = lastOffset;
    this.#ring[at + OFFSET_DELTA] = offsetDelta;
    this.#ring[at + TIMESTAMP] = timestamp;
    if (full) this.#oldest = this.#oldest === REMEMBERED - 1 ? 0 : this.#oldest + 1;
    else this.#count += 1;
    this.lastTimestamp = timestamp;
  }

  /** Another epoch counts its sequences anew. */
  adoptEpoch(epoch: number): void {
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    this.#oldest = 0;
    this.#count = 0;
  }

  /**
   * Where the batch of exactly these sequences is remembered, for baseOffsetAt and timestampAt, or -1. Batches in
   * flight count as remembered already, so the oldest ones give way to them.
   */
  find(firstSequence: number, lastSequence: number): number {
    for (let i = Math.max(0, this.#count + this.pendingBatches - REMEMBERED); i < this.#count; i++) {
      const at = this.#place(i);
      if (this.#ring[at] === lastSequence && sequenceBefore(lastSequence, this.#ring[at + OFFSET_DELTA]!) === firstSequence) return at;
    }
    return -1;
  }

  baseOffsetAt(place: number): number {
    return this.#ring[place + LAST_OFFSET]! - this.#ring[place + OFFSET_DELTA]!;
  }

  lastOffsetAt(place: number): number {
    return this.#ring[place + LAST_OFFSET]!;
  }

  timestampAt(place: number): number {
    return this.#ring[place + TIMESTAMP]!;
  }

  /** The pending state is the real one, where nothing is in flight. */
  settle(): void {
    if (this.inFlight > 0) return;
    this.pendingEpoch = this.epoch;
    this.pendingLastSequence = this.lastSequence;
    this.pendingBatches = 0;
    this.pendingTransaction = this.transactionStart !== NO_OFFSET;
  }
}
