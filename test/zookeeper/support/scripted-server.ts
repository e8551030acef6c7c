// A server that says what the test tells it to, over streams in memory: for what no real server does when asked.
import { Duplex } from 'node:stream';
import type { Dial } from '../../../src/zookeeper/client/connection.js';

class End extends Duplex {
  other: End | undefined;
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.other?.push(chunk);
    done();
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    this.other = undefined;
    if (other !== undefined) setImmediate(() => other.destroy());
    done(error);
  }
}

/** Values in order, for whoever awaits them. */
class Stream<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  push(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#values.push(value);
    else waiting(value);
  }

  get unread(): readonly T[] {
    return this.#values;
  }

  next(): Promise<T> {
    const value = this.#values.shift();
    return value === undefined ? new Promise(resolve => this.#waiting.push(resolve)) : Promise.resolve(value);
  }
}

export interface SentPacket {
  readonly xid: number;
  readonly op: number;
  readonly body: Buffer;
}

const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const framed = (...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length), body]);
};

export class ScriptedConnection {
  readonly host: string;
  readonly closed: Promise<void>;
  readonly #stream: End;
  readonly #packets = new Stream<Buffer>();
  #held = Buffer.alloc(0);

  constructor(host: string, stream: End) {
    this.host = host;
    this.#stream = stream;
    this.closed = new Promise(resolve => stream.on('close', resolve));
    stream.on('data', (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk]);
      while (this.#held.length >= 4 && this.#held.length >= 4 + this.#held.readInt32BE(0)) {
        const length = this.#held.readInt32BE(0);
        this.#packets.push(this.#held.subarray(4, 4 + length));
        this.#held = this.#held.subarray(4 + length);
      }
    });
  }

  get unread(): number {
    return this.#packets.unread.length;
  }

  async handshake(): Promise<{ lastZxid: bigint; timeoutMs: number; session: bigint }> {
    const packet = await this.#packets.next();
    return { lastZxid: packet.readBigInt64BE(4), timeoutMs: packet.readInt32BE(12), session: packet.readBigInt64BE(16) };
  }

  /** Grants a session. A timeout of 0 refuses it. */
  welcome(session: bigint, timeoutMs: number): void {
    this.#stream.write(framed(int32(0), int32(timeoutMs), int64(session), int32(16), Buffer.alloc(16, 7), Buffer.of(0)));
  }

  async request(): Promise<SentPacket> {
    const packet = await this.#packets.next();
    return { xid: packet.readInt32BE(0), op: packet.readInt32BE(4), body: packet.subarray(8) };
  }

  answer(xid: number, zxid: number, error = 0, body: Buffer = Buffer.alloc(0)): void {
    this.#stream.write(framed(int32(xid), int64(BigInt(zxid)), int32(error), body));
  }

  raw(bytes: Buffer): void {
    this.#stream.write(bytes);
  }

  hangUp(): void {
    this.#stream.destroy();
  }
}

export class ScriptedServer {
  readonly #connections = new Stream<ScriptedConnection>();
  #refusing = false;
  dialings = 0;

  readonly dial: Dial = async ({ host }) => {
    this.dialings++;
    if (this.#refusing) throw new Error('connection refused');
    const [client, server] = [new End(), new End()];
    client.other = server;
    server.other = client;
    this.#connections.push(new ScriptedConnection(host, server));
    return Promise.resolve(client);
  };

  refuse(refusing: boolean): void {
    this.#refusing = refusing;
  }

  /** The next connection that a client makes. */
  accept(): Promise<ScriptedConnection> {
    return this.#connections.next();
  }
}

/** A stat with nothing remarkable in it. */
export const PLAIN_STAT = Buffer.alloc(68);
/** The body of an answer to getData. */
export const someData = (text: string): Buffer => Buffer.concat([int32(text.length), Buffer.from(text), PLAIN_STAT]);
