import type { Clock } from '../../../src/base/clock.js';
import type { Timer, Timers } from '../../../src/base/timers.js';

/** Lets everything that is ready to run, run. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

interface Entry {
  at: number;
  readonly every: number | null;
  readonly action: () => void;
}

/** Clock and timers that move when told to. */
export class ManualTime implements Clock, Timers {
  #elapsed = 0;
  readonly #start: number;
  readonly #entries = new Set<Entry>();

  constructor(start = 1_700_000_000_000) {
    this.#start = start;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, action: () => void): Timer {
    return this.#add({ at: this.#elapsed + Math.max(ms, 0), every: null, action });
  }

  every(ms: number, action: () => void): Timer {
    return this.#add({ at: this.#elapsed + ms, every: ms, action });
  }

  /** How many timers are waiting. */
  get pending(): number {
    return this.#entries.size;
  }

  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settled();
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#elapsed = Math.max(this.#elapsed, next.at);
      if (next.every === null) this.#entries.delete(next);
      else next.at += next.every;
      next.action();
      await settled();
    }
    this.#elapsed = end;
  }

  #next(end: number): Entry | null {
    let first: Entry | null = null;
    for (const entry of this.#entries) if (entry.at <= end && (first === null || entry.at < first.at)) first = entry;
    return first;
  }

  #add(entry: Entry): Timer {
    this.#entries.add(entry);
    return { cancel: () => { this.#entries.delete(entry); } };
  }
}
