import type { Clock } from '../../base/clock.js';
import type { Timers } from '../../base/timers.js';

// How long one step of long work may hold the main isolate.
const STEP_MS = 1;

/** Cuts long work up. Ask `isOver` every now and then, and when it is, await next(). */
export class Turns {
  readonly #clock: Clock;
  readonly #timers: Timers;
  #began: number;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    this.#began = clock.monotonic();
  }

  get isOver(): boolean {
    return this.#clock.monotonic() - this.#began >= STEP_MS;
  }

  /** Lets everybody else work first. */
  async next(): Promise<void> {
    await new Promise<void>(resolve => { this.#timers.after(0, resolve); });
    this.#began = this.#clock.monotonic();
  }
}
