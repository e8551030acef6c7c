// A broker's connections to itself: the same frames, headers and versions as through a socket, served by the same
// dispatcher.

import type { Connection } from './connection.js';
import type { Dispatcher } from './dispatcher.js';
import type { ConnectOptions, PeerConnection, PeerEndpoint, PeerListener, PeerWire } from './peer-wire.js';

const SIZE_BYTES = 4;

export class LocalWire implements PeerWire {
  readonly #dispatcher: () => Dispatcher;
  readonly #listenerName: string;

  /** `listenerName`: the listener that requests seem to come by. */
  constructor(dispatcher: () => Dispatcher, listenerName: string) {
    this.#dispatcher = dispatcher;
    this.#listenerName = listenerName;
  }

  connect(_endpoint: PeerEndpoint, _options: ConnectOptions, listener: PeerListener): PeerConnection {
    return new ToOneself(this.#dispatcher(), this.#listenerName, listener);
  }
}

class ToOneself implements PeerConnection {
  readonly #dispatcher: Dispatcher;
  readonly #connection: Connection;
  #over = false;

  constructor(dispatcher: Dispatcher, listenerName: string, listener: PeerListener) {
    this.#dispatcher = dispatcher;
    this.#connection = dispatcher.connectLocally(listenerName, {
      waiting: [],
      answered: frame => this.#later(() => listener.answered({ bytes: frame, offset: SIZE_BYTES, length: frame.length - SIZE_BYTES, release: () => {} })),
      ended: () => this.#later(() => {
        this.#over = true;
        listener.closed('the broker itself refused a request');
      }),
    });
    this.#later(() => listener.connected());
  }

  send(frame: Buffer): boolean {
    // The sender's memory is used anew for its next request.
    const request = Buffer.from(frame.subarray(SIZE_BYTES));
    this.#later(() => this.#dispatcher.deliver(this.#connection, request));
    return true;
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#dispatcher.disconnect(this.#connection);
  }

  /** A step of its own, as with a socket: nobody hears of an answer on the stack of his question. */
  #later(action: () => void): void {
    queueMicrotask(() => {
      if (!this.#over) action();
    });
  }
}
