// From which replica a consumer should read: the leader says so, and reads nothing for it then (KIP-392, replica.selector.class;
// ReplicaManager.findPreferredReadReplica, RackAwareReplicaSelector.java).

import type { MetadataCache } from './metadata-cache.js';
import type { Partition } from './partition.js';
import type { RemoteReplica } from './remote-replica.js';

/** Who reads: the rack it says it is in, and the listener by which it came. */
export interface ReadingClient {
  readonly rackId: string;
  readonly listener: string;
}

/** The replica to read from at `offset` in place of the leader, which is this broker; undefined: the leader. */
export type ReplicaSelector = (partition: Partition, offset: number, client: ReadingClient, metadata: MetadataCache) => number | undefined;

const SELECTORS: Readonly<Record<string, ReplicaSelector | undefined>> = {
  'org.apache.kafka.common.replica.RackAwareReplicaSelector': rackAware,
  'org.apache.kafka.common.replica.LeaderSelector': undefined,
};

/** What `replica.selector.class` means; undefined: consumers read from leaders. */
export function replicaSelector(className: string | null): ReplicaSelector | undefined {
  if (className === null || className === '') return undefined;
  if (!Object.hasOwn(SELECTORS, className)) throw new Error(`replica.selector.class: there is no ${className} here, only ${Object.keys(SELECTORS).join(' and ')}`);
  return SELECTORS[className];
}

/** A replica in the reader's rack: the leader where it is there, or else the one that has most. */
function rackAware(partition: Partition, offset: number, client: ReadingClient, metadata: MetadataCache): number | undefined {
  const leading = partition.leading;
  if (leading === undefined || client.rackId === '' || isThere(leading.brokerId, client, metadata)) return undefined;
  let best: RemoteReplica | undefined;
  for (const remote of leading.remotes) {
    // One that lags would be asked again and again, and each time be further behind.
    const has = leading.isr.includes(remote.brokerId) && remote.endOffset >= offset && remote.startOffset <= offset;
    if (has && isThere(remote.brokerId, client, metadata) && (best === undefined || isMoreCaughtUp(remote, best))) best = remote;
  }
  return best?.brokerId;
}

function isThere(broker: number, { rackId, listener }: ReadingClient, metadata: MetadataCache): boolean {
  const known = metadata.broker(broker);
  return known?.rack === rackId && known.endpoints.some(endpoint => endpoint.listener === listener);
}

function isMoreCaughtUp(a: RemoteReplica, b: RemoteReplica): boolean {
  if (a.endOffset !== b.endOffset) return a.endOffset > b.endOffset;
  return a.lastCaughtUpTime !== b.lastCaughtUpTime ? a.lastCaughtUpTime > b.lastCaughtUpTime : a.brokerId > b.brokerId;
}
