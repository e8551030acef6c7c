// Long work of the request path cut up: however much of it there is at once, everybody else is served between two turns.

import type { Clock } from './clock.js';
import type { Timers } from './timers.js';

const LONGEST_TURN_MS = 2;

export class TurnQueue {
  readonly #clock: Clock;
  readonly #timers: Timers;
  #waiting: (() => void)[] = [];
  #armed = false;
  #closed = false;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  /**
   * Calls `step` in later turns, one turn of whoever has work at a time, as long as it says that there is more, and then
   * `done`. A step does a small part: the clock is looked at behind each.
   */
  work(step: () => boolean, done: () => void): void {
    this.#waiting.push(() => {
      const began = this.#clock.monotonic();
      let more = step();
      while (more && this.#clock.monotonic() - began < LONGEST_TURN_MS) more = step();
      if (more) this.work(step, done);
      else done();
    });
    this.#arm();
  }

  /** Nothing more is worked at. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  #arm(): void {
    if (this.#armed || this.#closed) return;
    this.#armed = true;
    this.#timers.after(0, () => {
      this.#armed = false;
      const turn = this.#waiting.shift();
      if (this.#waiting.length > 0) this.#arm();
      turn?.();
    });
  }
}
