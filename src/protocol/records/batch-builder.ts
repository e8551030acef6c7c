import { invariant } from '../../base/invariant.js';
import { Writer } from '../writer.js';
import {
  BATCH_HEADER_SIZE, BATCH_LENGTH_OVERHEAD, BatchAttribute, BatchOffset, Compression, CURRENT_MAGIC,
  NO_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP,
} from './batch.js';
import { crc32c } from './crc32c.js';
import { writeRecord, type RecordInput } from './record.js';

export interface BatchOptions {
  baseOffset?: number;
  partitionLeaderEpoch?: number;
  producerId?: number;
  producerEpoch?: number;
  baseSequence?: number;
  transactional?: boolean;
  control?: boolean;
  /** Set for LogAppendTime: the one timestamp of all its records. */
  logAppendTime?: number;
  /** The codec's id, and what compresses. */
  compression?: { codec: Compression; compress: (records: Buffer) => Uint8Array };
}

/** Builds one batch of magic 2. */
export class BatchBuilder {
  readonly #options: BatchOptions;
  readonly #baseOffset: number;
  readonly #records = new Writer(512);
  #count = 0;
  #lastOffsetDelta = -1;
  #baseTimestamp = NO_TIMESTAMP;
  #maxTimestamp = NO_TIMESTAMP;

  constructor(options: BatchOptions = {}) {
    this.#options = options;
    this.#baseOffset = options.baseOffset ?? 0;
  }

  get recordCount(): number {
    return this.#count;
  }

  /** What the batch takes so far, uncompressed. */
  get sizeInBytes(): number {
    return BATCH_HEADER_SIZE + this.#records.position;
  }

  /** Adds a record behind the last one; `offset` may leave a gap, as compaction does. */
  append(record: RecordInput, offset = this.#baseOffset + this.#lastOffsetDelta + 1): this {
    const offsetDelta = offset - this.#baseOffset;
    invariant(offsetDelta > this.#lastOffsetDelta, `offset ${offset} does not follow ${this.#baseOffset + this.#lastOffsetDelta}`);
    if (this.#count === 0) this.#baseTimestamp = record.timestamp;
    writeRecord(this.#records, record, offsetDelta, record.timestamp - this.#baseTimestamp);
    this.#maxTimestamp = Math.max(this.#maxTimestamp, record.timestamp);
    this.#lastOffsetDelta = offsetDelta;
    this.#count++;
    return this;
  }

  /** The batch's bytes. */
  build(): Buffer {
    invariant(this.#count > 0, 'a batch without records');
    const { compression, logAppendTime } = this.#options;
    const plain = this.#records.finish();
    const records = compression === undefined ? plain : compression.compress(plain);
    const writer = new Writer(BATCH_HEADER_SIZE + records.length);
    writer.writeInt64(this.#baseOffset);
    writer.writeInt32(BATCH_HEADER_SIZE - BATCH_LENGTH_OVERHEAD + records.length);
    writer.writeInt32(this.#options.partitionLeaderEpoch ?? NO_LEADER_EPOCH);
    writer.writeInt8(CURRENT_MAGIC);
    writer.writeUint32(0); // the CRC, when all behind it is there
    writer.writeInt16(this.#attributes());
    writer.writeInt32(this.#lastOffsetDelta);
    writer.writeInt64(this.#baseTimestamp);
    writer.writeInt64(logAppendTime ?? this.#maxTimestamp);
    writer.writeInt64(this.#options.producerId ?? NO_PRODUCER_ID);
    writer.writeInt16(this.#options.producerEpoch ?? NO_PRODUCER_EPOCH);
    writer.writeInt32(this.#options.baseSequence ?? NO_SEQUENCE);
    writer.writeInt32(this.#count);
    writer.writeRaw(records);
    const batch = writer.finish();
    batch.writeUInt32BE(crc32c(batch, BatchOffset.attributes), BatchOffset.crc);
    return batch;
  }

  #attributes(): number {
    const { compression, logAppendTime, transactional, control } = this.#options;
    return (
      (compression?.codec ?? Compression.none) |
      (logAppendTime === undefined ? 0 : BatchAttribute.logAppendTime) |
      (transactional === true ? BatchAttribute.transactional : 0) |
      (control === true ? BatchAttribute.control : 0)
    );
  }
}
