// Batches as a conversation names them: what a producer would build, and what none should.

import { BATCH_HEADER_SIZE, BatchAttribute, BatchOffset, Compression, crc32c } from '../../src/protocol/records/index.js';
import { writeRecord } from '../../src/protocol/records/record.js';
import { Writer } from '../../src/protocol/writer.js';
import { compress, type CodecName } from '../support/batches.js';
import { FRAMINGS } from '../support/framings.js';

export interface RecordSpec {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
  readonly headers?: readonly (readonly [string, string | null])[];
  /** Its own place if not given. */
  readonly offsetDelta?: number;
}

/** Fields of the header that may say something else than what is true. */
export type Lie = 'batchLength' | 'partitionLeaderEpoch' | 'magic' | 'attributes' | 'lastOffsetDelta' | 'baseTimestamp' | 'maxTimestamp' | 'recordCount' | 'baseOffset';

export interface BatchSpec {
  readonly codec: CodecName;
  readonly records: readonly RecordSpec[];
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  /** Attribute bits beside the codec. */
  readonly attributes?: number;
  readonly lies?: Readonly<Partial<Record<Lie, number>>>;
  /** The CRC covers something else. */
  readonly badCrc?: boolean;
  /** One of FRAMINGS for the codec; its usual one if not given. */
  readonly framing?: string;
  /** Bytes of the (compressed) records that are turned over. */
  readonly spoilt?: readonly number[];
  /** The batch so many times, one behind the other. */
  readonly times?: number;
  /** Bytes taken from the end, or added behind it. */
  readonly cut?: number;
  readonly tail?: number;
}

const PATCHES: Readonly<Record<Lie, (bytes: Buffer, value: number) => void>> = {
  baseOffset: (bytes, value) => bytes.writeBigInt64BE(BigInt(value), BatchOffset.baseOffset),
  batchLength: (bytes, value) => bytes.writeInt32BE(value, BatchOffset.batchLength),
  partitionLeaderEpoch: (bytes, value) => bytes.writeInt32BE(value, BatchOffset.partitionLeaderEpoch),
  magic: (bytes, value) => bytes.writeInt8(value, BatchOffset.magic),
  attributes: (bytes, value) => bytes.writeInt16BE(value, BatchOffset.attributes),
  lastOffsetDelta: (bytes, value) => bytes.writeInt32BE(value, BatchOffset.lastOffsetDelta),
  baseTimestamp: (bytes, value) => bytes.writeBigInt64BE(BigInt(value), BatchOffset.baseTimestamp),
  maxTimestamp: (bytes, value) => bytes.writeBigInt64BE(BigInt(value), BatchOffset.maxTimestamp),
  recordCount: (bytes, value) => bytes.writeInt32BE(value, BatchOffset.recordCount),
};

export function buildBatch(spec: BatchSpec): Buffer {
  const one = buildOne(spec);
  const all = Buffer.concat(Array.from({ length: spec.times ?? 1 }, () => one));
  const cut = all.subarray(0, Math.max(0, all.length - (spec.cut ?? 0)));
  return Buffer.concat([cut, Buffer.alloc(spec.tail ?? 0, 7)]);
}

function buildOne(spec: BatchSpec): Buffer {
  const baseTimestamp = spec.records[0]?.timestamp ?? -1;
  const body = framed(spec, plainRecords(spec.records, baseTimestamp));
  for (const at of spec.spoilt ?? []) if (body.length > 0) body[at % body.length]! ^= 0x55;
  const head = Buffer.alloc(BATCH_HEADER_SIZE);
  const batch = Buffer.concat([head, body]);
  batch.writeInt32BE(batch.length - 12, BatchOffset.batchLength);
  batch.writeInt32BE(-1, BatchOffset.partitionLeaderEpoch);
  batch.writeInt8(2, BatchOffset.magic);
  batch.writeInt16BE(Compression[spec.codec] | (spec.attributes ?? 0), BatchOffset.attributes);
  batch.writeInt32BE(spec.records.length - 1, BatchOffset.lastOffsetDelta);
  batch.writeBigInt64BE(BigInt(baseTimestamp), BatchOffset.baseTimestamp);
  batch.writeBigInt64BE(BigInt(Math.max(-1, ...spec.records.map(({ timestamp }) => timestamp))), BatchOffset.maxTimestamp);
  batch.writeBigInt64BE(BigInt(spec.producerId ?? -1), BatchOffset.producerId);
  batch.writeInt16BE(spec.producerEpoch ?? -1, BatchOffset.producerEpoch);
  batch.writeInt32BE(spec.baseSequence ?? -1, BatchOffset.baseSequence);
  batch.writeInt32BE(spec.records.length, BatchOffset.recordCount);
  for (const [lie, value] of Object.entries(spec.lies ?? {})) PATCHES[lie as Lie](batch, value);
  batch.writeUInt32BE((crc32c(batch, BatchOffset.attributes) ^ (spec.badCrc === true ? 1 : 0)) >>> 0, BatchOffset.crc);
  return batch;
}

function framed({ codec, framing }: BatchSpec, plain: Buffer): Buffer {
  const otherwise = codec === 'none' || framing === undefined ? undefined : FRAMINGS[codec][framing];
  return Buffer.from(otherwise === undefined ? compress(codec, plain) : otherwise(plain));
}

function plainRecords(specs: readonly RecordSpec[], baseTimestamp: number): Buffer {
  const writer = new Writer(256);
  specs.forEach((spec, index) => {
    const headers = (spec.headers ?? []).map(([key, value]) => ({ key, value: value === null ? null : Buffer.from(value) }));
    const record = {
      timestamp: spec.timestamp, headers,
      key: spec.key === null ? null : Buffer.from(spec.key),
      value: spec.value === null ? null : Buffer.from(spec.value),
    };
    writeRecord(writer, record, spec.offsetDelta ?? index, spec.timestamp - baseTimestamp);
  });
  return Buffer.from(writer.finish());
}

export const APPEND_TIME_BIT = BatchAttribute.logAppendTime;
