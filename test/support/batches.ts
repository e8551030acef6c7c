// Batches as a producer would build them, and as no producer should.
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { BatchBuilder, BatchOffset, Compression, crc32c, type BatchOptions, type RecordInput } from '../../src/protocol/records/index.js';

const require = createRequire(import.meta.url);

export type CodecName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface BatchStory extends Omit<BatchOptions, 'compression'> {
  readonly codec?: CodecName;
  readonly timestamp?: number;
  readonly key?: string | null;
}

export function compress(codec: CodecName, plain: Buffer): Uint8Array {
  switch (codec) {
    case 'none': return plain;
    case 'gzip': return gzipSync(plain);
    case 'snappy': return (require('snappy') as { compressSync(bytes: Buffer): Buffer }).compressSync(plain);
    case 'lz4': return (require('lz4-napi') as { compressFrameSync(bytes: Buffer): Buffer }).compressFrameSync(plain);
    case 'zstd': return (require('zstd-napi') as { compress(bytes: Buffer): Buffer }).compress(plain);
  }
}

/** One batch of these values, or records. */
export function batch(values: readonly (string | Partial<RecordInput>)[], { codec = 'none', timestamp = Date.now(), key = 'k', ...options }: BatchStory = {}): Buffer {
  const builder = new BatchBuilder(codec === 'none' ? options : { ...options, compression: { codec: Compression[codec], compress: plain => compress(codec, plain) } });
  for (const each of values) {
    const record = typeof each === 'string' ? { value: Buffer.from(each) } : each;
    builder.append({ timestamp, key: key === null ? null : Buffer.from(key), value: null, ...record });
  }
  return Buffer.from(builder.build());
}

/** The same batch with some bytes changed and, unless told otherwise, a CRC that covers the change. */
export function tampered(bytes: Buffer, change: (batch: Buffer) => void, fixCrc = true): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  if (fixCrc) copy.writeUInt32BE(crc32c(copy, BatchOffset.attributes), BatchOffset.crc);
  return copy;
}

/** A batch of records that nobody compressed, said to be of a codec: the bytes are given. */
export function compressedAs(codec: CodecName, records: Uint8Array, count: number): Buffer {
  const model = batch(Array.from({ length: count }, () => ''), {});
  const built = Buffer.concat([model.subarray(0, BatchOffset.records), records]);
  built.writeInt32BE(built.length - 12, BatchOffset.batchLength);
  built.writeInt16BE(Compression[codec], BatchOffset.attributes);
  return tampered(built, () => {});
}
