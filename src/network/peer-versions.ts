// Which version of each api may be used with a peer: what we have, what the cluster's protocol allows, what it serves.

import { apiByKey } from '../protocol/apis.js';

interface Served {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export class PeerVersions {
  readonly #allowed: (apiKey: number) => number | undefined;
  #served: ReadonlyMap<number, Served> | undefined;

  /** `allowed`: the newest version among brokers; undefined: any. */
  constructor(allowed: (apiKey: number) => number | undefined) {
    this.#allowed = allowed;
  }

  /** What the peer said last. It may be another program by now, and is asked on each connection. */
  learn(served: readonly Served[]): void {
    this.#served = new Map(served.map(each => [each.apiKey, each]));
  }

  /** The newest usable version, at most `newest`; undefined where there is none, or where the peer was never asked. */
  of(apiKey: number, newest = Infinity): number | undefined {
    const served = this.#served?.get(apiKey);
    const api = apiByKey(apiKey);
    if (served === undefined || api === undefined) return undefined;
    const ours = api.zkVersions ?? [api.request.minVersion, api.request.maxVersion];
    const version = Math.min(ours[1], served.maxVersion, this.#allowed(apiKey) ?? Infinity, newest);
    return version >= Math.max(ours[0], served.minVersion) ? version : undefined;
  }
}
