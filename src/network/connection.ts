import type { ConnectionFacts } from './request.js';

/** What the dispatcher knows of one open connection. */
export class Connection implements ConnectionFacts {
  readonly id: number;
  readonly listener: string;
  readonly #address: () => string;
  #host: string | undefined;
  /** A request is being answered whose successors must wait: Kafka serves a connection's requests one at a time. */
  busy = false;
  closed = false;
  /** Requests that arrived meanwhile: slot, offset, length each. */
  readonly queue: number[] = [];
  queueHead = 0;
  /** The client id last seen, and where its bytes are the same no new string is made. */
  clientIdBytes: Uint8Array = EMPTY;
  clientId = '';
  /** Called when the connection ends, e.g. to drop a fetch that waits. */
  onClosed: (() => void) | undefined;

  constructor(id: number, listener: string, address: () => string) {
    this.id = id;
    this.listener = listener;
    this.#address = address;
  }

  get host(): string {
    this.#host ??= this.#address();
    return this.#host;
  }
}

const EMPTY = new Uint8Array(0);
