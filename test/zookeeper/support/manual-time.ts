import type { Clock } from '../../../src/base/clock.js';
import type { Timer, Timers } from '../../../src/base/timers.js';

interface Pending {
  at: number;
  readonly every: number | undefined;
  readonly action: () => void;
}

/** Clock and timers that move when the test says so. */
export class ManualTime implements Clock, Timers {
  #now = 1_000_000;
  readonly #pending = new Set<Pending>();

  now(): number {
    return 1_700_000_000_000 + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): Timer {
    return this.#add({ at: this.#now + ms, every: undefined, action });
  }

  every(ms: number, action: () => void): Timer {
    return this.#add({ at: this.#now + ms, every: ms, action });
  }

  /** Fires what falls due on the way, in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#pending].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      if (due.every === undefined) this.#pending.delete(due);
      else due.at += due.every;
      due.action();
    }
    this.#now = until;
  }

  /** As after a process was stopped and went on: the time has passed, and no timer has had its turn yet. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #add(pending: Pending): Timer {
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }
}
