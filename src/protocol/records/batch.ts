// The header of a record batch of magic 2, in place:
//
//   0 baseOffset int64 | 8 batchLength int32 (bytes behind it) | 12 partitionLeaderEpoch int32 | 16 magic int8 |
//   17 crc uint32 (CRC-32C of everything behind it) | 21 attributes int16 | 23 lastOffsetDelta int32 |
//   27 baseTimestamp int64 | 35 maxTimestamp int64 | 43 producerId int64 | 51 producerEpoch int16 |
//   53 baseSequence int32 | 57 recordCount int32 | 61 records, compressed as one if a codec is set

import { crc32c } from './crc32c.js';

/** Where each field stands. */
export const BatchOffset = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const;

export const BATCH_HEADER_SIZE = 61;
/** What `batchLength` does not count: baseOffset and itself. */
export const BATCH_LENGTH_OVERHEAD = 12;
export const CURRENT_MAGIC = 2;

export const BatchAttribute = { compression: 0x07, logAppendTime: 0x08, transactional: 0x10, control: 0x20, deleteHorizon: 0x40 } as const;

export const Compression = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type Compression = (typeof Compression)[keyof typeof Compression];

export const NO_TIMESTAMP = -1;
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_LEADER_EPOCH = -1;

/** The sequence `delta` records behind `sequence`: after 2147483647 comes 0. */
export function sequenceAfter(sequence: number, delta: number): number {
  const sum = sequence + delta;
  return sum > 0x7fffffff ? sum - 0x80000000 : sum;
}

/**
 * Looks at one batch in `bytes`. At least the 61 bytes of the header must be there; `move` lets one view serve many
 * batches without allocating. Nothing is validated but what is asked for.
 */
export class BatchView {
  #bytes: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = asBuffer(bytes);
    this.#at = at;
  }

  move(bytes: Uint8Array, at: number): this {
    if (bytes !== this.#bytes) this.#bytes = asBuffer(bytes);
    this.#at = at;
    return this;
  }

  get position(): number { return this.#at; }
  get baseOffset(): number { return this.#int64(BatchOffset.baseOffset); }
  get batchLength(): number { return this.#bytes.readInt32BE(this.#at + BatchOffset.batchLength); }
  /** Header, length field and records. */
  get sizeInBytes(): number { return this.batchLength + BATCH_LENGTH_OVERHEAD; }
  get partitionLeaderEpoch(): number { return this.#bytes.readInt32BE(this.#at + BatchOffset.partitionLeaderEpoch); }
  get magic(): number { return this.#bytes.readInt8(this.#at + BatchOffset.magic); }
  get crc(): number { return this.#bytes.readUInt32BE(this.#at + BatchOffset.crc); }
  get attributes(): number { return this.#bytes.readInt16BE(this.#at + BatchOffset.attributes); }
  get lastOffsetDelta(): number { return this.#bytes.readInt32BE(this.#at + BatchOffset.lastOffsetDelta); }
  get lastOffset(): number { return this.baseOffset + this.lastOffsetDelta; }
  get baseTimestamp(): number { return this.#int64(BatchOffset.baseTimestamp); }
  get maxTimestamp(): number { return this.#int64(BatchOffset.maxTimestamp); }
  get producerId(): number { return this.#int64(BatchOffset.producerId); }
  get producerEpoch(): number { return this.#bytes.readInt16BE(this.#at + BatchOffset.producerEpoch); }
  get baseSequence(): number { return this.#bytes.readInt32BE(this.#at + BatchOffset.baseSequence); }
  get lastSequence(): number {
    return this.baseSequence === NO_SEQUENCE ? NO_SEQUENCE : sequenceAfter(this.baseSequence, this.lastOffsetDelta);
  }
  get recordCount(): number { return this.#bytes.readInt32BE(this.#at + BatchOffset.recordCount); }

  get compression(): number { return this.attributes & BatchAttribute.compression; }
  get isLogAppendTime(): boolean { return (this.attributes & BatchAttribute.logAppendTime) !== 0; }
  get isTransactional(): boolean { return (this.attributes & BatchAttribute.transactional) !== 0; }
  get isControl(): boolean { return (this.attributes & BatchAttribute.control) !== 0; }
  get hasDeleteHorizon(): boolean { return (this.attributes & BatchAttribute.deleteHorizon) !== 0; }

  /** The bytes of the whole batch. */
  get bytes(): Buffer { return this.#bytes.subarray(this.#at, this.#at + this.sizeInBytes); }
  /** The bytes of its records, compressed if it is. */
  get records(): Buffer { return this.#bytes.subarray(this.#at + BATCH_HEADER_SIZE, this.#at + this.sizeInBytes); }

  isCrcRight(): boolean {
    return crc32c(this.#bytes, this.#at + BatchOffset.attributes, this.#at + this.sizeInBytes) === this.crc;
  }

  #int64(offset: number): number {
    const at = this.#at + offset;
    return this.#bytes.readInt32BE(at) * 4294967296 + this.#bytes.readUInt32BE(at + 4);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
