// Where the log goes. Nobody may have to read it for the broker to go on: a pipe that is full, or a terminal that was
// stopped, is never waited for.
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import type { Clock } from './clock.js';
import type { LogSink } from './json-logger.js';
import type { Timers } from './timers.js';

/** How many bytes were taken; 0 where none can be at present. Throws where none ever will. */
export type Take = (bytes: Uint8Array) => number;

export interface BoundedLogOptions {
  readonly take: Take;
  readonly clock: Clock;
  readonly timers: Timers;
  /** More than this does not wait. */
  readonly capacityBytes?: number;
}

const CAPACITY_BYTES = 1024 * 1024;
const RETRY_MS = 50;
const FLUSH_STEP_MS = 5;

/** Writes at once, so that the last line before a crash is there. What is not taken waits, as far as there is room. */
export class BoundedLog implements LogSink {
  readonly #take: Take;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #capacityBytes: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #retrying = false;

  constructor({ take, clock, timers, capacityBytes = CAPACITY_BYTES }: BoundedLogOptions) {
    this.#take = take;
    this.#clock = clock;
    this.#timers = timers;
    this.#capacityBytes = capacityBytes;
  }

  write(line: string): void {
    this.#drain();
    const bytes = Buffer.from(line);
    // Once something is missing, so is everything up to the line that says so.
    if (this.#dropped > 0 || (this.#waiting.length > 0 && this.#waitingBytes + bytes.length > this.#capacityBytes)) {
      this.#dropped++;
      return;
    }
    this.#push(bytes);
    this.#drain();
    this.#retry();
  }

  /** Waits, in place, until everything is taken, or for so long. For a process that is about to end. */
  flush(mostMs: number): void {
    const end = this.#clock.monotonic() + mostMs;
    for (this.#drain(); this.#waiting.length > 0 && this.#clock.monotonic() < end; this.#drain()) pause(FLUSH_STEP_MS);
  }

  #drain(): void {
    try {
      while (this.#waiting.length > 0) {
        const first = this.#waiting[0]!;
        const taken = this.#take(first);
        this.#waitingBytes -= taken;
        if (taken < first.length) {
          this.#waiting[0] = first.subarray(taken);
          return;
        }
        this.#waiting.shift();
        if (this.#waiting.length === 0 && this.#dropped > 0) this.#push(this.#apology());
      }
    } catch {
      // The reader is gone: the broker goes on without its log.
      this.#waiting = [];
      this.#waitingBytes = 0;
      this.#dropped = 0;
    }
  }

  #push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #apology(): Uint8Array {
    const line = { time: new Date(this.#clock.now()).toISOString(), level: 'warn', message: 'log lines were dropped: nobody took them', lines: this.#dropped };
    this.#dropped = 0;
    return Buffer.from(`${JSON.stringify(line)}\n`);
  }

  #retry(): void {
    if (this.#retrying || this.#waiting.length === 0) return;
    this.#retrying = true;
    this.#timers.after(RETRY_MS, () => {
      this.#retrying = false;
      this.#drain();
      this.#retry();
    });
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const STDERR = 2;

/** Standard error, never waited for. (A regular file takes everything at once.) */
export function takeByStderr(): Take {
  const fd = withoutWaiting();
  return bytes => {
    try {
      return writeSync(fd, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  };
}

function withoutWaiting(): number {
  // Written by its own offset: what Node or the addon say on it must not lie on top of ours.
  if (fstatSync(STDERR).isFile()) return STDERR;
  try {
    // Opened anew, since O_NONBLOCK belongs to what is opened: whoever shares ours, a shell, did not ask for it.
    return openSync(`/proc/self/fd/${STDERR}`, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
  } catch {
    // A socket (systemd's journal) cannot be. Node makes what it wraps non-blocking, pipes and sockets.
    void process.stderr;
    return STDERR;
  }
}
