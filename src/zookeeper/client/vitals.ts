import type { Clock } from '../../base/clock.js';
import type { Timer, Timers } from '../../base/timers.js';

export interface VitalsEvents {
  ping(): void;
  /** Nothing heard for two thirds of the session's time: this server is of no use any more. */
  silent(): void;
  /** Nobody has confirmed the session for all of its time: it must be taken to be over. */
  over(): void;
}

/**
 * Watches over a session's life by this machine's clock. Pings at one third of the session's timeout, gives a server up
 * at two thirds, and the session at three: the server counts from when it received something, which was not before we
 * sent it, so that after sending time plus timeout others may already have taken our place.
 */
export class Vitals {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #events: VitalsEvents;
  #timeoutMs = 0;
  #confirmed = 0;
  #lastHeard = 0;
  #lastSent = 0;
  #beat: Timer | undefined;
  #fence: Timer | undefined;

  constructor(clock: Clock, timers: Timers, events: VitalsEvents) {
    this.#clock = clock;
    this.#timers = timers;
    this.#events = events;
  }

  /** On a new connection, whose handshake was sent at `sentAt` and has just been answered. */
  connected(timeoutMs: number, sentAt: number): void {
    this.#timeoutMs = timeoutMs;
    this.#lastHeard = this.#lastSent = this.#clock.monotonic();
    this.confirmed(sentAt);
    this.#beat?.cancel();
    this.#scheduleBeat();
    if (this.#fence === undefined) this.#scheduleFence();
  }

  /** No connection: nothing to ping, but the session's time runs on. */
  disconnected(): void {
    this.#beat?.cancel();
    this.#beat = undefined;
  }

  /** No session. */
  stop(): void {
    this.disconnected();
    this.#fence?.cancel();
    this.#fence = undefined;
  }

  sent(): number {
    return (this.#lastSent = this.#clock.monotonic());
  }

  heard(): void {
    this.#lastHeard = this.#clock.monotonic();
  }

  /** What was sent then has been answered. */
  confirmed(sentAt: number): void {
    if (sentAt > this.#confirmed) this.#confirmed = sentAt;
  }

  /** True as soon as the time is up, also where a stalled process has not come to its timers yet. */
  get isOver(): boolean {
    return this.#fence !== undefined && this.#clock.monotonic() >= this.#confirmed + this.#timeoutMs;
  }

  #scheduleBeat(): void {
    const due = Math.min(this.#lastHeard + (this.#timeoutMs * 2) / 3, this.#lastSent + this.#timeoutMs / 3);
    this.#beat = this.#timers.after(Math.max(due - this.#clock.monotonic(), 1), () => this.#onBeat(false));
  }

  #onBeat(again: boolean): void {
    const now = this.#clock.monotonic();
    if (now - this.#lastHeard >= (this.#timeoutMs * 2) / 3) {
      if (again) return this.#events.silent();
      // A process that was stalled finds its timers due before it has read what lies in its sockets: look once more.
      this.#beat = this.#timers.after(1, () => this.#onBeat(true));
      return;
    }
    if (now - this.#lastSent >= this.#timeoutMs / 3) this.#events.ping();
    this.#scheduleBeat();
  }

  #scheduleFence(): void {
    const left = this.#confirmed + this.#timeoutMs - this.#clock.monotonic();
    this.#fence = this.#timers.after(Math.max(left, 1), () => {
      if (!this.isOver) return this.#scheduleFence();
      this.stop();
      this.#events.over();
    });
  }
}
