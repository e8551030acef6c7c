// A live broker as UpdateMetadata tells of it, in the form of every version (UpdateMetadataRequest.normalize):
//   v0  one host and port, always PLAINTEXT; v1, v2 endpoints, whose listeners are called as their security protocols

import type { UpdateMetadataRequest } from '../protocol/messages.js';
import type { LiveBroker } from './metadata-cache.js';

type Told = UpdateMetadataRequest['liveBrokers'][number];

/** By their numbers on the wire (SecurityProtocol.java). */
const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

export function liveBroker({ id, rack, endpoints, v0Host, v0Port }: Told): LiveBroker {
  if (endpoints.length === 0 && v0Host !== '') return { id, rack, endpoints: [{ listener: 'PLAINTEXT', host: v0Host, port: v0Port, securityProtocol: 0 }] };
  return {
    id, rack,
    endpoints: endpoints.map(({ listener, host, port, securityProtocol }) => ({
      listener: listener === '' ? SECURITY_PROTOCOLS[securityProtocol] ?? '' : listener, host, port, securityProtocol,
    })),
  };
}
