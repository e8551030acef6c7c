// System timers, but for those calls that a story makes when it is ready for them.
import { systemTimers, type Timer, type Timers } from '../../src/base/timers.js';

export class ManualTimers implements Timers {
  readonly #held: { readonly ms: number; readonly action: () => void }[] = [];
  readonly #heldMs: ReadonlySet<number>;

  /** Single calls after so many milliseconds wait for fire(). */
  constructor(heldMs: readonly number[]) {
    this.#heldMs = new Set(heldMs);
  }

  after(ms: number, action: () => void): Timer {
    if (!this.#heldMs.has(ms)) return systemTimers.after(ms, action);
    const call = { ms, action };
    this.#held.push(call);
    return { cancel: () => { if (this.#held.includes(call)) this.#held.splice(this.#held.indexOf(call), 1); } };
  }

  every(ms: number, action: () => void): Timer {
    return systemTimers.every(ms, action);
  }

  /** Makes the calls that are due after `ms`; says how many. */
  fire(ms: number): number {
    const due = this.#held.filter(call => call.ms === ms);
    for (const call of due) {
      this.#held.splice(this.#held.indexOf(call), 1);
      call.action();
    }
    return due.length;
  }
}
