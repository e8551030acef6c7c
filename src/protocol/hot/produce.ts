// Produce, decoded in place and encoded with the places where offsets go. Equal to the generated codecs, byte for byte
// and error for error (test/protocol/hot-produce.test.ts), without an object per partition.

import { ProduceRequest, ProduceResponse } from '../messages.js';
import { ProtocolError } from '../protocol-error.js';
import { Reader } from '../reader.js';
import type { Writer } from '../writer.js';
import { namesLeader, writeCurrentLeader, writeNodeEndpoints, type CurrentLeader, type NodeEndpoint } from './leader.js';
import { Promised } from './promised.js';
import { grownInt32, isOversized, roomFor } from './rows.js';
import { StringPool } from './string-pool.js';

const NULLABLE = true;

/**
 * A produce request, looked at where it was received. One view serves one request after another; what it says holds
 * until the next `decode` and while the bytes stay. Partitions are numbered through the whole request: those of topic
 * t are `firstPartition(t)` up to, not including, `firstPartition(t + 1)`.
 */
export class ProduceRequestView {
  acks = 0;
  timeoutMs = 0;
  transactionalId: string | null = null;
  topicCount = 0;
  partitionCount = 0;

  readonly #names: StringPool;
  readonly #reader = new Reader(new Uint8Array(0));
  #topics: string[] = [];
  #firstPartitions = new Int32Array(0);
  // Per partition: index, position of records, their length (-1: null).
  #rows = 0;
  #index = new Int32Array(0);
  #recordsAt = new Int32Array(0);
  #recordsLength = new Int32Array(0);

  constructor(names = new StringPool()) {
    this.#names = names;
  }

  topic(topic: number): string { return this.#topics[topic]!; }
  firstPartition(topic: number): number { return this.#firstPartitions[topic]!; }
  /** The partition's index within its topic. */
  partitionIndex(partition: number): number { return this.#index[partition]!; }
  /** Where its records start, counted like `start` of decode. */
  recordsStart(partition: number): number { return this.#recordsAt[partition]!; }
  /** How many bytes its records take; -1 for null. */
  recordsLength(partition: number): number { return this.#recordsLength[partition]!; }

  /** Decodes the body that stands in `bytes[start, end)`. Throws ProtocolError where the generated codec does. */
  decode(bytes: Buffer, start: number, end: number, version: number): void {
    if (version < ProduceRequest.minVersion || version > ProduceRequest.maxVersion) throw new ProtocolError(`ProduceRequest has no version ${version}`);
    this.#forget();
    const reader = this.#reader.reset(bytes, start, end);
    const flexible = version >= ProduceRequest.flexibleFrom;
    if (version >= 3) this.transactionalId = flexible ? reader.readCompactNullableString() : reader.readNullableString();
    this.acks = reader.readInt16();
    this.timeoutMs = reader.readInt32();
    // The least that a topic takes: its name, an empty array, no tags.
    const topics = flexible ? reader.readCompactCount(3) : reader.readCount(6);
    for (let topic = 0; topic < topics; topic++) this.#decodeTopic(bytes, flexible);
    this.#putFirstPartition(topics, this.partitionCount);
    if (flexible) reader.skipTagged();
  }

  #decodeTopic(bytes: Buffer, flexible: boolean): void {
    const reader = this.#reader;
    const nameLength = reader.skipString(flexible, !NULLABLE);
    const topic = this.topicCount++;
    this.#putFirstPartition(topic, this.partitionCount);
    this.#topics[topic] = this.#names.get(bytes, reader.position - nameLength, nameLength);
    const partitions = flexible ? reader.readCompactCount(6) : reader.readCount(8);
    for (let left = partitions; left > 0; left--) {
      const row = this.partitionCount;
      if (row === this.#rows) this.#grow(row + 1);
      this.#index[row] = reader.readInt32();
      const length = flexible ? (reader.readUvarint() - 1) | 0 : reader.readInt32();
      this.#recordsAt[row] = reader.position;
      this.#recordsLength[row] = length < 0 ? -1 : length;
      if (length > 0) reader.skip(length);
      if (flexible) reader.skipTagged();
      this.partitionCount = row + 1;
    }
    if (flexible) reader.skipTagged();
  }

  #forget(): void {
    this.transactionalId = null;
    this.topicCount = 0;
    this.partitionCount = 0;
    if (isOversized(this.#firstPartitions.length)) {
      this.#firstPartitions = new Int32Array(0);
      this.#topics = [];
    }
    if (!isOversized(this.#rows)) return;
    this.#rows = 0;
    this.#index = this.#recordsAt = this.#recordsLength = new Int32Array(0);
  }

  #putFirstPartition(topic: number, partition: number): void {
    if (topic >= this.#firstPartitions.length) this.#firstPartitions = grownInt32(this.#firstPartitions, roomFor(this.#firstPartitions.length, topic + 1));
    this.#firstPartitions[topic] = partition;
  }

  #grow(needed: number): void {
    this.#rows = roomFor(this.#rows, needed);
    this.#index = grownInt32(this.#index, this.#rows);
    this.#recordsAt = grownInt32(this.#recordsAt, this.#rows);
    this.#recordsLength = grownInt32(this.#recordsLength, this.#rows);
  }
}

/** What a refused partition may say beyond its code; left out where the version cannot carry it. */
export interface ProducePartitionDetails {
  recordErrors?: readonly { batchIndex: number; batchIndexErrorMessage: string | null }[];
  errorMessage?: string | null;
  currentLeader?: CurrentLeader;
}

/**
 * Encodes a produce response piece by piece: `begin`, then per topic `topic` and its `partition`s, then `end`. Each
 * partition's places for base offset, log append time and log start offset are kept, as positions counted from the
 * start of what the writer writes, for whoever fills them in later.
 */
export class ProduceResponseEncoder {
  partitionCount = 0;
  readonly #promised = new Promised();
  #writer!: Writer;
  #version = 0;
  #flexible = false;
  #places = new Int32Array(64);

  /** Where the partition's base offset stands. */
  baseOffsetAt(partition: number): number { return this.#places[partition]!; }
  /** Where its log append time stands, or -1: versions 0 and 1 have none. */
  logAppendTimeAt(partition: number): number { return this.#version >= 2 ? this.#places[partition]! + 8 : -1; }
  /** Where its log start offset stands, or -1: versions below 5 have none. */
  logStartOffsetAt(partition: number): number { return this.#version >= 5 ? this.#places[partition]! + 16 : -1; }

  begin(writer: Writer, version: number, topics: number): void {
    if (version < ProduceResponse.minVersion || version > ProduceResponse.maxVersion) throw new ProtocolError(`ProduceResponse has no version ${version}`);
    this.#promised.begin(topics);
    this.#writer = writer;
    this.#version = version;
    this.#flexible = version >= ProduceResponse.flexibleFrom;
    this.partitionCount = 0;
    if (isOversized(this.#places.length)) this.#places = new Int32Array(64);
    this.#count(topics);
  }

  topic(name: string, partitions: number): void {
    this.#promised.topic(partitions);
    if (this.#flexible) this.#writer.writeCompactString(name);
    else this.#writer.writeString(name);
    this.#count(partitions);
    if (this.#flexible && partitions === 0) this.#writer.writeUvarint(0);
  }

  partition(index: number, errorCode: number, baseOffset: number, logAppendTimeMs: number, logStartOffset: number, details = NO_DETAILS): void {
    const isLast = this.#promised.partition();
    const writer = this.#writer;
    const version = this.#version;
    writer.writeInt32(index);
    writer.writeInt16(errorCode);
    this.#keepPlace(writer.length);
    writer.writeInt64(baseOffset);
    if (version >= 2) writer.writeInt64(logAppendTimeMs);
    if (version >= 5) writer.writeInt64(logStartOffset);
    if (version >= 8) this.#details(details);
    if (isLast && this.#flexible) writer.writeUvarint(0);
  }

  /** Returns the length of all that the writer holds. */
  end(throttleTimeMs: number, nodeEndpoints: readonly NodeEndpoint[] = []): number {
    this.#promised.end();
    if (this.#version >= 1) this.#writer.writeInt32(throttleTimeMs);
    if (this.#version >= 10) writeNodeEndpoints(this.#writer, nodeEndpoints);
    else if (this.#flexible) this.#writer.writeUvarint(0);
    return this.#writer.length;
  }

  #details(details: ProducePartitionDetails): void {
    const writer = this.#writer;
    const { recordErrors, errorMessage = null, currentLeader } = details;
    this.#count(recordErrors === undefined ? 0 : recordErrors.length);
    if (recordErrors !== undefined) {
      for (const { batchIndex, batchIndexErrorMessage } of recordErrors) {
        writer.writeInt32(batchIndex);
        this.#nullableString(batchIndexErrorMessage);
        if (this.#flexible) writer.writeUvarint(0);
      }
    }
    this.#nullableString(errorMessage);
    if (!this.#flexible) return;
    const named = this.#version >= 10 && namesLeader(currentLeader);
    writer.writeUvarint(named ? 1 : 0);
    if (named) writeCurrentLeader(writer, 0, currentLeader);
  }

  #nullableString(text: string | null): void {
    if (this.#flexible) this.#writer.writeCompactNullableString(text);
    else this.#writer.writeNullableString(text);
  }

  #count(count: number): void {
    if (this.#flexible) this.#writer.writeUvarint(count + 1);
    else this.#writer.writeInt32(count);
  }

  #keepPlace(position: number): void {
    const partition = this.partitionCount++;
    if (partition === this.#places.length) this.#places = grownInt32(this.#places, roomFor(partition, partition + 1));
    this.#places[partition] = position;
  }
}

const NO_DETAILS: ProducePartitionDetails = {};
