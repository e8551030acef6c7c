import type { Timer, Timers } from '../../base/timers.js';

const FIRST_MS = 500;
const LONGEST_MS = 8000;

/** Tries something until it succeeds, at growing intervals. */
export class Backoff {
  readonly #timers: Timers;
  readonly #attempt: () => Promise<boolean>;
  readonly #succeeded: () => void;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(timers: Timers, attempt: () => Promise<boolean>, succeeded: () => void) {
    this.#timers = timers;
    this.#attempt = attempt;
    this.#succeeded = succeeded;
  }

  start(): void {
    this.#next(FIRST_MS);
  }

  /** Resolves when no attempt runs any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  #next(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = this.#timers.after(delayMs, () => {
      this.#running = this.#try(delayMs);
    });
  }

  async #try(delayMs: number): Promise<void> {
    const done = await this.#attempt();
    if (this.#stopped) return;
    if (done) this.#succeeded();
    else this.#next(Math.min(2 * delayMs, LONGEST_MS));
  }
}
