// Asynchronous native calls as promises: a cookie goes out, a completion with it comes back.

import { nativeCodeName } from './codes.js';
import { CompletionField, type NativeExchange } from './exchange.js';

/** The three values a job's completion carries, and its code (0: well). */
export interface JobResult {
  readonly code: number;
  readonly first: number;
  readonly second: number;
  readonly third: number;
  readonly fourth: number;
}

/** A native call that failed. Codes are those of native/base/status.h. */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  readonly code: number;
  constructor(what: string, code: number) {
    super(`${what} failed: ${nativeCodeName(code)}`);
    this.code = code;
  }
}

export class Jobs {
  readonly #native: NativeExchange;
  readonly #waiting = new Map<number, (result: JobResult) => void>();
  #next = 1;

  constructor(native: NativeExchange) {
    this.#native = native;
  }

  /** Starts a job and calls back on the main isolate when it has ended, in the order of completions. */
  start(begin: (native: NativeExchange, cookie: number) => void, ended: (result: JobResult) => void): void {
    const cookie = this.#next++;
    this.#waiting.set(cookie, ended);
    try {
      begin(this.#native, cookie);
    } catch (error) {
      this.#waiting.delete(cookie);
      throw error;
    }
  }

  run(what: string, begin: (native: NativeExchange, cookie: number) => void): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      this.start(begin, result => (result.code === 0 ? resolve(result) : reject(new NativeError(what, result.code))));
    });
  }

  /** Called for each completion of kind `job`. */
  settle(completions: Float64Array, at: number): void {
    const cookie = completions[at + CompletionField.cookie]!;
    const ended = this.#waiting.get(cookie);
    if (ended === undefined) return;
    this.#waiting.delete(cookie);
    ended({
      code: completions[at + CompletionField.code]!,
      first: completions[at + CompletionField.baseOffset]!,
      second: completions[at + CompletionField.lastOffset]!,
      third: completions[at + CompletionField.timestamp]!,
      fourth: completions[at + CompletionField.position]!,
    });
  }
}
