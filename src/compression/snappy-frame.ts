// Snappy as Kafka's clients send it: xerial streams one behind the other (each a header, then blocks with a length each) or
// one bare block. What is taken and what not is as in SnappyInputStream of snappy-java.

import { InflateError } from './inflate-error.js';

const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const HEADER_BYTES = 16;
const LENGTH_BYTES = 4;
/** Where a length should be: the first bytes of the magic. */
const NEXT_STREAM = MAGIC.readInt32BE(0);

/** The raw blocks in order, and what their own headers say they become together. */
export function snappyBlocks(bytes: Buffer): { blocks: Buffer[]; plainBytes: number } {
  const blocks: Buffer[] = [];
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) blocks.push(bytes);
  else {
    // Fewer bytes than a length takes are the end.
    for (let at = HEADER_BYTES; at + LENGTH_BYTES <= bytes.length;) {
      const length = bytes.readInt32BE(at);
      if (length === NEXT_STREAM) {
        if (at + HEADER_BYTES > bytes.length) throw new InflateError('snappy: the header of a further stream is cut off');
        if (!bytes.subarray(at, at + MAGIC.length).equals(MAGIC)) break;
        at += HEADER_BYTES;
        continue;
      }
      at += LENGTH_BYTES;
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
