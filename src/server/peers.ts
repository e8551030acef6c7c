// The channels of a running broker: which listener of another one is reached for which purpose, and by what settings.

import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { Timers } from '../base/timers.js';
import type { BrokerConfig } from '../config/broker-config.js';
import { interBrokerRequestVersion } from '../config/request-versions.js';
import { BrokerPeers, type PeerChannels, type PeerPurpose } from '../network/peer-channels.js';
import type { PeerEndpoint, PeerWire } from '../network/peer-wire.js';
import type { MetadataCache } from '../replication/metadata-cache.js';
import { SECURITY_PROTOCOL_IDS } from '../zookeeper/znodes/broker.js';
import { largestPeerAnswer } from './data-plane.js';

/** Until a connection that could not be made is tried again: the defaults of Kafka's clients. */
const RECONNECT_BACKOFF_MS = 50;
const RECONNECT_BACKOFF_MAX_MS = 1000;

type Endpoints = readonly { readonly listener: string; readonly host: string; readonly port: number }[];

export interface PeersOptions {
  readonly brokerId: number;
  readonly config: BrokerConfig;
  readonly wire: PeerWire;
  readonly localWire: PeerWire;
  readonly metadata: MetadataCache;
  /** What a broker registered, as far as a controller here has read it. */
  readonly registered: (broker: number) => Endpoints;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

export function createPeers({ config, metadata, registered, ...options }: PeersOptions): PeerChannels {
  const protocol = config.interBrokerProtocolVersion;
  const { controlPlane, interBroker, protocolOf } = config.listeners;
  return new BrokerPeers({
    ...options,
    // The controller knows brokers by their registrations, everybody else by what the controller tells.
    endpoint: (broker, purpose): PeerEndpoint | undefined => {
      const listener = isOfControlPlane(purpose) ? controlPlane : interBroker;
      const endpoints: Endpoints = purpose === 'controller' ? registered(broker) : metadata.broker(broker)?.endpoints ?? [];
      const found = endpoints.find(endpoint => endpoint.listener === listener);
      return found && { host: found.host, port: found.port, securityProtocol: SECURITY_PROTOCOL_IDS[protocolOf(listener) ?? 'PLAINTEXT'] };
    },
    newestVersion: apiKey => interBrokerRequestVersion(protocol, apiKey),
    requestTimeoutMs: purpose => (purpose === 'to-controller' ? config.number('controller.socket.timeout.ms') : config.number('request.timeout.ms')),
    connectTimeoutMs: config.number('socket.connection.setup.timeout.ms'),
    backoffMs: RECONNECT_BACKOFF_MS,
    backoffMaxMs: RECONNECT_BACKOFF_MAX_MS,
    maxFrameBytes: largestPeerAnswer(config),
    // Kafka's default of 64 KiB would hold a follower back; the system's own grows with what the connection needs.
    receiveBufferBytes: config.settings.isSet('replica.socket.receive.buffer.bytes') ? config.number('replica.socket.receive.buffer.bytes') : -1,
  });
}

/** What the controller says, and what is said to it (ControllerChannelManager, NodeToControllerChannelManager). */
function isOfControlPlane(purpose: PeerPurpose): boolean {
  return purpose === 'controller' || purpose === 'to-controller';
}
