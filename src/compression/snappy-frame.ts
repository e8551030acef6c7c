// Snappy as Kafka's clients send it: the xerial stream (header, then blocks with a length each) or one bare block.

import { InflateError } from './inflate-error.js';

const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const HEADER_BYTES = 16;

/** The raw blocks in order, and what their own headers say they become together. */
export function snappyBlocks(bytes: Buffer): { blocks: Buffer[]; plainBytes: number } {
  const blocks: Buffer[] = [];
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) blocks.push(bytes);
  else {
    for (let at = HEADER_BYTES; at < bytes.length;) {
      if (at + 4 > bytes.length) throw new InflateError('snappy: a block length is cut off');
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length <= 0 || length > bytes.length - at) throw new InflateError(`snappy: a block claims ${length} bytes, ${bytes.length - at} are left`);
      blocks.push(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return { blocks, plainBytes: blocks.reduce((sum, block) => sum + plainLength(block), 0) };
}

/** A raw block begins with its plain length, as a varint. */
function plainLength(block: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  throw new InflateError('snappy: a block has no length');
}
