// Deadlines by the thousand for the price of one timer: a hashed wheel that ticks only while something is due.

import type { Clock } from './clock.js';
import type { Timer, Timers } from './timers.js';

const SLOTS = 512;

/** An entry of the wheel. Embed it in what waits; one entry is in the wheel at most once. */
export class Deadline {
  /** Called once, when the deadline has passed. */
  readonly expire: () => void;
  tick = -1;
  next: Deadline | undefined;
  previous: Deadline | undefined;
  constructor(expire: () => void) {
    this.expire = expire;
  }
}

/** Deadlines are kept to within one tick, never early. */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #tickMs: number;
  readonly #slots: (Deadline | undefined)[] = new Array<Deadline | undefined>(SLOTS).fill(undefined);
  #count = 0;
  #tick = 0;
  #origin = 0;
  #running: Timer | undefined;

  constructor(clock: Clock, timers: Timers, tickMs = 5) {
    this.#clock = clock;
    this.#timers = timers;
    this.#tickMs = tickMs;
  }

  get size(): number {
    return this.#count;
  }

  add(deadline: Deadline, delayMs: number): void {
    if (this.#running === undefined) this.#start();
    const due = this.#clock.monotonic() - this.#origin + Math.max(delayMs, 0);
    deadline.tick = Math.max(Math.ceil(due / this.#tickMs), this.#tick + 1);
    const slot = deadline.tick % SLOTS;
    const head = this.#slots[slot];
    deadline.next = head;
    deadline.previous = undefined;
    if (head !== undefined) head.previous = deadline;
    this.#slots[slot] = deadline;
    this.#count++;
  }

  /** Safe when it is not in the wheel (any more). */
  remove(deadline: Deadline): void {
    if (deadline.tick < 0) return;
    if (deadline.previous !== undefined) deadline.previous.next = deadline.next;
    else this.#slots[deadline.tick % SLOTS] = deadline.next;
    if (deadline.next !== undefined) deadline.next.previous = deadline.previous;
    deadline.next = undefined;
    deadline.previous = undefined;
    deadline.tick = -1;
    if (--this.#count === 0) this.#stop();
  }

  close(): void {
    this.#stop();
  }

  #start(): void {
    this.#origin = this.#clock.monotonic();
    this.#tick = 0;
    this.#running = this.#timers.every(this.#tickMs, () => this.#advance());
  }

  #stop(): void {
    this.#running?.cancel();
    this.#running = undefined;
  }

  #advance(): void {
    const now = Math.floor((this.#clock.monotonic() - this.#origin) / this.#tickMs);
    // A stalled process may owe more ticks than there are slots: one round of the wheel settles them all.
    const last = Math.min(now, this.#tick + SLOTS);
    const due: Deadline[] = [];
    while (this.#tick < last) {
      this.#tick++;
      for (let entry = this.#slots[this.#tick % SLOTS]; entry !== undefined; entry = entry.next) if (entry.tick <= now) due.push(entry);
    }
    this.#tick = Math.max(this.#tick, now);
    for (const entry of due) {
      if (entry.tick < 0) continue;
      this.remove(entry);
      entry.expire();
    }
  }
}
