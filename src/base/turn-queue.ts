// Long work of the request path cut up: however much of it there is at once, everybody else is served between two turns.

import type { Clock } from './clock.js';
import { failure } from './failure.js';
import { silentLogger, type Logger } from './logger.js';
import type { Timers } from './timers.js';

const LONGEST_TURN_MS = 2;

export class TurnQueue {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #logger: Logger;
  #waiting: (() => void)[] = [];
  #armed = false;
  #closed = false;

  constructor(clock: Clock, timers: Timers, logger: Logger = silentLogger) {
    this.#clock = clock;
    this.#timers = timers;
    this.#logger = logger;
  }

  /**
   * Calls `step` in later turns, one turn of whoever has work at a time, as long as it says that there is more, and then
   * `done`. A step does a small part: the clock is looked at behind each. Where one of the two throws, that is the end of
   * this work alone: it is logged, and `broke` called.
   */
  work(step: () => boolean, done: () => void, broke: (error: unknown) => void): void {
    this.#waiting.push(() => {
      try {
        const began = this.#clock.monotonic();
        let more = step();
        while (more && this.#clock.monotonic() - began < LONGEST_TURN_MS) more = step();
        if (more) this.work(step, done, broke);
        else done();
      } catch (error) {
        this.#failed(error, broke);
      }
    });
    this.#arm();
  }

  #failed(error: unknown, broke: (error: unknown) => void): void {
    this.#logger.error({ error: failure(error) }, 'a request failed in its turn');
    try {
      broke(error);
    } catch (again) {
      this.#logger.error({ error: failure(again) }, 'a request could not be ended');
    }
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
