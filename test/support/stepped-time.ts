// A clock and its timers that stand until a story lets time pass.
import type { Clock } from '../../src/base/clock.js';
import type { Timer, Timers } from '../../src/base/timers.js';

export class SteppedTime implements Clock, Timers {
  #now = 1_000;
  readonly #pending = new Set<{ due: number; readonly every: number | undefined; readonly action: () => void }>();

  now(): number { return this.#now; }
  monotonic(): number { return this.#now; }

  after(ms: number, action: () => void): Timer {
    return this.#add(ms, undefined, action);
  }

  every(ms: number, action: () => void): Timer {
    return this.#add(ms, ms, action);
  }

  /** Calls what falls due, in order. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#pending].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      this.#now = next.due;
      if (next.every === undefined) this.#pending.delete(next);
      else next.due += next.every;
      next.action();
    }
    this.#now = end;
  }

  #add(ms: number, every: number | undefined, action: () => void): Timer {
    const call = { due: this.#now + ms, every, action };
    this.#pending.add(call);
    return { cancel: () => this.#pending.delete(call) };
  }
}

/** Everything that is ready to go on has gone on. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
