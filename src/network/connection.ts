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
  /** Of this process to itself: where its answers go instead of to a socket. */
  readonly local: LocalEnd | undefined;
  /** Called when the connection ends, e.g. to drop a fetch that waits. */
  onClosed: (() => void) | undefined;

  constructor(id: number, listener: string, address: () => string, local?: LocalEnd) {
    this.id = id;
    this.local = local;
    this.listener = listener;
    this.#address = address;
  }

  get host(): string {
    this.#host ??= this.#address();
    return this.#host;
  }
}

/** What stands in the place of a socket. */
export interface LocalEnd {
  /** An answer, its size in front; memory of its own. */
  answered(frame: Buffer): void;
  /** The connection ends, because of a request that cannot be answered. */
  ended(): void;
  /** Requests that arrived while one is being answered, without their size. */
  readonly waiting: Buffer[];
}

const EMPTY = new Uint8Array(0);
