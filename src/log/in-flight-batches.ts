import { invariant } from '../base/invariant.js';
import type { ProducerEntry } from './producer-entry.js';

export interface InFlightBatch {
  entry: ProducerEntry;
  epoch: number;
  firstSequence: number;
  lastSequence: number;
  transactional: boolean;
}

/** How many used slots may pile up before the head of a queue that never runs empty. */
const LONGEST_TAIL = 256;

/** Batches of producers that were handed to the log thread, oldest first. Slots are used again: an append allocates nothing. */
export class InFlightBatches {
  readonly #slots: InFlightBatch[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(entry: ProducerEntry, epoch: number, firstSequence: number, lastSequence: number, transactional: boolean): void {
    const slot = this.#slots[this.#head + this.#length];
    if (slot === undefined) this.#slots.push({ entry, epoch, firstSequence, lastSequence, transactional });
    else {
      slot.entry = entry;
      slot.epoch = epoch;
      slot.firstSequence = firstSequence;
      slot.lastSequence = lastSequence;
      slot.transactional = transactional;
    }
    this.#length += 1;
  }

  /** The oldest, valid until the next push. */
  shift(): InFlightBatch {
    invariant(this.#length > 0, 'an append completed that was not in flight');
    const slot = this.#slots[this.#head]!;
    this.#head += 1;
    this.#length -= 1;
    if (this.#length === 0) this.#head = 0;
    else if (this.#head === LONGEST_TAIL) {
      this.#slots.push(...this.#slots.splice(0, LONGEST_TAIL));
      this.#head = 0;
    }
    return slot;
  }

  /** Whether exactly this batch, of the entry's pending epoch, is among them. */
  has(entry: ProducerEntry, firstSequence: number, lastSequence: number): boolean {
    for (let at = this.#head; at < this.#head + this.#length; at++) {
      const slot = this.#slots[at]!;
      if (slot.entry === entry && slot.epoch === entry.pendingEpoch && slot.firstSequence === firstSequence && slot.lastSequence === lastSequence) return true;
    }
    return false;
  }
}
