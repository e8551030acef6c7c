// What codecs put around their bytes, built by hand where no encoder makes it.

import { gzipSync } from 'node:zlib';
import { compress, type CodecName } from './batches.js';

export const gzip = (plain: Uint8Array): Buffer => gzipSync(plain);
export const snappy = (plain: Uint8Array): Buffer => Buffer.from(compress('snappy', Buffer.from(plain)));
export const zstd = (plain: Uint8Array): Buffer => Buffer.from(compress('zstd', Buffer.from(plain)));
export const lz4 = (plain: Uint8Array): Buffer => lz4Frame([0x60, 0x40], [plain]);
export const join = (...parts: Uint8Array[]): Buffer => Buffer.concat(parts);
export const nothing = (bytes: number): Buffer => Buffer.alloc(bytes);

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The stream of snappy-java: magic, two versions, blocks with their lengths. */
export function xerial(plain: Uint8Array, versions: readonly [number, number] = [1, 1]): Buffer {
  const parts: Buffer[] = [Buffer.from('\x82SNAPPY\0', 'latin1'), int32(versions[0]), int32(versions[1])];
  for (let at = 0; at < plain.length; at += 64) {
    const block = snappy(plain.subarray(at, at + 64));
    parts.push(int32(block.length), block);
  }
  return join(...parts);
}

/** A frame of blocks that are not compressed, of these flags and this block size. */
export function lz4Frame(descriptor: readonly [number, number], blocks: readonly Uint8Array[], end = nothing(4)): Buffer {
  const described = Buffer.from(descriptor);
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18]), described, Buffer.from([(xxHash32(described) >>> 8) & 0xff])];
  for (const block of blocks) {
    const size = Buffer.alloc(4);
    size.writeUInt32LE((0x80000000 | block.length) >>> 0);
    parts.push(size, Buffer.from(block));
  }
  return join(...parts, end);
}

/** xxHash32 with seed 0, of fewer than 16 bytes. */
function xxHash32(bytes: Buffer): number {
  const [second, third, fifth] = [2246822519, 3266489917, 374761393];
  const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  let hash = (fifth + bytes.length) | 0;
  for (const byte of bytes) hash = Math.imul(rotated(hash + Math.imul(byte, fifth), 11), 2654435761);
  hash = Math.imul(hash ^ (hash >>> 15), second);
  hash = Math.imul(hash ^ (hash >>> 13), third);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A frame of zstd's that holds nothing. */
export const skippable = join(Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]), Buffer.from('abcd'));

type Framing = (plain: Uint8Array) => Buffer;

const halves = (plain: Uint8Array): [Uint8Array, Uint8Array] => [plain.subarray(0, plain.length >> 1), plain.subarray(plain.length >> 1)];
const behind = Buffer.from('this is no such thing at all');

/** Ways to say the same, and some that nobody should understand, by codec. */
export const FRAMINGS: Readonly<Record<Exclude<CodecName, 'none'>, Readonly<Record<string, Framing>>>> = {
  gzip: {
    members: plain => join(...halves(plain).map(gzip)),
    'a name': plain => join(gzip(plain).subarray(0, 3), Buffer.from([8]), gzip(plain).subarray(4, 10), Buffer.from('name\0'), gzip(plain).subarray(10)),
    'an empty member behind': plain => join(gzip(plain), gzip(nothing(0))),
    'something behind': plain => join(gzip(plain), behind),
    'zeros between members': plain => join(gzip(halves(plain)[0]), nothing(30), gzip(halves(plain)[1])),
    'no trailer': plain => gzip(plain).subarray(0, -8),
  },
  snappy: {
    stream: plain => xerial(plain),
    streams: plain => join(...halves(plain).map(half => xerial(half))),
    'three bytes behind a stream': plain => join(xerial(plain), nothing(3)),
    'a stream cut off': plain => xerial(plain).subarray(0, -1),
    blocks: plain => join(...halves(plain).map(snappy)),
  },
  lz4: {
    'stored blocks': plain => lz4Frame([0x60, 0x40], halves(plain)),
    'blocks of 4 MiB': plain => lz4Frame([0x60, 0x70], [plain]),
    'a content checksum': plain => lz4Frame([0x64, 0x40], [plain], nothing(8)),
    'linked blocks': plain => lz4Frame([0x40, 0x40], [plain]),
    'no end': plain => lz4Frame([0x60, 0x40], [plain], nothing(0)),
    'something behind': plain => join(lz4(plain), behind),
  },
  zstd: {
    frames: plain => join(...halves(plain).map(zstd)),
    'a skippable frame': plain => join(skippable, zstd(plain)),
    'something behind': plain => join(zstd(plain), behind),
    'cut off': plain => zstd(plain).subarray(0, -1),
  },
};
