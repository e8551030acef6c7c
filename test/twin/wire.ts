// One connection to one broker: frames out, answers in, and how it ended.

import { connect, type Socket } from 'node:net';

/** What became of a request. */
export type Outcome =
  | { readonly kind: 'answer'; readonly frame: Buffer; readonly afterMs: number }
  | { readonly kind: 'closed' }
  | { readonly kind: 'silence' };

interface Waiting {
  readonly since: number;
  readonly settle: (outcome: Outcome) => void;
}

export class Wire {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #chunks: Buffer[] = [];
  #bytes = 0;
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', bytes => this.#receive(bytes));
    socket.on('close', () => {
      this.closed = true;
      for (const { settle } of this.#waiting.splice(0)) settle({ kind: 'closed' });
    });
  }

  /** One that is refused is closed from the start: whoever runs the brokers knows which is gone, and why. */
  static open(port: number): Promise<Wire> {
    return new Promise(resolve => {
      const socket = connect(port, '127.0.0.1');
      const wire = new Wire(socket);
      socket.once('connect', () => resolve(wire));
      socket.once('error', () => {
        wire.closed = true;
        resolve(wire);
      });
    });
  }

  /** Sends a frame; resolves with its answer, or with the end of the connection, or with silence when the time is up. */
  ask(frame: Buffer, timeoutMs: number): Promise<Outcome> {
    return new Promise(resolve => {
      if (this.closed) {
        resolve({ kind: 'closed' });
        return;
      }
      const late = setTimeout(() => settle({ kind: 'silence' }), timeoutMs);
      const settle = (outcome: Outcome): void => {
        clearTimeout(late);
        resolve(outcome);
      };
      this.#waiting.push({ since: performance.now(), settle });
      this.#socket.write(frame);
    });
  }

  tell(frame: Buffer): void {
    this.#socket.write(frame);
  }

  close(): void {
    this.closed = true;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes < 4) return;
    let all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    while (all.length >= 4 && all.length >= 4 + all.readInt32BE(0)) {
      const end = 4 + all.readInt32BE(0);
      const waiting = this.#waiting.shift();
      waiting?.settle({ kind: 'answer', frame: all.subarray(4, end), afterMs: performance.now() - waiting.since });
      all = all.subarray(end);
    }
    this.#chunks = all.length === 0 ? [] : [all];
    this.#bytes = all.length;
  }
}
