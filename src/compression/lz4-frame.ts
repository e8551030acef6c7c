// Where an LZ4 frame ends and how large it can become, from its headers alone: the package that inflates has no limit of its
// own. What is taken and what not is as in Lz4BlockInputStream of Kafka: one frame of independent blocks, whatever lies behind.

import { InflateError } from './inflate-error.js';

const MAGIC = 0x184d2204;
const BLOCK_BYTES: Readonly<Record<number, number>> = { 4: 64 << 10, 5: 256 << 10, 6: 1 << 20, 7: 4 << 20 };
/** One byte of a block says at most 255 bytes of output. */
const MOST_RATIO = 255;
const UNCOMPRESSED = 0x80000000;

/** The frame and an upper bound for its output. Throws InflateError where its structure is broken. */
export function lz4Frame(bytes: Buffer): { readonly frame: Buffer; readonly mostBytes: number } {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC) throw new InflateError('lz4: no frame');
  const flags = bytes[4]!;
  if (flags >> 6 !== 1) throw new InflateError('lz4: unknown frame version');
  if ((flags & 0x20) === 0) throw new InflateError('lz4: blocks that depend on each other');
  if ((flags & 0x03) !== 0) throw new InflateError('lz4: reserved flags');
  const blockMost = BLOCK_BYTES[bytes[5]! >> 4];
  if (blockMost === undefined || (bytes[5]! & 0x0f) !== 0) throw new InflateError('lz4: unknown block size');
  const blockChecksum = (flags & 0x10) !== 0 ? 4 : 0;
  const contentSize = (flags & 0x08) !== 0 ? 8 : 0;
  const contentChecksum = (flags & 0x04) !== 0 ? 4 : 0;
  let at = 6 + contentSize + 1;
  let bound = 0;
  for (;;) {
    if (at + 4 > bytes.length) throw new InflateError('lz4: the frame has no end');
    const header = bytes.readUInt32LE(at);
    at += 4;
    if (header === 0) break;
    const size = header % UNCOMPRESSED;
    if (size > blockMost) throw new InflateError(`lz4: a block of ${size} bytes, where ${blockMost} are the most`);
    if (size > bytes.length - at) throw new InflateError(`lz4: a block claims ${size} bytes, ${bytes.length - at} are left`);
    bound += header >= UNCOMPRESSED ? size : Math.min(blockMost, size * MOST_RATIO);
    at += size + blockChecksum;
  }
  at += contentChecksum;
  if (at > bytes.length) throw new InflateError('lz4: the frame is cut off');
  return { frame: bytes.subarray(0, at), mostBytes: bound };
}
