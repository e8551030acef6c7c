// What a log knows of one producer: its epoch and its last five batches, each by its last sequence number
// (ProducerStateEntry.java). Numbers in flat arrays: there can be a hundred thousand producers, and every batch of
// theirs passes here.

export const NO_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_OFFSET = -1;
export const NO_TIMESTAMP = -1;

const REMEMBERED = 5;
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

  // A ring: the batch number i (0 the oldest) is at (#oldest + i) mod 5.
  #oldest = 0;
  #count = 0;
  readonly #lastSequences = [0, 0, 0, 0, 0];
  readonly #lastOffsets = [0, 0, 0, 0, 0];
  readonly #offsetDeltas = [0, 0, 0, 0, 0];
  readonly #timestamps = [0, 0, 0, 0, 0];

  constructor(producerId: number) {
    this.producerId = producerId;
  }

  get batches(): number {
    return this.#count;
  }

  get lastSequence(): number {
    return this.#count === 0 ? NO_SEQUENCE : this.#lastSequences[this.#newest]!;
  }

  get lastOffset(): number {
    return this.#count === 0 ? NO_OFFSET : this.#lastOffsets[this.#newest]!;
  }

  get lastOffsetDelta(): number {
    return this.#count === 0 ? 0 : this.#offsetDeltas[this.#newest]!;
  }

  get #newest(): number {
    return (this.#oldest + this.#count - 1) % REMEMBERED;
  }

  add(epoch: number, lastSequence: number, lastOffset: number, offsetDelta: number, timestamp: number): void {
    this.adoptEpoch(epoch);
    const full = this.#count === REMEMBERED;
    const at = (this.#oldest + this.#count) % REMEMBERED;
    this.#lastSequences[at] = lastSequence;
    this.#lastOffsets[at] = lastOffset;
    this.#offsetDeltas[at] = offsetDelta;
    this.#timestamps[at] = timestamp;
    if (full) this.#oldest = (this.#oldest + 1) % REMEMBERED;
    else this.#count += 1;
    this.lastTimestamp = timestamp;
  }

  /** Another epoch counts its sequences anew. */
  adoptEpoch(epoch: number): void {
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    this.#count = 0;
  }

  /**
   * Where the batch of exactly these sequences is remembered: an index for offsetAt and timestampAt, or -1. Batches in
   * flight count as remembered already, so the oldest ones give way to them.
   */
  find(firstSequence: number, lastSequence: number): number {
    for (let i = Math.max(0, this.#count + this.pendingBatches - REMEMBERED); i < this.#count; i++) {
      const at = (this.#oldest + i) % REMEMBERED;
      if (this.#lastSequences[at] === lastSequence && sequenceBefore(lastSequence, this.#offsetDeltas[at]!) === firstSequence) return at;
    }
    return -1;
  }

  baseOffsetAt(index: number): number {
    return this.#lastOffsets[index]! - this.#offsetDeltas[index]!;
  }

  timestampAt(index: number): number {
    return this.#timestamps[index]!;
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
