import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/logger.js';
import type { Random } from '../../base/random.js';
import type { Timers } from '../../base/timers.js';
import { Outbox } from './outbox.js';
import { SessionTable, type ServerSession } from './sessions.js';
import { takeSnapshot } from './storage/snapshotter.js';
import type { Recovered } from './storage/recovery.js';
import type { Storage } from './storage/storage.js';
import { TransactionLog } from './storage/transaction-log.js';
import { encodeTransaction, type Transaction } from './transaction.js';
import type { Tree } from './tree.js';
import { WatchTable } from './watch-table.js';

export interface CoreOptions {
  readonly storage: Storage;
  readonly recovered: Recovered;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** A snapshot is taken when the log behind the last one is larger than this, and than the tree. */
  readonly snapshotAfterBytes: number;
  /** The disk failed. Nothing is served any more. */
  onFailure(error: unknown): void;
  /** The disk has taken what waited for it. */
  onDurable(): void;
}

/** A session's creation waits this long for something to share its way to the disk with. */
const LAZY_FLUSH_MS = 10;

/**
 * The server without its sockets. A write is decided, applied and appended in one turn; what is said of it, to anybody,
 * leaves when it is on disk. So no answer tells of something that a crash could undo.
 */
export class ServerCore {
  readonly options: CoreOptions;
  readonly tree: Tree;
  readonly sessions: SessionTable;
  readonly watches = new WatchTable();
  readonly outbox: Outbox<() => void>;
  readonly #log: TransactionLog;
  readonly #secret: bigint;
  #lastZxid: number;
  #seenZxid: number;
  #snapshotting: Promise<void> | undefined;
  #unsnapshotted: number;
  #hasSnapshot: boolean;
  #awaiting: { readonly zxid: number; readonly resolve: (durable: boolean) => void }[] = [];
  #stopped = false;

  constructor(options: CoreOptions) {
    const { recovered, clock, timers, random } = options;
    this.options = options;
    this.tree = recovered.tree;
    this.#lastZxid = this.#seenZxid = recovered.lastZxid;
    this.#unsnapshotted = recovered.replayedBytes;
    this.#hasSnapshot = recovered.hasSnapshot;
    this.#secret = recovered.dbid === 0n ? random.bytes(8).readBigInt64BE() : recovered.dbid;
    this.outbox = new Outbox(recovered.lastZxid, deliver => deliver());
    this.#log = new TransactionLog(options.storage, this.#secret, recovered.lastZxid, {
      onDurable: zxid => this.#onDurable(zxid),
      onFailure: error => this.#onFailure(error),
    });
    this.sessions = new SessionTable({ clock, timers, random, secret: this.#secret, onExpired: session => this.#expire(session) });
    for (const [id, timeoutMs] of recovered.sessions) this.sessions.add(id, timeoutMs);
  }

  /** The last transaction that anybody may be told of, once it is on disk. */
  get seenZxid(): number {
    return this.#seenZxid;
  }

  get backlog(): number {
    return this.#log.backlog;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Takes effect now; what is said of it waits for flush(). */
  commit(sessionId: bigint, cxid: number, transaction: Transaction): void {
    const zxid = ++this.#lastZxid;
    // A session that is lost in a crash before its first write has expired, no more: its creation holds up nobody.
    if (transaction.type !== 'createSession') this.#seenZxid = zxid;
    const header = { sessionId, cxid, zxid, time: this.options.clock.now() };
    const ephemerals = transaction.type === 'closeSession' ? this.tree.ephemeralsOf(sessionId) : [];
    this.#log.append(zxid, encodeTransaction(header, transaction, ephemerals));
    this.tree.apply(header, transaction, (type, path) => this.watches.fire(type, path));
  }

  /** Says it when everything known now is on disk. */
  say(deliver: () => void): void {
    this.outbox.push(this.#seenZxid, deliver);
  }

  flush(): void {
    if (!this.#stopped) this.#log.flush();
  }

  openSession(askedTimeoutMs: number): ServerSession {
    const { minSessionTimeoutMs, maxSessionTimeoutMs, timers } = this.options;
    const timeoutMs = Math.min(Math.max(askedTimeoutMs, minSessionTimeoutMs), maxSessionTimeoutMs);
    const id = this.sessions.newId();
    this.commit(id, 0, { type: 'createSession', timeoutMs });
    timers.after(LAZY_FLUSH_MS, () => this.flush());
    return this.sessions.add(id, timeoutMs);
  }

  endSession(session: ServerSession, cxid: number): void {
    this.commit(session.id, cxid, { type: 'closeSession' });
    this.sessions.remove(session.id);
  }

  async close(): Promise<void> {
    const failed = this.#stopped;
    this.#stopped = true;
    this.sessions.stop();
    await this.#log.close();
    for (const { resolve } of this.#awaiting.splice(0)) resolve(this.#log.durable === this.#lastZxid);
    await this.#snapshotting;
    // So that Apache's server can go on here: it takes no directory without one.
    if (!failed && !this.#hasSnapshot && this.#log.durable === this.#lastZxid) await this.#snapshot(Promise.resolve(true));
  }

  #expire(session: ServerSession): void {
    if (this.#stopped) return;
    this.options.logger.info({ session: session.id.toString(16) }, 'ZooKeeper session expired');
    this.endSession(session, 0);
    session.holder?.release();
    this.flush();
  }

  #onDurable(zxid: number): void {
    this.outbox.release(zxid);
    this.#awaiting = this.#awaiting.filter(waiting => {
      if (waiting.zxid <= zxid) waiting.resolve(true);
      return waiting.zxid > zxid;
    });
    this.options.onDurable();
    this.#snapshotIfDue();
  }

  #snapshotIfDue(): void {
    const logged = this.#unsnapshotted + this.#log.written;
    if (this.#snapshotting !== undefined || this.#stopped || logged < Math.max(this.options.snapshotAfterBytes, this.tree.bytes)) return;
    this.#log.roll();
    this.#snapshotting = this.#snapshot(this.#durable(this.#lastZxid)).finally(() => {
      this.#snapshotting = undefined;
    });
  }

  async #snapshot(durable: Promise<boolean>): Promise<void> {
    const zxid = this.#lastZxid;
    const source = { dbid: this.#secret, sessions: this.sessions.timeouts(), nodes: this.tree.all() };
    try {
      await takeSnapshot(this.options.storage, zxid, source, durable);
      this.#unsnapshotted = 0;
      this.#hasSnapshot = true;
    } catch (error) {
      // The log still has everything. The next attempt comes when it has grown as much again.
      this.options.logger.error({ error, zxid }, 'the ZooKeeper snapshot failed');
      this.#unsnapshotted = -this.options.snapshotAfterBytes;
    }
  }

  #durable(zxid: number): Promise<boolean> {
    if (this.#log.durable >= zxid) return Promise.resolve(true);
    if (this.#stopped) return Promise.resolve(false);
    return new Promise(resolve => this.#awaiting.push({ zxid, resolve }));
  }

  #onFailure(error: unknown): void {
    this.#stopped = true;
    this.sessions.stop();
    for (const { resolve } of this.#awaiting.splice(0)) resolve(false);
    this.options.logger.error({ error }, 'the ZooKeeper log failed: nothing is served any more');
    this.options.onFailure(error);
  }
}
