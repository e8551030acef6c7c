import type { ErrorCode } from '../../protocol/errors.js';

/**
 * What a state machine wants done. The records are appended as a whole; once they are committed each is applied and
 * `reply` is released. A decision without records is answered at once.
 */
export interface Decision<Rec, Reply> {
  readonly records: readonly Rec[];
  readonly reply: Reply;
  /** Called when the records have been applied, before `reply` is released; not when `failed` was called before. */
  readonly committed?: () => void;
  /**
   * The reply when the log refused the records or took too long. Also takes back whatever deciding has changed in
   * anticipation. Without it `reply` stands whatever becomes of the records.
   */
  readonly failed?: (error: ErrorCode) => Reply;
}

export function answer<Rec, Reply>(reply: Reply): Decision<Rec, Reply> {
  return { records: [], reply };
}

/** The other end of a parked request. Answer it once; what comes later is ignored. */
export interface Ticket<Reply> {
  answer(reply: Reply): void;
}

export function ticket<Reply>(): { ticket: Ticket<Reply>; answered: Promise<Reply> } {
  const { promise, resolve } = promiseParts<Reply>();
  return { ticket: { answer: resolve }, answered: promise };
}

function promiseParts<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>(fulfil => { resolve = fulfil; });
  return { promise, resolve };
}
