// What KIP-951 added to Produce and Fetch answers alike: the current leader of a refused partition, and where the
// leaders named can be reached.

import type { Writer } from '../writer.js';

export interface CurrentLeader {
  leaderId?: number | undefined;
  leaderEpoch?: number | undefined;
}

export interface NodeEndpoint {
  nodeId?: number | undefined;
  host?: string | undefined;
  port?: number | undefined;
  rack?: string | null | undefined;
}

/** Whether it says anything; one that says nothing is not written, as tagged fields are. */
export function namesLeader(leader: CurrentLeader | undefined): leader is CurrentLeader {
  return leader !== undefined && ((leader.leaderId ?? -1) !== -1 || (leader.leaderEpoch ?? -1) !== -1);
}

export function writeCurrentLeader(writer: Writer, tag: number, leader: CurrentLeader): void {
  const began = writer.beginTagged(tag);
  writer.writeInt32(leader.leaderId ?? -1);
  writer.writeInt32(leader.leaderEpoch ?? -1);
  writer.writeUvarint(0);
  writer.endTagged(began);
}

/** The tagged fields that end an answer: the endpoints, if there are any, under tag 0. */
export function writeNodeEndpoints(writer: Writer, endpoints: readonly NodeEndpoint[]): void {
  if (endpoints.length === 0) {
    writer.writeUvarint(0);
    return;
  }
  writer.writeUvarint(1);
  const began = writer.beginTagged(0);
  writer.writeCompactCount(endpoints);
  for (const endpoint of endpoints) {
    writer.writeInt32(endpoint.nodeId ?? 0);
    writer.writeCompactString(endpoint.host ?? '');
    writer.writeInt32(endpoint.port ?? 0);
    writer.writeCompactNullableString(endpoint.rack ?? null);
    writer.writeUvarint(0);
  }
  writer.endTagged(began);
}
