// Time that moves only when everybody waits for it.

import type { Clock } from '../../../../src/base/clock.js';
import type { Timer, Timers } from '../../../../src/base/timers.js';

interface Due {
  readonly at: number;
  readonly action: () => void;
}

export class VirtualTime implements Clock, Timers {
  #now = 1000;
  readonly #due: Due[] = [];

  now(): number { return this.#now; }
  monotonic(): number { return this.#now; }

  after(ms: number, action: () => void): Timer {
    const due = { at: this.#now + Math.max(ms, 0), action };
    // Behind those that are due at the same time.
    const later = this.#due.findIndex(({ at }) => at > due.at);
    this.#due.splice(later < 0 ? this.#due.length : later, 0, due);
    return { cancel: () => { if (this.#due.includes(due)) this.#due.splice(this.#due.indexOf(due), 1); } };
  }

  every(ms: number, action: () => void): Timer {
    let timer: Timer;
    const again = (): void => { timer = this.after(ms, () => { action(); again(); }); };
    again();
    return { cancel: () => timer.cancel() };
  }

  /** Lets time pass until `holds`; fails where that does not come within `limitMs`. */
  async until(holds: () => boolean, what: string | (() => string), limitMs = 60_000): Promise<void> {
    const limit = this.#now + limitMs;
    for (;;) {
      await settled();
      if (holds()) return;
      const next = this.#due.shift();
      if (next === undefined || next.at > limit) throw new Error(`${typeof what === 'string' ? what : what()}: not within ${limitMs} ms`);
      this.#now = Math.max(this.#now, next.at);
      next.action();
    }
  }

  async pass(ms: number): Promise<void> {
    let over = false;
    this.after(ms, () => { over = true; });
    await this.until(() => over, 'time passes', ms + 1);
  }
}

/** All that follows from what happened so far has happened, but for what waits for time. */
function settled(): Promise<void> {
  return new Promise(resolve => void setImmediate(resolve));
}
