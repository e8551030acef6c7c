import type { Clock } from '../../base/clock.js';
import type { Timer, Timers } from '../../base/timers.js';

/** A deadline that can be moved. A state machine holds alarms; only the runtime knows what time it is. */
export interface Alarm {
  /** Rings `ms` from now, whatever was set before. */
  set(ms: number): void;
  clear(): void;
}

/**
 * An alarm that is cheap to postpone. Every heartbeat moves a session's deadline, nearly none lets it pass, so moving
 * it only writes a number. The timer underneath, when it fires too early, goes to sleep again for the rest.
 */
export class LazyAlarm implements Alarm {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #ring: () => void;
  #deadline = Infinity;
  #timer: Timer | null = null;
  #firesAt = Infinity;

  constructor(clock: Clock, timers: Timers, ring: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#ring = ring;
  }

  set(ms: number): void {
    this.#deadline = this.#clock.monotonic() + ms;
    if (this.#timer !== null && this.#firesAt <= this.#deadline) return;
    this.#timer?.cancel();
    this.#sleep(ms);
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#deadline = Infinity;
  }

  #sleep(ms: number): void {
    this.#firesAt = this.#clock.monotonic() + ms;
    this.#timer = this.#timers.after(ms, () => this.#fired());
  }

  #fired(): void {
    this.#timer = null;
    const left = this.#deadline - this.#clock.monotonic();
    // Timers may fire a fraction of a millisecond early; that is not worth another sleep.
    if (left >= 1) return this.#sleep(left);
    this.#deadline = Infinity;
    this.#ring();
  }
}
