import { FetchResponse } from '../messages.js';
import { ProtocolError } from '../protocol-error.js';
import { Reader } from '../reader.js';
import { grownFloat64, grownInt32, isOversized, roomFor } from './rows.js';
import { StringPool } from './string-pool.js';

const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** In a batch's header. */
const LAST_OFFSET_DELTA_AT = 23;
const TAG = { divergingEpoch: 0, nodeEndpoints: 0 } as const;

/**
 * A fetch answer, looked at where it was received: per partition what a follower goes by, and where its records lie. One
 * view serves one answer after another; what it says holds until the next `decode`. Topics are named up to version 12 and
 * have ids from 13 on; the other one is '' or the zero uuid. Partitions are numbered through the whole answer.
 */
export class FetchResponseView {
  throttleTimeMs = 0;
  errorCode = 0;
  sessionId = 0;
  topicCount = 0;
  partitionCount = 0;

  partition = new Int32Array(0);
  partitionError = new Int32Array(0);
  highWatermark = new Float64Array(0);
  /** -1 where the version does not say. */
  logStartOffset = new Float64Array(0);
  /** The leader's epoch that ends first where the logs part, and its end; -1 where they do not. */
  divergingEpoch = new Int32Array(0);
  divergingEnd = new Float64Array(0);
  /** Where the records begin, in the bytes that were decoded. */
  recordsAt = new Float64Array(0);
  /** -1 for null. */
  recordsLength = new Int32Array(0);

  readonly #names: StringPool;
  readonly #ids: StringPool;
  readonly #reader = new Reader(new Uint8Array(0));
  #topics: string[] = [];
  #topicIds: string[] = [];
  #firstPartitions = new Int32Array(0);
  #rows = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(names = new StringPool(), ids = new StringPool('base64url')) {
    this.#names = names;
    this.#ids = ids;
  }

  topic(topic: number): string { return this.#topics[topic]!; }
  topicId(topic: number): string { return this.#topicIds[topic]!; }
  firstPartition(topic: number): number { return topic < this.topicCount ? this.#firstPartitions[topic]! : this.partitionCount; }

  /** The first batch of records that lie at `recordsAt`; they must hold its header. */
  firstBatch(recordsAt: number): { readonly baseOffset: number; readonly lastOffset: number } {
    const reader = this.#reader.reset(this.#bytes, recordsAt);
    const baseOffset = reader.readInt64();
    reader.skip(LAST_OFFSET_DELTA_AT - 8);
    return { baseOffset, lastOffset: baseOffset + reader.readInt32() };
  }

  /** Decodes the body that stands in `bytes[start, end)`. Throws ProtocolError where the generated codec does. */
  decode(bytes: Buffer, start: number, end: number, version: number): void {
    if (version < FetchResponse.minVersion || version > FetchResponse.maxVersion) throw new ProtocolError(`FetchResponse has no version ${version}`);
    this.#forget();
    this.#bytes = bytes;
    const flexible = version >= FetchResponse.flexibleFrom;
    const reader = this.#reader.reset(bytes, start, end);
    this.throttleTimeMs = version >= 1 ? reader.readInt32() : 0;
    this.errorCode = version >= 7 ? reader.readInt16() : 0;
    this.sessionId = version >= 7 ? reader.readInt32() : 0;
    for (let left = flexible ? reader.readCompactCount(3) : reader.readCount(6); left > 0; left--) {
      this.#beginTopic(bytes, version);
      for (let rows = flexible ? reader.readCompactCount(37) : reader.readCount(18); rows > 0; rows--) this.#decodePartition(version);
      if (flexible) reader.skipTagged();
    }
    if (flexible) this.#skipEndTags(version);
  }

  #beginTopic(bytes: Buffer, version: number): void {
    const reader = this.#reader;
    const topic = this.topicCount++;
    if (topic === this.#firstPartitions.length) this.#firstPartitions = grownInt32(this.#firstPartitions, roomFor(topic, topic + 1));
    this.#firstPartitions[topic] = this.partitionCount;
    if (version >= 13) {
      reader.skip(16);
      this.#topics[topic] = '';
      this.#topicIds[topic] = this.#ids.get(bytes, reader.position - 16, 16);
      return;
    }
    const length = reader.skipString(version >= FetchResponse.flexibleFrom, false);
    this.#topics[topic] = this.#names.get(bytes, reader.position - length, length);
    this.#topicIds[topic] = ZERO_UUID;
  }

  #decodePartition(version: number): void {
    const reader = this.#reader;
    const flexible = version >= FetchResponse.flexibleFrom;
    const row = this.partitionCount;
    if (row === this.#rows) this.#resize(roomFor(row, row + 1));
    this.partition[row] = reader.readInt32();
    this.partitionError[row] = reader.readInt16();
    this.highWatermark[row] = reader.readInt64();
    if (version >= 4) reader.skip(8);
    this.logStartOffset[row] = version >= 5 ? reader.readInt64() : -1;
    if (version >= 4) skipAbortedTransactions(reader, flexible);
    if (version >= 11) reader.skip(4);
    const length = flexible ? (reader.readUvarint() - 1) | 0 : reader.readInt32();
    this.recordsAt[row] = reader.position;
    this.recordsLength[row] = Math.max(length, -1);
    if (length > 0) reader.skip(length);
    this.divergingEpoch[row] = -1;
    this.divergingEnd[row] = -1;
    if (flexible) this.#decodePartitionTags(row, version);
    this.partitionCount = row + 1;
  }

  #decodePartitionTags(row: number, version: number): void {
    const reader = this.#reader;
    for (let left = reader.readUvarint(); left > 0; left--) {
      const tag = reader.readUvarint();
      const size = reader.readUvarint();
      if (tag === TAG.divergingEpoch && version >= 12) {
        this.divergingEpoch[row] = reader.readInt32();
        this.divergingEnd[row] = reader.readInt64();
        reader.skipTagged();
      } else reader.skip(size);
    }
  }

  #skipEndTags(version: number): void {
    const reader = this.#reader;
    for (let left = reader.readUvarint(); left > 0; left--) {
      const tag = reader.readUvarint();
      const size = reader.readUvarint();
      if (tag === TAG.nodeEndpoints && version < 16) throw new ProtocolError(`tag ${tag} is not valid in version ${version}`);
      reader.skip(size);
    }
  }

  #forget(): void {
    this.topicCount = 0;
    this.partitionCount = 0;
    if (isOversized(this.#firstPartitions.length)) {
      this.#firstPartitions = new Int32Array(0);
      this.#topics = [];
      this.#topicIds = [];
    }
    if (isOversized(this.#rows)) this.#resize(0);
  }

  #resize(rows: number): void {
    this.#rows = rows;
    this.partition = grownInt32(this.partition, rows);
    this.partitionError = grownInt32(this.partitionError, rows);
    this.highWatermark = grownFloat64(this.highWatermark, rows);
    this.logStartOffset = grownFloat64(this.logStartOffset, rows);
    this.divergingEpoch = grownInt32(this.divergingEpoch, rows);
    this.divergingEnd = grownFloat64(this.divergingEnd, rows);
    this.recordsAt = grownFloat64(this.recordsAt, rows);
    this.recordsLength = grownInt32(this.recordsLength, rows);
  }
}

/** Of no use to a follower: it keeps its own index of them. */
function skipAbortedTransactions(reader: Reader, flexible: boolean): void {
  const count = flexible ? reader.readCompactNullableCount(17) : reader.readNullableCount(16);
  if (!flexible) {
    if (count > 0) reader.skip(16 * count);
    return;
  }
  for (let left = count; left > 0; left--) {
    reader.skip(16);
    reader.skipTagged();
  }
}
