import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/logger.js';
import type { Random } from '../../base/random.js';
import type { Timers } from '../../base/timers.js';
import { ZkError } from '../types.js';
import { Backoff } from './backoff.js';
import { InFlight, type InFlightTransaction } from './in-flight.js';
import { Outbox } from './outbox.js';
import { SessionTable, type ServerSession } from './sessions.js';
import { takeSnapshot } from './storage/snapshotter.js';
import type { Recovered } from './storage/recovery.js';
import type { Storage } from './storage/storage.js';
import { TransactionLog } from './storage/transaction-log.js';
import { encodeTransaction, type Transaction } from './transaction.js';
import type { NodeAsOf, Tree } from './tree.js';
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
  /** Nothing, or less, waits for the disk. */
  onRelieved(): void;
}

/** Whoever something is said to. */
export interface Listener {
  /** It was told less than what happened to it: its client has to begin anew. */
  destroy(): void;
}

/** A session's creation waits this long for something to share its way to the disk with. */
const LAZY_FLUSH_MS = 10;

/**
 * The server without its sockets. A write is decided, applied and appended in one turn; what is said of it, to anybody,
 * leaves when it is on disk. So no answer tells of something that a crash could undo.
 *
 * Or want of room. Then everything that is not on disk is undone, and whoever had something to hear of it loses the
 * connection, which is what there is to say: its writes may or may not have been done, its watches may have fired.
 * Reads and sessions go on, writes are refused with SYSTEMERROR, until there is room.
 */
export class ServerCore {
  readonly options: CoreOptions;
  readonly tree: Tree;
  readonly sessions: SessionTable;
  readonly watches = new WatchTable();
  readonly #outbox: Outbox<{ readonly listener: Listener; readonly deliver: () => void }>;
  readonly #inFlight = new InFlight();
  readonly #log: TransactionLog;
  readonly #reopening: Backoff;
  /** Opened while there was no room for them in the log. They have written nothing. */
  readonly #unlogged = new Set<bigint>();
  readonly #secret: bigint;
  #lastZxid: number;
  #seenZxid: number;
  #snapshotting: Promise<void> | undefined;
  #unsnapshotted: number;
  #hasSnapshot: boolean;
  #awaiting: { readonly zxid: number; readonly resolve: (durable: boolean) => void }[] = [];
  #full = false;
  #stopped = false;

  constructor(options: CoreOptions) {
    const { recovered, clock, timers, random } = options;
    this.options = options;
    this.tree = recovered.tree;
    this.#lastZxid = this.#seenZxid = recovered.lastZxid;
    this.#unsnapshotted = recovered.replayedBytes;
    this.#hasSnapshot = recovered.hasSnapshot;
    this.#secret = recovered.dbid === 0n ? random.bytes(8).readBigInt64BE() : recovered.dbid;
    this.#outbox = new Outbox(recovered.lastZxid, ({ deliver }) => deliver());
    this.#log = new TransactionLog(options.storage, this.#secret, recovered.lastZxid, {
      onDurable: zxid => this.#onDurable(zxid),
      onFull: error => this.#onFull(error),
      onFailure: error => this.#onFailure(error),
    });
    this.#reopening = new Backoff(timers, () => this.#log.reopen(), () => this.#onRoom());
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

  /** Writes are refused at present: the disk is full. */
  get readOnly(): boolean {
    return this.#full;
  }

  /** Takes effect now; what is said of it waits for flush(). @returns what a multi's changes did: Tree.apply(). */
  commit(sessionId: bigint, cxid: number, transaction: Transaction): readonly NodeAsOf[] {
    if (this.#full) throw new ZkError('SYSTEMERROR', '', [], 'the disk is full');
    const zxid = ++this.#lastZxid;
    this.#inFlight.push({
      zxid, sessionId, type: transaction.type, seenBefore: this.#seenZxid, nodes: this.tree.before(sessionId, transaction),
      timeoutMs: this.sessions.get(sessionId)?.timeoutMs ?? 0,
    });
    // A session that is lost in a crash before its first write has expired, no more: its creation holds up nobody.
    if (transaction.type !== 'createSession') this.#seenZxid = zxid;
    const header = { sessionId, cxid, zxid, time: this.options.clock.now() };
    const ephemerals = transaction.type === 'closeSession' ? this.tree.ephemeralsOf(sessionId) : [];
    this.#log.append(zxid, encodeTransaction(header, transaction, ephemerals));
    return this.tree.apply(header, transaction, (type, path) => this.watches.fire(type, path));
  }

  /** Says it when everything known now is on disk. */
  say(listener: Listener, deliver: () => void): void {
    this.#outbox.push(this.#seenZxid, { listener, deliver });
  }

  flush(): void {
    if (!this.#stopped) this.#log.flush();
  }

  openSession(askedTimeoutMs: number): ServerSession {
    const { minSessionTimeoutMs, maxSessionTimeoutMs, timers } = this.options;
    const timeoutMs = Math.min(Math.max(askedTimeoutMs, minSessionTimeoutMs), maxSessionTimeoutMs);
    const id = this.sessions.newId();
    const session = this.sessions.add(id, timeoutMs);
    if (this.#full) this.#unlogged.add(id);
    else this.#logOpened(session);
    timers.after(LAZY_FLUSH_MS, () => this.flush());
    return session;
  }

  endSession(session: ServerSession, cxid: number): void {
    if (!this.#unlogged.delete(session.id)) this.commit(session.id, cxid, { type: 'closeSession' });
    this.sessions.remove(session.id);
  }

  #logOpened({ id, timeoutMs }: ServerSession): void {
    this.commit(id, 0, { type: 'createSession', timeoutMs });
  }

  async close(): Promise<void> {
    const failed = this.#stopped;
    this.#stopped = true;
    this.sessions.stop();
    await this.#reopening.stop();
    await this.#log.close();
    for (const { resolve } of this.#awaiting.splice(0)) resolve(this.#log.durable === this.#lastZxid);
    await this.#snapshotting;
    // So that Apache's server can go on here: it takes no directory without one.
    if (!failed && !this.#full && !this.#hasSnapshot && this.#log.durable === this.#lastZxid) await this.#snapshot(Promise.resolve(true));
  }

  #expire(session: ServerSession): void {
    if (this.#stopped) return;
    if (this.#full && !this.#unlogged.has(session.id)) {
      // Its end cannot be written down. It lives on, and may even be taken up again.
      this.sessions.touch(session);
      return;
    }
    this.options.logger.info({ session: session.id.toString(16) }, 'embedded coordination: a session has expired');
    this.endSession(session, 0);
    session.holder?.release();
    this.flush();
  }

  #onDurable(zxid: number): void {
    this.#inFlight.durable(zxid);
    this.#outbox.release(zxid);
    this.#awaiting = this.#awaiting.filter(waiting => {
      if (waiting.zxid <= zxid) waiting.resolve(true);
      return waiting.zxid > zxid;
    });
    this.options.onRelieved();
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

  #onFull(error: unknown): void {
    this.#full = true;
    this.options.logger.warn({ error }, 'no room for the ZooKeeper log: writes are refused until there is');
    const { undone, nodes } = this.#inFlight.takeAll();
    this.tree.restore(nodes);
    this.#lastZxid = this.#log.durable;
    this.#seenZxid = undone[0]?.seenBefore ?? this.#seenZxid;
    for (const transaction of undone.toReversed()) this.#undoSession(transaction);
    for (const { resolve } of this.#awaiting.splice(0)) resolve(false);
    for (const { listener } of this.#outbox.takeHeld()) listener.destroy();
    this.options.onRelieved();
    this.#reopening.start();
  }

  #undoSession({ type, sessionId, timeoutMs }: InFlightTransaction): void {
    if (type === 'closeSession') this.sessions.add(sessionId, timeoutMs);
    else if (type === 'createSession' && this.sessions.get(sessionId) !== undefined) this.#unlogged.add(sessionId);
  }

  #onRoom(): void {
    this.#full = false;
    this.options.logger.info({}, 'there is room for the ZooKeeper log again');
    for (const id of this.#unlogged) {
      const session = this.sessions.get(id);
      if (session !== undefined) this.#logOpened(session);
    }
    this.#unlogged.clear();
    this.flush();
  }

  #onFailure(error: unknown): void {
    this.#stopped = true;
    this.sessions.stop();
    for (const { resolve } of this.#awaiting.splice(0)) resolve(false);
    this.options.logger.error({ error }, 'the ZooKeeper log failed: nothing is served any more');
    this.options.onFailure(error);
  }
}
