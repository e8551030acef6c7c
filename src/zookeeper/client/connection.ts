import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { FrameSplitter } from '../jute/frames.js';
import type { ServerAddress } from './address.js';

/** Opens a byte stream to a server: TCP, TLS, or a test's. Rejects when that fails; `signal` ends the attempt. */
export type Dial = (server: ServerAddress, signal: AbortSignal) => Promise<Duplex>;

export const dialTcp: Dial = (server, signal) => new Promise((resolve, reject) => {
  const socket = connect({ host: server.host, port: server.port, noDelay: true });
  const abandon = (): void => void socket.destroy(new Error('no connection in time'));
  const failed = (error: Error): void => {
    signal.removeEventListener('abort', abandon);
    reject(error);
  };
  signal.addEventListener('abort', abandon);
  socket.once('error', failed);
  socket.once('connect', () => {
    signal.removeEventListener('abort', abandon);
    socket.off('error', failed);
    resolve(socket);
  });
});

export interface ConnectionEvents {
  onPacket(packet: Buffer): void;
  /** Once, however it ended. */
  onEnd(reason: string): void;
}

/** One stream: packets in, packets out, and one end. What is written in one turn of the loop leaves in one write. */
export class Connection {
  readonly #stream: Duplex;
  #events: ConnectionEvents | undefined;
  #corked = false;
  #ended: string | undefined;

  constructor(stream: Duplex, maxPacketBytes: number) {
    this.#stream = stream;
    const splitter = new FrameSplitter(maxPacketBytes);
    stream.on('data', (chunk: Buffer) => {
      try {
        splitter.push(chunk, packet => {
          this.#events?.onPacket(packet);
          return this.#ended === undefined;
        });
      } catch (error) {
        this.end(String(error));
      }
    });
    stream.on('error', error => this.end(error.message));
    stream.on('end', () => this.end('closed by the server'));
    stream.on('close', () => this.end('closed by the server'));
  }

  /** Why it ended, once it has. */
  get ended(): string | undefined {
    return this.#ended;
  }

  listen(events: ConnectionEvents | undefined): void {
    this.#events = events;
    if (this.#ended !== undefined) events?.onEnd(this.#ended);
  }

  send(packet: Buffer): void {
    if (this.#ended !== undefined) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#stream.uncork();
      });
    }
    this.#stream.write(packet);
  }

  end(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#stream.destroy();
    this.#events?.onEnd(reason);
  }
}
