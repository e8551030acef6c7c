// The records of a batch as they were before it was compressed; of the codecs that our own test clients send.
import { createRequire } from 'node:module';
import { Compression, type BatchView } from '../../src/protocol/records/index.js';

const require = createRequire(import.meta.url);

export function inflated(batch: BatchView): Uint8Array {
  switch (batch.compression) {
    case Compression.none: return batch.records;
    case Compression.lz4: return (require('lz4-napi') as { decompressFrameSync(bytes: Buffer): Buffer }).decompressFrameSync(batch.records);
    default: throw new Error(`no test client sends codec ${batch.compression}`);
  }
}
