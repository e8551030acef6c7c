import { logEntry, logHeader, logName } from './log-file.js';
import type { AppendFile, Storage } from './storage.js';

export interface TransactionLogEvents {
  /** Everything up to this transaction is on disk. */
  onDurable(zxid: number): void;
  /** A write or sync failed. Nobody knows what is on disk, so nothing is written any more. */
  onFailure(error: unknown): void;
}

/**
 * Appends with group commit: while one batch is being synced the next one gathers, and its first transaction does not
 * wait for the last. Callers wait for `onDurable`, never for the disk.
 */
export class TransactionLog {
  readonly #storage: Storage;
  readonly #dbid: bigint;
  readonly #events: TransactionLogEvents;
  #batch: Buffer[] = [];
  #batchStart = 0;
  #appended: number;
  #durable: number;
  #backlog = 0;
  #written = 0;
  #file: AppendFile | undefined;
  #commit: Promise<void> | undefined;
  #failed = false;
  #rolling = false;

  constructor(storage: Storage, dbid: bigint, lastZxid: number, events: TransactionLogEvents) {
    this.#storage = storage;
    this.#dbid = dbid;
    this.#appended = this.#durable = lastZxid;
    this.#events = events;
  }

  get durable(): number {
    return this.#durable;
  }

  /** Bytes that wait for the disk. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Bytes in the current file. */
  get written(): number {
    return this.#written;
  }

  /** Takes a transaction. It is written with the next flush(). */
  append(zxid: number, transaction: Buffer): void {
    if (this.#batch.length === 0) this.#batchStart = zxid;
    const entry = logEntry(transaction);
    this.#batch.push(entry);
    this.#backlog += entry.length;
    this.#appended = zxid;
  }

  flush(): void {
    if (this.#commit !== undefined || this.#batch.length === 0 || this.#failed) return;
    this.#commit = this.#commitAll().catch((error: unknown) => {
      this.#failed = true;
      this.#events.onFailure(error);
    }).finally(() => {
      this.#commit = undefined;
    });
  }

  /** The next batch goes to a new file. */
  roll(): void {
    this.#rolling = true;
  }

  /** Everything appended is on disk, or the log has failed. */
  async settled(): Promise<boolean> {
    this.flush();
    await this.#commit;
    return !this.#failed && this.#durable === this.#appended;
  }

  async close(): Promise<void> {
    await this.settled();
    this.#failed = true;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #commitAll(): Promise<void> {
    while (this.#batch.length > 0) {
      const batch = this.#batch;
      const [first, last] = [this.#batchStart, this.#appended];
      this.#batch = [];
      const bytes = Buffer.concat(batch);
      await this.#write(bytes, first);
      this.#written += bytes.length;
      this.#backlog -= bytes.length;
      this.#durable = last;
      this.#events.onDurable(last);
    }
  }

  async #write(bytes: Buffer, firstZxid: number): Promise<void> {
    if (this.#rolling) {
      this.#rolling = false;
      await this.#file?.close();
      this.#file = undefined;
    }
    if (this.#file !== undefined) {
      await this.#file.append(bytes);
      return this.#file.sync();
    }
    this.#file = await this.#storage.create(logName(firstZxid));
    this.#written = 0;
    await this.#file.append(Buffer.concat([logHeader(this.#dbid), bytes]));
    // The two are independent, and both must have happened before anyone is told.
    await Promise.all([this.#file.sync(), this.#storage.syncDirectory()]);
  }
}
