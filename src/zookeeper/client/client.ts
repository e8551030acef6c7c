import type { Clock } from '../../base/clock.js';
import { silentLogger, type Logger } from '../../base/logger.js';
import type { Random } from '../../base/random.js';
import type { Timers } from '../../base/timers.js';
import { JuteError } from '../jute/reader.js';
import { OpCode, Xid } from '../jute/records.js';
import { validatePath } from '../paths.js';
import {
  OPEN_ACL, ZkError, isZkError, type Acl, type CreateMode, type CreateOptions, type Op, type OpResult, type SessionState, type Stat, type WatchEvent, type Watcher,
  type ZooKeeper,
} from '../types.js';
import { parseConnectString } from './address.js';
import { dialTcp, type Dial } from './connection.js';
import * as requests from './request.js';
import { packet, setXid, type Call, type Watch } from './request.js';
import { Session } from './session.js';

export interface ZooKeeperClientOptions {
  /** `host:port,host2:port2/chroot` */
  readonly connect: string;
  readonly sessionTimeoutMs: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger?: Logger;
  readonly dial?: Dial;
  /** The largest answer taken. Kafka raises jute.maxbuffer to this: the list of 40,000 topics passes 1 MiB. */
  readonly maxPacketBytes?: number;
  /** More requests than this wait here instead of at the server. */
  readonly maxInFlight?: number;
}

/** A server closes the connection of whoever sends more than jute.maxbuffer: better to be told here. */
const LARGEST_REQUEST = 0xfffff;

/** A client of an ensemble. What it promises is written at the interface. */
export class ZooKeeperClient implements ZooKeeper {
  readonly #session: Session;
  readonly #logger: Logger;
  readonly #chroot: string;
  readonly #listeners = new Set<(state: SessionState) => void>();

  constructor(options: ZooKeeperClientOptions) {
    const { servers, chroot } = parseConnectString(options.connect);
    this.#chroot = chroot;
    this.#logger = options.logger ?? silentLogger;
    this.#session = new Session({
      servers,
      timeoutMs: options.sessionTimeoutMs,
      clock: options.clock,
      timers: options.timers,
      random: options.random,
      logger: this.#logger,
      dial: options.dial ?? dialTcp,
      maxPacketBytes: options.maxPacketBytes ?? 4 * 1024 * 1024,
      maxInFlight: options.maxInFlight ?? 512,
      onState: state => this.#announce(state),
      onEvent: (watchers, event) => this.#tell(watchers, event),
    });
  }

  get sessionId(): string {
    return this.#session.id;
  }

  get state(): SessionState {
    return this.#session.state;
  }

  onState(listener: (state: SessionState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves with the first session. Goes on trying until close(). */
  connect(): Promise<void> {
    const connected = this.#nextConnected();
    this.#session.open();
    return connected;
  }

  reopen(): Promise<void> {
    // In this order: the listeners of a session must not take the old one's end for the new one's.
    this.#session.reopen();
    return this.#nextConnected();
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** Proves who this is, on this connection and on every later one. A server that disagrees ends it all: `authFailed`. */
  addAuth(scheme: string, auth: Uint8Array): void {
    const bytes = packet(OpCode.auth, writer => writer.int32(0).string(scheme).buffer(auth));
    setXid(bytes, Xid.auth);
    this.#session.addAuth(bytes);
  }

  /** Makes the chroot, where the connect string has one that is not there yet. Persistent, as Kafka makes it. */
  async ensureChroot(acl: readonly Acl[] = OPEN_ACL): Promise<void> {
    const names = this.#chroot.split('/').slice(1);
    for (let depth = 1; depth <= names.length; depth++) {
      const path = `/${names.slice(0, depth).join('/')}`;
      await this.#submit(requests.create(path, null, { acl })).catch((error: unknown) => {
        if (!isZkError(error, 'NODEEXISTS')) throw error;
      });
    }
  }

  getData(path: string, watcher?: Watcher): Promise<{ data: Buffer | null; stat: Stat }> {
    return this.#read('data', path, watcher, requests.getData);
  }

  exists(path: string, watcher?: Watcher): Promise<Stat | null> {
    return this.#read('exists', path, watcher, requests.exists);
  }

  getChildren(path: string, watcher?: Watcher): Promise<{ children: string[]; stat: Stat }> {
    return this.#read('children', path, watcher, requests.getChildren);
  }

  async create(path: string, data: Uint8Array | null, options: CreateOptions = {}): Promise<{ path: string; stat: Stat }> {
    const created = await this.#submit(requests.create(this.#inside(path, options.mode), data, options));
    return { path: this.#outside(created.path), stat: created.stat };
  }

  setData(path: string, data: Uint8Array | null, version = -1): Promise<Stat> {
    return this.#submit(() => requests.setData(this.#inside(path), data, version));
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#submit(() => requests.remove(this.#inside(path), version));
  }

  async multi(ops: readonly Op[]): Promise<OpResult[]> {
    const results = await this.#submit(requests.multi(ops.map(op => ({ ...op, path: this.#inside(op.path, op.type === 'create' ? op.mode : undefined) }))));
    return results.map(result => (result.type === 'create' ? { ...result, path: this.#outside(result.path) } : result));
  }

  getAcl(path: string): Promise<{ acl: Acl[]; stat: Stat }> {
    return this.#submit(() => requests.getAcl(this.#inside(path)));
  }

  setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    return this.#submit(() => requests.setAcl(this.#inside(path), acl, version));
  }

  sync(path: string): Promise<void> {
    return this.#submit(() => requests.sync(this.#inside(path)));
  }

  #read<T>(kind: Watch['kind'], path: string, watcher: Watcher | undefined, make: (path: string, watch: boolean) => Call<T>): Promise<T> {
    return this.#submit(() => make(this.#inside(path), watcher !== undefined), inside => (watcher === undefined ? undefined : { kind, path: inside, watcher }));
  }

  // Settles in the turn in which the answer is read, with no `async` between: so a read's result reaches its caller
  // before the watch that the read armed can fire.
  #submit<T>(makeOrCall: Call<T> | (() => Call<T>), watchOf?: (path: string) => Watch | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const call = typeof makeOrCall === 'function' ? makeOrCall() : makeOrCall;
      if (call.packet.length > LARGEST_REQUEST) throw new ZkError('BADARGUMENTS', this.#outside(call.path), [], `a request of ${call.packet.length} bytes`);
      this.#session.submit({
        path: call.path,
        packet: call.packet,
        read: call.read,
        watch: watchOf?.(call.path),
        reject: error => {
          if (call.absent !== undefined && error.code === 'NONODE') resolve(call.absent);
          else reject(this.#outsideError(error));
        },
        answer: reader => {
          try {
            resolve(call.decode(reader));
          } catch (error) {
            reject(error instanceof JuteError ? new ZkError('MARSHALLINGERROR', this.#outside(call.path), [], error.message) : this.#outsideError(error));
            // Whoever sends such an answer is no partner any more.
            if (error instanceof JuteError) throw error;
          }
        },
      });
    });
  }

  #announce(state: SessionState): void {
    // A copy: who is added on the way, by a listener that reopens, must not be told of the old session's end.
    for (const listener of [...this.#listeners]) {
      try {
        listener(state);
      } catch (error) {
        this.#logger.error({ error, state }, 'a ZooKeeper state listener failed');
      }
    }
  }

  #tell(watchers: ReadonlySet<Watcher>, event: WatchEvent): void {
    const told = { type: event.type, path: this.#outside(event.path) };
    // After the promises that earlier packets settled, before those of later ones: the protocol's own order.
    queueMicrotask(() => {
      for (const watcher of watchers) {
        try {
          watcher(told);
        } catch (error) {
          this.#logger.error({ error, ...told }, 'a ZooKeeper watcher failed');
        }
      }
    });
  }

  #nextConnected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settled = (state: SessionState): boolean => {
        if (state === 'connected') resolve();
        else if (state !== 'disconnected') reject(new ZkError(state === 'expired' ? 'SESSIONEXPIRED' : state === 'closed' ? 'CLOSED' : 'AUTHFAILED'));
        return state !== 'disconnected';
      };
      if (settled(this.state)) return;
      const stop = this.onState(state => {
        if (settled(state)) stop();
      });
    });
  }

  #inside(path: string, mode?: CreateMode): string {
    // A sequential path may end with a slash: its number is the name.
    validatePath(mode === 'persistentSequential' || mode === 'ephemeralSequential' ? `${path}0` : path);
    return path === '/' && this.#chroot !== '' ? this.#chroot : this.#chroot + path;
  }

  #outside(path: string): string {
    if (this.#chroot === '' || !path.startsWith(this.#chroot)) return path;
    return path.length === this.#chroot.length ? '/' : path.slice(this.#chroot.length);
  }

  #outsideError(error: unknown): unknown {
    if (this.#chroot === '' || !(error instanceof ZkError)) return error;
    return new ZkError(error.code, this.#outside(error.path), error.results);
  }
}
