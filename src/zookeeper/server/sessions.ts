import { createHmac } from 'node:crypto';
import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import type { Timer, Timers } from '../../base/timers.js';
import { PASSWORD_BYTES } from '../jute/records.js';

/** Whoever a session speaks through at present. */
export interface SessionHolder {
  /** The session went to another connection, or is over. */
  release(): void;
}

export interface ServerSession {
  readonly id: bigint;
  readonly timeoutMs: number;
  expiresAt: number;
  holder: SessionHolder | undefined;
}

export interface SessionTableOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Passwords derive from it, so that they outlive a restart without being stored. */
  readonly secret: bigint;
  onExpired(session: ServerSession): void;
}

/** The top byte is a server's number in an ensemble; 0x80 and 0xff there would mean another kind of node's owner. */
const SERVER_NUMBER = 1n << 56n;
const COUNTER_BITS = 16n;
const MILLISECONDS = (1n << 40n) - 1n;

/** Who is alive. One timer, set for whoever may expire first. */
export class SessionTable {
  readonly #options: SessionTableOptions;
  readonly #sessions = new Map<bigint, ServerSession>();
  readonly #secret: Buffer;
  #nextId: bigint;
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(options: SessionTableOptions) {
    this.#options = options;
    this.#secret = Buffer.alloc(8);
    this.#secret.writeBigInt64BE(options.secret);
    this.#nextId = SERVER_NUMBER | ((BigInt(options.clock.now()) & MILLISECONDS) << COUNTER_BITS) | BigInt(options.random.int(0x8000));
  }

  get size(): number {
    return this.#sessions.size;
  }

  newId(): bigint {
    while (this.#sessions.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  passwordOf(id: bigint): Buffer {
    return createHmac('sha256', this.#secret).update(id.toString()).digest().subarray(0, PASSWORD_BYTES);
  }

  get(id: bigint): ServerSession | undefined {
    return this.#sessions.get(id);
  }

  timeouts(): Map<bigint, number> {
    return new Map([...this.#sessions.values()].map(({ id, timeoutMs }) => [id, timeoutMs]));
  }

  add(id: bigint, timeoutMs: number): ServerSession {
    const session = { id, timeoutMs, expiresAt: 0, holder: undefined };
    this.#sessions.set(id, session);
    this.touch(session);
    this.#wakeAt(session.expiresAt);
    return session;
  }

  touch(session: ServerSession): void {
    session.expiresAt = this.#options.clock.monotonic() + session.timeoutMs;
  }

  remove(id: bigint): void {
    this.#sessions.delete(id);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timerAt = -Infinity;
  }

  #wakeAt(time: number): void {
    if (time >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = time;
    this.#timer = this.#options.timers.after(Math.max(time - this.#options.clock.monotonic(), 1), () => this.#look(false));
  }

  #look(again: boolean): void {
    const now = this.#options.clock.monotonic();
    const late = [...this.#sessions.values()].filter(session => session.expiresAt <= now);
    if (late.length > 0 && !again) {
      // A process that was stalled finds its timers due before it has read the pings that lie in its sockets.
      this.#timer = this.#options.timers.after(1, () => this.#look(true));
      return;
    }
    this.#timerAt = Infinity;
    for (const session of late) this.#options.onExpired(session);
    const next = Math.min(...[...this.#sessions.values()].map(session => session.expiresAt));
    if (next < Infinity) this.#wakeAt(next);
  }
}
