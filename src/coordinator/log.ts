import type { ErrorCode } from '../protocol/errors.js';

/** The internal topic, as a coordinator sees it. Replication implements it; tests have one in memory. */
export interface CoordinatorLog {
  /**
   * Appends one built batch with acks=all. Resolves with its base offset once it is committed, rejects with a
   * CoordinatorLogError once it is certain that it will not be, or when leadership is lost. The order of calls is the
   * order in the log, also while earlier calls are still waiting. Keep no time limit: the runtime has one for its
   * clients, and records that are committed after it still have to be applied.
   */
  append(partition: number, batch: Uint8Array): Promise<number>;
  /**
   * Whole batches from `offset` on, up to the end of the log, at least one if there is one. Empty means that nothing is left.
   * What a new leader's predecessor appended may not be committed yet: see committed().
   */
  read(partition: number, offset: number, maxBytes: number): Promise<{ bytes: Uint8Array; nextOffset: number }>;
  logStartOffset(partition: number): number;
  /** Resolves when everything below `offset` is committed; rejects with a CoordinatorLogError when leadership is lost before. */
  committed(partition: number, offset: number): Promise<void>;
}

/** A refused or failed append. `code` is what Produce would have answered. */
export class CoordinatorLogError extends Error {
  override readonly name = 'CoordinatorLogError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message?: string) {
    super(message ?? `append failed with error ${code}`);
    this.code = code;
  }
}
