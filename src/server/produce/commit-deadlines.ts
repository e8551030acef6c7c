// How long appends wait to be committed. They wait in native code, which knows since when and how long each of them may; this only
// makes it look now and then, while something waits.

import type { Timers } from '../../base/timers.js';
import type { Commands } from '../../native/commands.js';
import type { NativeExchange } from '../../native/exchange.js';
import { ErrorCode } from '../../protocol/errors.js';

/** No answer is later than its time by more than this. */
const TICK_MS = 20;

export class CommitDeadlines {
  readonly #native: NativeExchange;
  readonly #commands: Commands;
  readonly #timers: Timers;
  #running = false;
  /** Something was given to a log since the last look. */
  #news = false;

  constructor(native: NativeExchange, commands: Commands, timers: Timers) {
    this.#native = native;
    this.#commands = commands;
    this.#timers = timers;
  }

  /** An append that may have to wait is on its way to its log. */
  watch(): void {
    this.#news = true;
    if (!this.#running) this.#start();
  }

  #start(): void {
    this.#running = true;
    this.#timers.after(TICK_MS, () => this.#look());
  }

  #look(): void {
    this.#running = false;
    if (this.#commands.closed) return;
    const waiting = this.#native.expireParked(ErrorCode.RequestTimedOut);
    if (waiting > 0 || this.#news) this.#start();
    this.#news = false;
  }
}
