// A network between client and server that a test can break: cut, frozen (alive, but nothing arrives), or refusing.
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Dial } from '../../../src/zookeeper/client/connection.js';

class Link extends Duplex {
  readonly #socket: Socket;
  #frozen = false;
  #outbound: (() => void)[] = [];
  readonly #inbound: Buffer[] = [];

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#frozen) this.#inbound.push(chunk);
      else this.push(chunk);
    });
    socket.on('error', () => this.destroy());
    socket.on('close', () => {
      if (!this.#frozen) this.destroy();
    });
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    for (const chunk of this.#inbound.splice(0)) this.push(chunk);
    for (const send of this.#outbound.splice(0)) send();
    if (this.#socket.destroyed) this.destroy();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const send = (): void => void this.#socket.write(chunk, () => done());
    if (this.#frozen) this.#outbound.push(send);
    else send();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

export class Network {
  readonly #links = new Set<Link>();
  /** Where each dialing went. */
  readonly dialed: string[] = [];
  #frozen = false;
  #down = false;
  #waiting: (() => void)[] = [];

  readonly dial: Dial = ({ host, port }, signal) => new Promise((resolve, reject) => {
    this.dialed.push(`${host}:${port}`);
    for (const waiting of this.#waiting.splice(0)) waiting();
    if (this.#down) return reject(new Error('the network is down'));
    const socket = connect({ host, port, noDelay: true });
    signal.addEventListener('abort', () => socket.destroy(new Error('no connection in time')));
    socket.once('error', reject);
    socket.once('connect', () => {
      const link = new Link(socket);
      if (this.#frozen) link.freeze();
      this.#links.add(link);
      link.on('close', () => this.#links.delete(link));
      resolve(link);
    });
  });

  /** Connections end, new ones succeed. */
  cut(): void {
    for (const link of this.#links) link.destroy();
  }

  /** Connections stay, and new ones are made, but nothing goes through them. */
  freeze(): void {
    this.#frozen = true;
    for (const link of this.#links) link.freeze();
  }

  thaw(): void {
    this.#frozen = false;
    for (const link of this.#links) link.thaw();
  }

  /** Connections end and new ones fail. */
  goDown(): void {
    this.#down = true;
    this.cut();
  }

  comeUp(): void {
    this.#down = false;
  }

  /** Resolves at the next dialing. */
  nextDial(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve));
  }
}
