import { ProtocolError } from '../protocol-error.js';
import { BATCH_HEADER_SIZE, BATCH_LENGTH_OVERHEAD, BatchOffset, BatchView, CURRENT_MAGIC } from './batch.js';

/**
 * The batches in `bytes`, one after another. A batch cut off at the end (what a fetch may bring) ends the walk; what is
 * no batch of magic 2 throws ProtocolError. The CRC is left to the caller.
 */
export function* walkBatches(bytes: Uint8Array, start = 0, end = bytes.length): Generator<BatchView, void, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; at + BATCH_LENGTH_OVERHEAD <= end;) {
    const size = view.getInt32(at + BatchOffset.batchLength) + BATCH_LENGTH_OVERHEAD;
    if (size < BATCH_HEADER_SIZE) throw new ProtocolError(`a batch of ${size} bytes is smaller than its header`);
    if (size > end - at) return;
    const magic = view.getInt8(at + BatchOffset.magic);
    if (magic !== CURRENT_MAGIC) throw new ProtocolError(`a batch of magic ${magic} where 2 is expected`);
    yield new BatchView(bytes, at);
    at += size;
  }
}
