import { logEntry, logHeader, logName } from './log-file.js';
import { isShortage, probeRoom } from './shortage.js';
import type { AppendFile, Storage } from './storage.js';

export interface TransactionLogEvents {
  /** Everything up to this transaction is on disk. */
  onDurable(zxid: number): void;
  /** There is no room for what comes after `durable`. It is forgotten, and nothing is taken until reopen() says so. */
  onFull(error: unknown): void;
  /** A write or sync failed. Nobody knows what is on disk, so nothing is written any more. */
  onFailure(error: unknown): void;
}

interface CurrentFile {
  readonly name: string;
  /** Undefined while it is being made. */
  file: AppendFile | undefined;
  /** What of it is known to be on disk. */
  length: number;
}

/**
 * Appends with group commit: while one batch is being synced the next one gathers, and its first transaction does not
 * wait for the last. Callers wait for `onDurable`, never for the disk.
 *
 * A full disk ends a file, not the log: whatever lies behind its last synced byte is cut off, durably, and the log goes
 * on in a new file. Never in the old one, for the failure may have been the sync's: then the system may have dropped
 * the pages and would call the next sync a success. Any other failure ends the log. What the disk has of the last batch
 * is unknown then, and so is whether cutting it off would last: only a new start, which reads what is there, can tell.
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
  #current: CurrentFile | undefined;
  #commit: Promise<void> | undefined;
  #state: 'open' | 'full' | 'ended' = 'open';
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

  /** Bytes written since the last roll(). */
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
    if (this.#commit !== undefined || this.#batch.length === 0 || this.#state !== 'open') return;
    this.#commit = this.#commitAll().catch((error: unknown) => this.#onError(error)).finally(() => {
      this.#commit = undefined;
    });
  }

  /** The next batch goes to a new file. */
  roll(): void {
    this.#rolling = true;
  }

  /** After onFull: clears away what was half written, and looks for room. False: not yet. */
  async reopen(): Promise<boolean> {
    try {
      await this.#cutTail();
      await probeRoom(this.#storage);
      if (this.#state === 'full') this.#state = 'open';
      return this.#state === 'open';
    } catch (error) {
      if (!isShortage(error)) this.#onError(error);
      return false;
    }
  }

  /** Everything appended is on disk, or the log has failed. */
  async settled(): Promise<boolean> {
    this.flush();
    await this.#commit;
    return this.#state !== 'ended' && this.#durable === this.#appended;
  }

  async close(): Promise<void> {
    await this.settled();
    // Where that does not work the next start cuts it off.
    if (this.#state === 'full') await this.#cutTail().catch(() => {});
    this.#state = 'ended';
    await this.#leaveFile();
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
      this.#written = 0;
      await this.#leaveFile();
    }
    if (this.#current !== undefined) return this.#extend(this.#current, bytes);
    const current: CurrentFile = (this.#current = { name: logName(firstZxid), file: undefined, length: 0 });
    current.file = await this.#storage.create(current.name);
    await this.#extend(current, Buffer.concat([logHeader(this.#dbid), bytes]), () => this.#storage.syncDirectory());
  }

  async #extend(current: CurrentFile, bytes: Buffer, syncName?: () => Promise<void>): Promise<void> {
    const file = current.file!;
    await file.append(bytes);
    // The two are independent, and both must have happened, or failed, before anything else does.
    const outcomes = await Promise.allSettled([file.sync(), syncName?.()]);
    const failures = outcomes.filter(outcome => outcome.status === 'rejected').map(({ reason }) => reason as unknown);
    if (failures.length > 0) throw failures.find(failure => !isShortage(failure)) ?? failures[0];
    current.length += bytes.length;
  }

  /** Everything in it is on disk already. */
  async #leaveFile(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.file?.close().catch(() => {});
  }

  async #cutTail(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    await current.file?.close().catch(() => {});
    current.file = undefined;
    // For good, before the numbers in it are given again: it may be on disk as a whole, and only its name's sync have failed.
    if (current.length > 0) await this.#storage.truncate(current.name, current.length);
    else {
      await this.#storage.remove(current.name);
      await this.#storage.syncDirectory();
    }
    this.#current = undefined;
  }

  #onError(error: unknown): void {
    this.#batch = [];
    this.#backlog = 0;
    this.#appended = this.#durable;
    this.#state = isShortage(error) ? 'full' : 'ended';
    if (this.#state === 'full') this.#events.onFull(error);
    else this.#events.onFailure(error);
  }
}
