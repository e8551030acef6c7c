import type { LoggedRecord } from './batches.js';

/** A record as it lies in the log. */
export interface EncodedRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/**
 * One partition's share of a coordinator: everything that its records say, and whatever is derived from them. Holds no
 * clock, socket or promise. The runtime calls it, one call at a time.
 */
export interface StateMachine<Rec> {
  encode(record: Rec): EncodedRecord;
  /** Loading: a record found in the log. False when its kind is unknown; it is then skipped. */
  replay(record: LoggedRecord): boolean;
  /** Loading or live: a transaction marker. */
  endTransaction(producerId: number, committed: boolean): void;
  /** The log has been read to its end. Makes ready for requests, a little with each step. */
  loaded(): Iterable<void>;
  /** A record of a decision is committed; `offset` is the base offset of its batch. Called in log order. */
  apply(record: Rec, offset: number): void;
  /** A record of a decision will never be committed. */
  discard(record: Rec): void;
  /** This broker leads the partition no more: end every parked request and clear every alarm. */
  unload(): void;
}
