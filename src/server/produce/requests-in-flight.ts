// Which request an answer belongs to that went with its appends: asked for only where one of them failed. By slot, and the
// places are used again, so that nothing is allocated in the steady state and no more is kept than was ever in flight at once.

import type { Connection } from '../../network/connection.js';
import type { HeldProduce } from './held-produce.js';

/** What is known of it beside its slot. */
interface Place {
  connection: Connection;
  apiVersion: number;
  clientId: string;
  bodyStart: number;
  end: number;
}

export type RequestInFlight = Readonly<Place>;

export class RequestsInFlight {
  readonly #indexMask: number;
  readonly #places: (Place | undefined)[] = [];

  /** `indexMask`: the bits of a slot that are its index (NativeExchange.slotIndexMask). */
  constructor(indexMask: number) {
    this.#indexMask = indexMask;
  }

  remember({ slot, connection, apiVersion, clientId, bodyStart, end }: Pick<HeldProduce, 'slot' | keyof Place>): void {
    const index = slot & this.#indexMask;
    const place = this.#places[index];
    if (place === undefined) {
      this.#places[index] = { connection, apiVersion, clientId, bodyStart, end };
      return;
    }
    place.connection = connection;
    place.apiVersion = apiVersion;
    place.clientId = clientId;
    place.bodyStart = bodyStart;
    place.end = end;
  }

  /** The request that `slot` was remembered for last. */
  of(slot: number): RequestInFlight {
    const place = this.#places[slot & this.#indexMask];
    if (place === undefined) throw new Error(`no request was ever in flight in slot ${slot}`);
    return place;
  }
}
