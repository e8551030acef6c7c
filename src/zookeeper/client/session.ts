// A session over whatever connections it takes.
//
//   disconnected -> connected <-> disconnected        another server, the same session
//   connected | disconnected -> expired               the server says so, or our clock does
//   expired -> disconnected                           reopen()
//   any -> authFailed, any -> closed                  for good
//
// Requests wait while there is no connection. What was on its way when a connection broke is sent again if it was a
// read; a write fails with CONNECTIONLOSS, because nobody knows whether it was done.
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/logger.js';
import type { Random } from '../../base/random.js';
import type { Timers } from '../../base/timers.js';
import { JuteReader } from '../jute/reader.js';
import { OpCode, PASSWORD_BYTES, Xid, eventName, sessionText } from '../jute/records.js';
import { ZkError, zkCodeName, type SessionState, type WatchEvent, type Watcher } from '../types.js';
import type { ServerAddress } from './address.js';
import type { Connection, Dial } from './connection.js';
import { Fifo } from './fifo.js';
import { endSession, handshake } from './handshake.js';
import { packet, setXid, type Request } from './request.js';
import { ServerList } from './server-list.js';
import { Vitals } from './vitals.js';
import { WatchRegistry } from './watches.js';
import { nextXid } from './xid.js';

export interface SessionOptions {
  readonly servers: readonly ServerAddress[];
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly dial: Dial;
  readonly maxPacketBytes: number;
  readonly maxInFlight: number;
  onState(state: SessionState): void;
  onEvent(watchers: ReadonlySet<Watcher>, event: WatchEvent): void;
}

interface Identity {
  readonly id: bigint;
  readonly password: Buffer;
}

const NOBODY: Identity = { id: 0n, password: Buffer.alloc(PASSWORD_BYTES) };

interface InFlight {
  readonly request: Request;
  readonly xid: number;
  readonly sentAt: number;
}

/** A read that keeps being followed by a lost connection is perhaps its cause: an answer too large, say. */
const MOST_SENDINGS = 3;
/** However many servers share a session's time: a handshake given up too early leaves a session behind at each try. */
const SHORTEST_HANDSHAKE_MS = 500;

export class Session {
  readonly #options: SessionOptions;
  readonly #servers: ServerList;
  readonly #vitals: Vitals;
  readonly #watches = new WatchRegistry();
  readonly #waiting = new Fifo<Request>();
  readonly #inFlight = new Fifo<InFlight>();
  readonly #sendings = new WeakMap<Request, number>();
  readonly #pings: number[] = [];
  readonly #authPackets: Buffer[] = [];
  #state: SessionState = 'disconnected';
  #identity = NOBODY;
  /** A session given up by our clock that a server may still hold, ephemerals and all. */
  #leftBehind: Identity | undefined;
  #lastZxid = 0;
  #xid = 0;
  #failures = 0;
  #connection: Connection | undefined;
  #seeking: AbortController | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#servers = new ServerList(options.servers, options.random);
    this.#vitals = new Vitals(options.clock, options.timers, {
      ping: () => this.#ping(),
      silent: () => this.#connection?.end('nothing heard for two thirds of the session timeout'),
      over: () => this.#giveUp(),
    });
  }

  get id(): string {
    return sessionText(this.#identity.id);
  }

  get state(): SessionState {
    if (this.#vitals.isOver) this.#giveUp();
    return this.#state;
  }

  open(): void {
    if (this.#seeking === undefined && this.#connection === undefined && this.state === 'disconnected') void this.#seek();
  }

  reopen(): void {
    if (this.state !== 'expired') return;
    this.#identity = NOBODY;
    this.#lastZxid = 0;
    this.#enter('disconnected');
    void this.#seek();
  }

  submit(request: Request): void {
    const state = this.state;
    if (state === 'expired') return request.reject(new ZkError('SESSIONEXPIRED', request.path));
    if (state === 'authFailed') return request.reject(new ZkError('AUTHFAILED', request.path));
    if (state === 'closed') return request.reject(new ZkError('CLOSED', request.path));
    this.#waiting.push(request);
    this.#pump();
  }

  addAuth(auth: Buffer): void {
    this.#authPackets.push(auth);
    this.#connection?.send(auth);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const connection = this.#connection;
    this.#over('closed', 'CLOSED');
    if (connection !== undefined) await endSession(connection, this.#options.timers, Math.min(this.#options.timeoutMs / 3, 2000));
  }

  /** Goes from server to server until one takes us. Ends with a connection, an expired session, or aborted. */
  async #seek(): Promise<void> {
    const seeking = (this.#seeking = new AbortController());
    const { signal } = seeking;
    while (!signal.aborted) {
      await this.#servers.pause(this.#failures, this.#options.timers, signal);
      if (signal.aborted) return;
      try {
        if (await this.#tryServer(this.#servers.next(), signal)) return;
      } catch (error) {
        this.#failures++;
        const { logger, servers } = this.#options;
        // Once round all of them is news; that it goes on is not.
        if (this.#failures === servers.length) logger.warn({ connect: servers.map(({ host, port }) => `${host}:${port}`).join(','), error: String(error) }, 'no ZooKeeper answers, trying on');
        else logger.debug({ error, failures: this.#failures }, 'no ZooKeeper session from this server');
      }
    }
  }

  async #tryServer(server: ServerAddress, signal: AbortSignal): Promise<boolean> {
    const { timeoutMs, timers, clock } = this.#options;
    const { id, password } = this.#leftBehind ?? this.#identity;
    const asked = { lastZxidSeen: this.#leftBehind === undefined ? this.#lastZxid : 0, timeoutMs, sessionId: id, password };
    const handshakeTimeoutMs = Math.max(timeoutMs / this.#options.servers.length, SHORTEST_HANDSHAKE_MS);
    const sentAt = clock.monotonic();
    const { connection, response } = await handshake({ ...this.#options, handshakeTimeoutMs }, server, asked, signal);
    if (signal.aborted) {
      connection.end('not wanted any more');
      return true;
    }
    if (this.#leftBehind !== undefined) {
      // Its ephemerals would stand in the way of the new session's for as long as the old one lasts.
      if (response.timeoutMs > 0) await endSession(connection, timers, handshakeTimeoutMs);
      else connection.end('expired');
      this.#leftBehind = undefined;
      this.#failures = 0;
      return false;
    }
    this.#seeking = undefined;
    if (response.timeoutMs <= 0) {
      connection.end('expired');
      this.#expire('the server says so');
      return true;
    }
    this.#established(connection, { id: response.sessionId, password: response.password }, response.timeoutMs, sentAt);
    return true;
  }

  #established(connection: Connection, identity: Identity, timeoutMs: number, sentAt: number): void {
    this.#identity = identity;
    this.#connection = connection;
    this.#vitals.connected(timeoutMs, sentAt);
    // Identities first: without them what follows may be refused. Then the watches, before anything is read.
    for (const auth of this.#authPackets) connection.send(auth);
    for (const rearm of this.#watches.rearm(this.#lastZxid)) connection.send(rearm);
    connection.listen({ onPacket: bytes => this.#onPacket(connection, bytes), onEnd: reason => this.#onEnd(connection, reason) });
    // It may have ended already.
    if (this.#connection !== connection) return;
    this.#enter('connected');
    this.#pump();
  }

  #pump(): void {
    while (this.#connection !== undefined && this.#inFlight.size < this.#options.maxInFlight) {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      this.#xid = nextXid(this.#xid);
      setXid(request.packet, this.#xid);
      this.#sendings.set(request, (this.#sendings.get(request) ?? 0) + 1);
      this.#inFlight.push({ request, xid: this.#xid, sentAt: this.#vitals.sent() });
      this.#connection.send(request.packet);
    }
  }

  #ping(): void {
    if (this.#connection === undefined) return;
    this.#pings.push(this.#vitals.sent());
    const ping = packet(OpCode.ping, () => {});
    setXid(ping, Xid.ping);
    this.#connection.send(ping);
  }

  #onPacket(connection: Connection, bytes: Buffer): void {
    if (this.#vitals.isOver) return this.#giveUp();
    this.#vitals.heard();
    const reader = new JuteReader(bytes);
    const xid = reader.int32();
    const zxid = reader.int64();
    const code = reader.int32();
    switch (xid) {
      case Xid.notification: return this.#onEvent(reader);
      case Xid.ping: return this.#vitals.confirmed(this.#pings.shift() ?? 0);
      case Xid.setWatches: return;
      case Xid.auth: return code === 0 ? undefined : this.#over('authFailed', 'AUTHFAILED');
      default: return this.#onAnswer(connection, xid, zxid, code, reader);
    }
  }

  #onAnswer(connection: Connection, xid: number, zxid: number, code: number, reader: JuteReader): void {
    const sent = this.#inFlight.first;
    if (sent === undefined || sent.xid !== xid) return connection.end(`an answer to ${xid}, not to ${sent?.xid}`);
    this.#inFlight.shift();
    this.#failures = 0;
    if (zxid > 0) this.#lastZxid = zxid;
    this.#vitals.confirmed(sent.sentAt);
    const { request } = sent;
    const name = code === 0 ? undefined : zkCodeName(code);
    if (request.watch !== undefined && (name === undefined || name === 'NONODE')) this.#watches.add(request.watch, name === undefined);
    if (name === undefined) request.answer(reader);
    else request.reject(new ZkError(name, request.path));
    this.#pump();
  }

  #onEvent(reader: JuteReader): void {
    const type = eventName(reader.int32());
    reader.int32();
    const path = reader.string();
    if (type === undefined) return;
    const watchers = this.#watches.take(type, path);
    if (watchers.size > 0) this.#options.onEvent(watchers, { type, path });
  }

  #onEnd(connection: Connection, reason: string): void {
    if (connection !== this.#connection) return;
    this.#options.logger.info({ reason, session: this.id }, 'ZooKeeper connection lost');
    this.#detach();
    const again: Request[] = [];
    for (const { request } of this.#inFlight.takeAll()) {
      if (request.read && (this.#sendings.get(request) ?? 0) < MOST_SENDINGS) again.push(request);
      else request.reject(new ZkError('CONNECTIONLOSS', request.path));
    }
    this.#waiting.unshiftAll(again);
    this.#failures++;
    this.#enter('disconnected');
    // A listener may have closed us.
    if (this.#state === 'disconnected' && this.#seeking === undefined) void this.#seek();
  }

  /** By our own clock. A server may still hold the session: it is ended there before the next one is opened. */
  #giveUp(): void {
    this.#leftBehind = this.#identity;
    this.#expire('no server has confirmed it for as long as it lasts');
  }

  #expire(reason: string): void {
    this.#options.logger.warn({ reason, session: this.id }, 'ZooKeeper session expired');
    const connection = this.#connection;
    this.#over('expired', 'SESSIONEXPIRED');
    connection?.end('expired');
  }

  #over(state: 'expired' | 'authFailed' | 'closed', code: 'SESSIONEXPIRED' | 'AUTHFAILED' | 'CLOSED'): void {
    const connection = this.#connection;
    this.#vitals.stop();
    this.#detach();
    this.#seeking?.abort();
    this.#seeking = undefined;
    this.#watches.clear();
    const orphans = [...this.#inFlight.takeAll().map(sent => sent.request), ...this.#waiting.takeAll()];
    if (state === 'authFailed') connection?.end('authentication failed');
    this.#enter(state);
    for (const request of orphans) request.reject(new ZkError(code, request.path));
  }

  #detach(): void {
    this.#connection?.listen(undefined);
    this.#connection = undefined;
    this.#pings.length = 0;
    this.#vitals.disconnected();
  }

  #enter(state: SessionState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState(state);
  }
}
