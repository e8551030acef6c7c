// The channels of this broker: one for each other broker and purpose, so that a long fetch never stands before a LeaderAndIsr.

import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { Timers } from '../base/timers.js';
import type { PeerChannel } from './peer-channel.js';
import { PeerClient } from './peer-client.js';
import type { PeerEndpoint, PeerWire } from './peer-wire.js';

/**
 * `controller`: the controller tells a broker. `to-controller`: a broker asks the controller. `fetcher-<n>`: the n-th fetcher
 * of that source. `coordinator`: a transaction coordinator writes markers.
 */
export type PeerPurpose = 'controller' | 'to-controller' | `fetcher-${number}` | 'coordinator';

export interface PeerChannels {
  /**
   * Undefined where the broker is not known, or has no endpoint for that purpose. The same channel is given until it is
   * closed; it asks for the broker's endpoint anew at each connect. To this broker itself it is one without a socket.
   */
  channel(broker: number, purpose: PeerPurpose): PeerChannel | undefined;
  close(): void;
}

export interface BrokerPeersOptions {
  readonly brokerId: number;
  readonly wire: PeerWire;
  /** To this broker itself. */
  readonly localWire: PeerWire;
  /** Where a broker is reached for that purpose, by what is known now. */
  readonly endpoint: (broker: number, purpose: PeerPurpose) => PeerEndpoint | undefined;
  /** By inter.broker.protocol.version. */
  readonly newestVersion: (apiKey: number) => number | undefined;
  readonly requestTimeoutMs: (purpose: PeerPurpose) => number;
  readonly connectTimeoutMs: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly maxFrameBytes: number;
  /** Of what fetchers receive; -1: the system's choice. */
  readonly receiveBufferBytes: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

export class BrokerPeers implements PeerChannels {
  readonly #options: BrokerPeersOptions;
  readonly #channels = new Map<string, PeerClient>();
  #closed = false;

  constructor(options: BrokerPeersOptions) {
    this.#options = options;
  }

  channel(broker: number, purpose: PeerPurpose): PeerChannel | undefined {
    const toOneself = broker === this.#options.brokerId;
    if (this.#closed || (!toOneself && this.#options.endpoint(broker, purpose) === undefined)) return undefined;
    const name = `broker ${broker} (${purpose})`;
    const known = this.#channels.get(name);
    if (known !== undefined && !known.isClosed) return known;
    const channel = this.#open(broker, purpose, name, toOneself);
    this.#channels.set(name, channel);
    return channel;
  }

  close(): void {
    this.#closed = true;
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  #open(broker: number, purpose: PeerPurpose, name: string, toOneself: boolean): PeerClient {
    const { brokerId, wire, localWire, endpoint, requestTimeoutMs, receiveBufferBytes, ...others } = this.#options;
    return new PeerClient({
      ...others,
      wire: toOneself ? localWire : wire,
      endpoint: toOneself ? () => ONESELF : () => endpoint(broker, purpose),
      clientId: clientIdOf(brokerId, purpose),
      name,
      requestTimeoutMs: requestTimeoutMs(purpose),
      receiveBufferBytes: purpose.startsWith('fetcher-') ? receiveBufferBytes : -1,
    });
  }
}

const ONESELF: PeerEndpoint = { host: '', port: 0, securityProtocol: 0 };

/** As Kafka's brokers name themselves to each other (ReplicaFetcherManager, TransactionMarkerChannelManager, ControllerChannelManager). */
export function clientIdOf(brokerId: number, purpose: PeerPurpose): string {
  if (purpose.startsWith('fetcher-')) return `broker-${brokerId}-${purpose}`;
  return purpose === 'coordinator' ? `broker-${brokerId}-txn-marker-sender` : String(brokerId);
}
