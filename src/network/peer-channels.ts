// The channels of this broker: one for each other broker and purpose, so that a long fetch never stands before a LeaderAndIsr.

import type { PeerChannel } from './peer-channel.js';

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
