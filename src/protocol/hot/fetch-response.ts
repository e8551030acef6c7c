import { FetchResponse } from '../messages.js';
import { ProtocolError } from '../protocol-error.js';
import type { Writer } from '../writer.js';
import { namesLeader, writeCurrentLeader, writeNodeEndpoints, type CurrentLeader, type NodeEndpoint } from './leader.js';
import { Promised } from './promised.js';
import { grownInt32, isOversized, roomFor } from './rows.js';

/** The numbers of a partition's answer. */
export interface FetchPartitionState {
  errorCode: number;
  highWatermark: number;
  lastStableOffset: number;
  logStartOffset: number;
}

/** What few partitions say. A current leader is left out where the version cannot carry it; the rest is refused. */
export interface FetchPartitionDetails {
  abortedTransactions?: readonly { producerId: number; firstOffset: number }[] | null;
  preferredReadReplica?: number;
  divergingEpoch?: { epoch: number; endOffset: number };
  currentLeader?: CurrentLeader;
  snapshotId?: { endOffset: number; epoch: number };
}

/**
 * Encodes a fetch response piece by piece around the records, which stay where they are: `begin`, then per topic
 * `topic` and its `partition`s, then `end`. At every cut the records of one partition go in between; the bytes that the
 * writer holds and `recordBytes` together are the message.
 */
export class FetchResponseEncoder {
  /** Partitions with records, in the order written. */
  cutCount = 0;
  /** Bytes of records, all cuts together. */
  recordBytes = 0;
  readonly #promised = new Promised();
  #writer!: Writer;
  #version = 0;
  #flexible = false;
  #cuts = new Int32Array(64);

  /** The position, counted from the start of what the writer writes, before which the records of the n-th cut go. */
  cutAt(cut: number): number {
    return this.#cuts[cut]!;
  }

  begin(writer: Writer, version: number, throttleTimeMs: number, errorCode: number, sessionId: number, topics: number): void {
    if (version < FetchResponse.minVersion || version > FetchResponse.maxVersion) throw new ProtocolError(`FetchResponse has no version ${version}`);
    this.#promised.begin(topics);
    this.#writer = writer;
    this.#version = version;
    this.#flexible = version >= FetchResponse.flexibleFrom;
    this.cutCount = 0;
    this.recordBytes = 0;
    if (isOversized(this.#cuts.length)) this.#cuts = new Int32Array(64);
    if (version >= 1) writer.writeInt32(throttleTimeMs);
    if (version >= 7) {
      writer.writeInt16(errorCode);
      writer.writeInt32(sessionId);
    } else this.#refuseIf(sessionId !== 0, 'a session');
    this.#count(topics);
  }

  /** Up to version 12 the name is sent, from 13 on the id. */
  topic(name: string, id: string, partitions: number): void {
    this.#promised.topic(partitions);
    if (this.#version >= 13) this.#writer.writeUuid(id);
    else if (this.#flexible) this.#writer.writeCompactString(name);
    else this.#writer.writeString(name);
    this.#count(partitions);
    if (this.#flexible && partitions === 0) this.#writer.writeUvarint(0);
  }

  /** `recordsLength` bytes of records go in here; -1 for null. */
  partition(index: number, state: FetchPartitionState, recordsLength: number, details = NO_DETAILS): void {
    const isLast = this.#promised.partition();
    const writer = this.#writer;
    const version = this.#version;
    writer.writeInt32(index);
    writer.writeInt16(state.errorCode);
    writer.writeInt64(state.highWatermark);
    if (version >= 4) writer.writeInt64(state.lastStableOffset);
    if (version >= 5) writer.writeInt64(state.logStartOffset);
    if (version >= 4) this.#abortedTransactions(details.abortedTransactions ?? null);
    const preferred = details.preferredReadReplica ?? -1;
    if (version >= 11) writer.writeInt32(preferred);
    else this.#refuseIf(preferred !== -1, 'a preferred replica');
    if (this.#flexible) writer.writeUvarint(recordsLength + 1);
    else writer.writeInt32(recordsLength);
    if (recordsLength > 0) this.#cut(recordsLength);
    if (this.#flexible) {
      this.#partitionTags(details);
      if (isLast) writer.writeUvarint(0);
    } else this.#refuseIf(details.snapshotId !== undefined, 'a snapshot');
  }

  /** Returns the length of the whole: what the writer holds and the records. */
  end(nodeEndpoints: readonly NodeEndpoint[] = []): number {
    this.#promised.end();
    if (this.#version >= 16) writeNodeEndpoints(this.#writer, nodeEndpoints);
    else if (this.#flexible) this.#writer.writeUvarint(0);
    return this.#writer.length + this.recordBytes;
  }

  #abortedTransactions(aborted: FetchPartitionDetails['abortedTransactions'] & {} | null): void {
    const writer = this.#writer;
    if (aborted === null) {
      if (this.#flexible) writer.writeUvarint(0);
      else writer.writeInt32(-1);
      return;
    }
    this.#count(aborted.length);
    for (const { producerId, firstOffset } of aborted) {
      writer.writeInt64(producerId);
      writer.writeInt64(firstOffset);
      if (this.#flexible) writer.writeUvarint(0);
    }
  }

  #partitionTags({ divergingEpoch, currentLeader, snapshotId }: FetchPartitionDetails): void {
    const writer = this.#writer;
    const diverges = divergingEpoch !== undefined && (divergingEpoch.epoch !== -1 || divergingEpoch.endOffset !== -1);
    const named = namesLeader(currentLeader);
    const snapshot = snapshotId !== undefined && (snapshotId.endOffset !== -1 || snapshotId.epoch !== -1);
    writer.writeUvarint((diverges ? 1 : 0) + (named ? 1 : 0) + (snapshot ? 1 : 0));
    if (diverges) {
      const began = writer.beginTagged(0);
      writer.writeInt32(divergingEpoch.epoch);
      writer.writeInt64(divergingEpoch.endOffset);
      writer.writeUvarint(0);
      writer.endTagged(began);
    }
    if (named) writeCurrentLeader(writer, 1, currentLeader);
    if (snapshot) {
      const began = writer.beginTagged(2);
      writer.writeInt64(snapshotId.endOffset);
      writer.writeInt32(snapshotId.epoch);
      writer.writeUvarint(0);
      writer.endTagged(began);
    }
  }

  #refuseIf(refused: boolean, what: string): void {
    if (refused) throw new ProtocolError(`FetchResponse version ${this.#version} cannot carry ${what}`);
  }

  #count(count: number): void {
    if (this.#flexible) this.#writer.writeUvarint(count + 1);
    else this.#writer.writeInt32(count);
  }

  #cut(recordsLength: number): void {
    const cut = this.cutCount++;
    if (cut === this.#cuts.length) this.#cuts = grownInt32(this.#cuts, roomFor(cut, cut + 1));
    this.#cuts[cut] = this.#writer.length;
    this.recordBytes += recordsLength;
  }
}

const NO_DETAILS: FetchPartitionDetails = {};
