// The fetch that a follower sends: built row by row in arrays that stay from fetch to fetch, and encoded from there.
// Equal to the generated codec byte for byte (test/protocol/hot-replica-fetch.test.ts), without an object per partition.

import type { MessageCodec } from '../codec.js';
import { FetchRequest } from '../messages.js';
import { ProtocolError } from '../protocol-error.js';
import type { Writer } from '../writer.js';
import { FetchRequestRows } from './fetch-rows.js';

const LONGEST_ANSWER = 0x7fffffff;

export class ReplicaFetchRequest {
  replicaId = -1;
  replicaEpoch = -1;
  maxWaitMs = 0;
  minBytes = 0;
  maxBytes = LONGEST_ANSWER;
  sessionId = 0;
  sessionEpoch = -1;
  /** Every topic has an id, so that versions from 13 on can be spoken. Not sent. */
  usesTopicIds = false;
  /** What is to be fetched. */
  readonly rows = new FetchRequestRows();
  /** What the session is to forget; only topics and partition indexes are set. */
  readonly forgotten = new FetchRequestRows();

  clear(): void {
    this.rows.clear();
    this.forgotten.clear();
  }
}

/** For whoever sends it: what it encodes is a ReplicaFetchRequest. */
export const ReplicaFetchRequestCodec: MessageCodec<FetchRequest, ReplicaFetchRequest> = {
  name: FetchRequest.name,
  type: FetchRequest.type,
  apiKey: FetchRequest.apiKey,
  minVersion: FetchRequest.minVersion,
  maxVersion: FetchRequest.maxVersion,
  flexibleFrom: FetchRequest.flexibleFrom,
  decode: FetchRequest.decode,
  encode,
};

function encode(writer: Writer, request: ReplicaFetchRequest, version: number): void {
  if (version < FetchRequest.minVersion || version > FetchRequest.maxVersion) throw new ProtocolError(`FetchRequest has no version ${version}`);
  const flexible = version >= FetchRequest.flexibleFrom;
  if (version < 15) writer.writeInt32(request.replicaId);
  writer.writeInt32(request.maxWaitMs);
  writer.writeInt32(request.minBytes);
  if (version >= 3) writer.writeInt32(request.maxBytes);
  if (version >= 4) writer.writeInt8(0);
  if (version >= 7) {
    writer.writeInt32(request.sessionId);
    writer.writeInt32(request.sessionEpoch);
  }
  encodeTopics(writer, request.rows, version, row => encodePartition(writer, request.rows, row, version));
  if (version >= 7) encodeTopics(writer, request.forgotten, version, row => writer.writeInt32(request.forgotten.partition[row]!));
  // The rack is for consumers.
  if (version >= 11) writeString(writer, '', flexible);
  if (flexible) encodeTags(writer, request, version);
}

function encodeTopics(writer: Writer, rows: FetchRequestRows, version: number, encodeRow: (row: number) => void): void {
  const flexible = version >= FetchRequest.flexibleFrom;
  writeCount(writer, rows.topicCount, flexible);
  for (let topic = 0; topic < rows.topicCount; topic++) {
    if (version >= 13) writer.writeUuid(rows.topicId(topic));
    else writeString(writer, rows.topic(topic), flexible);
    const end = rows.firstPartition(topic + 1);
    const first = rows.firstPartition(topic);
    writeCount(writer, end - first, flexible);
    for (let row = first; row < end; row++) encodeRow(row);
    if (flexible) writer.writeUvarint(0);
  }
}

function encodePartition(writer: Writer, rows: FetchRequestRows, row: number, version: number): void {
  writer.writeInt32(rows.partition[row]!);
  if (version >= 9) writer.writeInt32(rows.currentLeaderEpoch[row]!);
  writer.writeInt64(rows.fetchOffset[row]!);
  if (version >= 12) writer.writeInt32(rows.lastFetchedEpoch[row]!);
  if (version >= 5) writer.writeInt64(rows.logStartOffset[row]!);
  writer.writeInt32(rows.maxBytes[row]!);
  if (version >= FetchRequest.flexibleFrom) writer.writeUvarint(0);
}

/** From version 15 on the replica says who it is under a tag. */
function encodeTags(writer: Writer, request: ReplicaFetchRequest, version: number): void {
  const says = version >= 15 && (request.replicaId !== -1 || request.replicaEpoch !== -1);
  writer.writeUvarint(says ? 1 : 0);
  if (!says) return;
  const began = writer.beginTagged(1);
  writer.writeInt32(request.replicaId);
  writer.writeInt64(request.replicaEpoch);
  writer.writeUvarint(0);
  writer.endTagged(began);
}

function writeString(writer: Writer, text: string, flexible: boolean): void {
  if (flexible) writer.writeCompactString(text);
  else writer.writeString(text);
}

function writeCount(writer: Writer, count: number, flexible: boolean): void {
  if (flexible) writer.writeUvarint(count + 1);
  else writer.writeInt32(count);
}
