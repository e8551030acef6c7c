import type { Socket } from 'node:net';
import type { Timer } from '../../base/timers.js';
import { FrameSplitter } from '../jute/frames.js';
import { JuteError, JuteReader } from '../jute/reader.js';
import { OpCode, PASSWORD_BYTES, SYNC_CONNECTED, Xid, readConnectRequest, writeConnectResponse } from '../jute/records.js';
import { frame, type JuteWriter } from '../jute/writer.js';
import { ZK_CODES, ZkError } from '../types.js';
import { authenticate, type Identity } from './access.js';
import type { Listener, ServerCore } from './core.js';
import { fourLetterAnswer } from './four-letters.js';
import { handleRequest, type Caller } from './requests.js';
import type { ServerSession, SessionHolder } from './sessions.js';

/** As jute.maxbuffer: the largest packet taken. */
const LARGEST_PACKET = 0xfffff;
/** Beyond these a client's requests wait until the network, or the disk, has caught up. */
const MOST_UNSENT = 1024 * 1024;
const MOST_BACKLOG = 8 * 1024 * 1024;
/** Watches fire whether or not the client reads. Whoever lets this much pile up is cut off. */
const FAR_TOO_MUCH_UNSENT = 16 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);

/** One client's socket: first four letters or a handshake, then requests. */
export class ServerConnection implements Caller, SessionHolder, Listener {
  readonly #socket: Socket;
  readonly #core: ServerCore;
  readonly #connections: () => number;
  readonly #splitter = new FrameSplitter(LARGEST_PACKET);
  readonly #identities: Identity[];
  readonly #handshakeDeadline: Timer;
  #session: ServerSession | undefined;
  #first: Buffer | undefined = NOTHING;
  #corked = false;
  /** Bytes of answers that wait for the disk. */
  #held = 0;

  constructor(socket: Socket, core: ServerCore, connections: () => number) {
    this.#socket = socket;
    this.#core = core;
    this.#connections = connections;
    this.#identities = [{ scheme: 'ip', id: (socket.remoteAddress ?? '').replace(/^::ffff:/, '') }];
    this.#handshakeDeadline = core.options.timers.after(core.options.minSessionTimeoutMs, () => this.destroy());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => this.resume());
    socket.on('error', () => {});
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.#onClose());
  }

  get sessionId(): bigint {
    return this.#session?.id ?? 0n;
  }

  get identities(): readonly Identity[] {
    return this.#identities;
  }

  release(): void {
    this.#session = undefined;
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Goes on with what waits, once there is room for what that leads to. */
  resume(): void {
    if (!this.#socket.isPaused() || this.#isFull || this.#socket.destroyed) return;
    this.#socket.resume();
    this.#take(NOTHING);
  }

  get #isFull(): boolean {
    return this.#held + this.#socket.writableLength >= MOST_UNSENT || this.#core.backlog >= MOST_BACKLOG;
  }

  notify(type: number, path: string): void {
    const zxid = this.#core.seenZxid;
    this.#send(writer => writer.int32(Xid.notification).int64(zxid).int32(0).int32(type).int32(SYNC_CONNECTED).string(path));
  }

  #onData(chunk: Buffer): void {
    if (this.#core.stopped) return this.destroy();
    this.#take(this.#afterFirstLetters(chunk));
  }

  #take(chunk: Buffer): void {
    try {
      this.#splitter.push(chunk, bytes => {
        if (this.#session === undefined) this.#onHandshake(new JuteReader(bytes));
        else this.#onRequest(this.#session, new JuteReader(bytes));
        return !this.#socket.destroyed && !this.#isFull;
      });
    } catch (error) {
      this.#core.options.logger.warn({ error }, 'a ZooKeeper client is cut off');
      if (!(error instanceof JuteError)) throw error;
      this.destroy();
    }
    this.#core.flush();
    if (this.#isFull) this.#socket.pause();
  }

  /** A packet's length cannot begin with four letters: it would be a gigabyte. */
  #afterFirstLetters(chunk: Buffer): Buffer {
    if (this.#first === undefined) return chunk;
    const first = Buffer.concat([this.#first, chunk]);
    this.#first = first;
    if (first.length < 4) return NOTHING;
    this.#first = undefined;
    const answer = fourLetterAnswer(first.toString('latin1', 0, 4), this.#core, this.#connections());
    if (answer === undefined) return first;
    this.#socket.end(answer);
    return NOTHING;
  }

  #onHandshake(reader: JuteReader): void {
    this.#handshakeDeadline.cancel();
    const asked = readConnectRequest(reader);
    // It has seen a future that this server has not: another directory, or a lost one.
    if (asked.lastZxidSeen > this.#core.seenZxid) throw new JuteError(`a client that has seen ${asked.lastZxidSeen.toString(16)}`);
    const session = asked.sessionId === 0n ? this.#core.openSession(asked.timeoutMs) : this.#resumed(asked.sessionId, asked.password);
    const { sessions } = this.#core;
    const answer = session === undefined ? { timeoutMs: 0, sessionId: 0n, password: Buffer.alloc(PASSWORD_BYTES) }
      : { timeoutMs: session.timeoutMs, sessionId: session.id, password: sessions.passwordOf(session.id) };
    this.#send(writer => writeConnectResponse(writer, answer, asked.saysReadOnly));
    if (session === undefined) return this.#endAfterAll();
    session.holder?.release();
    session.holder = this;
    this.#session = session;
    sessions.touch(session);
  }

  #resumed(id: bigint, password: Buffer): ServerSession | undefined {
    return this.#core.sessions.passwordOf(id).equals(password) ? this.#core.sessions.get(id) : undefined;
  }

  #onRequest(session: ServerSession, reader: JuteReader): void {
    this.#core.sessions.touch(session);
    const [xid, op] = [reader.int32(), reader.int32()];
    if (op === OpCode.closeSession) return this.#onGoodbye(session, xid);
    if (op === OpCode.auth) return this.#onAuth(reader);
    let body: ReturnType<typeof handleRequest>;
    const code = outcomeOf(() => {
      body = handleRequest(op, { core: this.#core, caller: this, xid, reader });
    });
    this.#answer(xid, code, body);
  }

  #onGoodbye(session: ServerSession, xid: number): void {
    session.holder = undefined;
    const code = outcomeOf(() => this.#core.endSession(session, xid));
    this.#answer(xid, code, undefined);
    this.#endAfterAll();
  }

  #onAuth(reader: JuteReader): void {
    reader.int32();
    const identity = authenticate(reader.string(), reader.buffer() ?? Buffer.alloc(0));
    if (identity !== undefined && !this.#identities.some(({ scheme, id }) => scheme === identity.scheme && id === identity.id)) this.#identities.push(identity);
    this.#answer(Xid.auth, identity === undefined ? ZK_CODES.AUTHFAILED : 0, undefined);
    if (identity === undefined) this.#endAfterAll();
  }

  #answer(xid: number, code: number, body: ((writer: JuteWriter) => void) | undefined): void {
    const zxid = this.#core.seenZxid;
    this.#send(writer => {
      writer.int32(xid).int64(zxid).int32(code);
      if (code === 0) body?.(writer);
    });
  }

  /** The bytes are made now, of what is known now, and sent when it is on disk. */
  #send(write: (writer: JuteWriter) => void): void {
    const bytes = frame(write);
    this.#held += bytes.length;
    if (this.#held + this.#socket.writableLength > FAR_TOO_MUCH_UNSENT) return this.destroy();
    this.#core.say(this, () => {
      this.#held -= bytes.length;
      this.#write(bytes);
    });
  }

  #endAfterAll(): void {
    this.#core.say(this, () => void this.#socket.end());
  }

  #write(bytes: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }

  #onClose(): void {
    this.#handshakeDeadline.cancel();
    this.#core.watches.drop(this);
    if (this.#session?.holder === this) this.#session.holder = undefined;
    this.#session = undefined;
  }
}

/** ZooKeeper's code for what became of it: 0 for a success. */
function outcomeOf(act: () => void): number {
  try {
    act();
    return 0;
  } catch (error) {
    if (!(error instanceof ZkError)) throw error;
    return ZK_CODES[error.code];
  }
}
