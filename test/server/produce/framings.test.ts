// What codecs put around their bytes, and what Apache Kafka 3.9.1 answered when it was sent the same: a table that any decoder
// has to agree with. Taken batches are stored as they came.
import { deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { BatchOffset, BatchView } from '../../../src/protocol/records/index.js';
import { batch, compress, compressedAs, type CodecName } from '../../support/batches.js';
import { TestBroker } from '../../support/broker.js';

const COUNT = 20;
const PLAIN = batch(Array.from({ length: COUNT }, (_, at) => `value-${at} `.repeat(20))).subarray(BatchOffset.records);
const SOME = PLAIN.subarray(0, 77);
const REST = PLAIN.subarray(77);
const { None, InvalidRecord, UnknownServerError } = ErrorCode;

const gzip = (plain: Uint8Array): Buffer => gzipSync(plain);
const snappy = (plain: Uint8Array): Buffer => Buffer.from(compress('snappy', Buffer.from(plain)));
const zstd = (plain: Uint8Array): Buffer => Buffer.from(compress('zstd', Buffer.from(plain)));
const lz4 = (plain: Uint8Array): Buffer => lz4Frame([0x60, 0x40], [plain]);
const join = (...parts: Uint8Array[]): Buffer => Buffer.concat(parts);
const nothing = (bytes: number): Buffer => Buffer.alloc(bytes);
const garbage = Buffer.from('this is no such thing at all');

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The stream of snappy-java: magic, two versions, blocks with their lengths. */
function xerial(plain: Uint8Array, versions: readonly [number, number] = [1, 1]): Buffer {
  const parts: Buffer[] = [Buffer.from('\x82SNAPPY\0', 'latin1'), int32(versions[0]), int32(versions[1])];
  for (let at = 0; at < plain.length; at += 64) {
    const block = snappy(plain.subarray(at, at + 64));
    parts.push(int32(block.length), block);
  }
  return join(...parts);
}

/** A frame of blocks that are not compressed, of these flags and this block size. */
function lz4Frame(descriptor: readonly [number, number], blocks: readonly Uint8Array[], end = nothing(4)): Buffer {
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

const skippable = join(Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]), Buffer.from('abcd'));

const framings: Readonly<Record<Exclude<CodecName, 'none'>, readonly (readonly [string, Buffer, number])[]>> = {
  snappy: [
    ['a bare block', snappy(PLAIN), None],
    ['a xerial stream', xerial(PLAIN), None],
    ['with its versions the other way round', xerial(PLAIN, [1 << 24, 1 << 24]), None],
    ['with any versions', xerial(PLAIN, [9, 99]), None],
    ['two streams', join(xerial(SOME), xerial(REST)), None],
    ['an empty block', join(xerial(SOME), int32(1), nothing(1), xerial(REST).subarray(16)), None],
    ['a stream and a header', join(xerial(PLAIN), xerial(nothing(0))), None],
    ['a stream and three bytes', join(xerial(PLAIN), nothing(3)), None],
    ['a stream and a length of zero', join(xerial(PLAIN), nothing(4)), UnknownServerError],
    ['a stream and a negative length', join(xerial(PLAIN), int32(-1)), UnknownServerError],
    ['a stream and half a header', join(xerial(PLAIN), xerial(nothing(0)).subarray(0, 9)), UnknownServerError],
    ['a stream and a bare block', join(xerial(SOME), snappy(REST)), UnknownServerError],
    ['a stream cut off', xerial(PLAIN).subarray(0, -1), UnknownServerError],
    ['a header alone', xerial(nothing(0)), InvalidRecord],
    ['two bare blocks', join(snappy(SOME), snappy(REST)), UnknownServerError],
    ['a bare block and a byte', join(snappy(PLAIN), nothing(1)), UnknownServerError],
    ['a bare block cut off', snappy(PLAIN).subarray(0, -1), UnknownServerError],
    ['an empty bare block', nothing(1), InvalidRecord],
    ['nothing', nothing(0), UnknownServerError],
    ['garbage', garbage, UnknownServerError],
  ],
  gzip: [
    ['one member', gzip(PLAIN), None],
    ['with a name', join(gzip(PLAIN).subarray(0, 3), Buffer.from([8]), gzip(PLAIN).subarray(4, 10), Buffer.from('name\0'), gzip(PLAIN).subarray(10)), None],
    ['two members', join(gzip(SOME), gzip(REST)), None],
    ['an empty member before', join(gzip(nothing(0)), gzip(PLAIN)), None],
    ['an empty member behind', join(gzip(PLAIN), gzip(nothing(0))), None],
    ['a member and zeros', join(gzip(PLAIN), nothing(8)), None],
    ['a member and a byte', join(gzip(PLAIN), Buffer.from('x')), None],
    ['a member and garbage', join(gzip(PLAIN), garbage), None],
    ['a member and less than another', join(gzip(PLAIN), gzip(SOME).subarray(0, 12)), None],
    ['zeros between two members', join(gzip(SOME), nothing(30), gzip(REST)), InvalidRecord],
    ['a trailer cut off', gzip(PLAIN).subarray(0, -3), UnknownServerError],
    ['no trailer', gzip(PLAIN).subarray(0, -8), UnknownServerError],
    ['a wrong checksum', join(gzip(PLAIN).subarray(0, -8), nothing(4), gzip(PLAIN).subarray(-4)), UnknownServerError],
    ['a wrong size', join(gzip(PLAIN).subarray(0, -4), nothing(4)), UnknownServerError],
    ['zlib', deflateSync(PLAIN), UnknownServerError],
    ['nothing', nothing(0), UnknownServerError],
    ['garbage', garbage, UnknownServerError],
  ],
  lz4: [
    ['a frame', lz4(PLAIN), None],
    ['of several blocks', lz4Frame([0x60, 0x40], [SOME, REST]), None],
    ['a frame and a byte', join(lz4(PLAIN), nothing(1)), None],
    ['two frames, of which the first is read', join(lz4(SOME), lz4(REST)), InvalidRecord],
    ['blocks that depend on each other', lz4Frame([0x40, 0x40], [PLAIN]), UnknownServerError],
    ['reserved flags', lz4Frame([0x62, 0x40], [PLAIN]), UnknownServerError],
    ['another version', lz4Frame([0xa0, 0x40], [PLAIN]), UnknownServerError],
    ['an unknown block size', lz4Frame([0x60, 0x30], [PLAIN]), UnknownServerError],
    ['a wrong descriptor checksum', (() => { const frame = lz4(PLAIN); frame[6]! ^= 1; return frame; })(), UnknownServerError],
    ['no end mark', lz4Frame([0x60, 0x40], [PLAIN], nothing(0)), UnknownServerError],
    ['half an end mark', lz4Frame([0x60, 0x40], [PLAIN], nothing(2)), UnknownServerError],
    ['a block cut off', lz4(PLAIN).subarray(0, -40), UnknownServerError],
    ['nothing', nothing(0), UnknownServerError],
    ['garbage', garbage, UnknownServerError],
  ],
  zstd: [
    ['a frame', zstd(PLAIN), None],
    ['two frames', join(zstd(SOME), zstd(REST)), None],
    ['a skippable frame before', join(skippable, zstd(PLAIN)), None],
    ['a skippable frame behind', join(zstd(PLAIN), skippable), None],
    ['a frame and a byte', join(zstd(PLAIN), nothing(1)), UnknownServerError],
    ['a frame and garbage', join(zstd(PLAIN), garbage), UnknownServerError],
    ['a frame cut off', zstd(PLAIN).subarray(0, -1), UnknownServerError],
    ['nothing', nothing(0), InvalidRecord],
    ['garbage', garbage, UnknownServerError],
  ],
};

test.each(Object.entries(framings))('%s: what Kafka takes is taken and kept, what it refuses is refused with its error', async (codec, table) => {
  const client = await (await TestBroker.start()).client();
  await client.createTopic('orders');
  let end = 0;
  for (const [what, bytes, errorCode] of table) {
    const records = compressedAs(codec as CodecName, bytes, COUNT);
    expect(await client.produce('orders', records), what).toMatchObject({ errorCode, baseOffset: errorCode === None ? end : -1, logStartOffset: 0, errorMessage: null });
    if (errorCode !== None) continue;
    const kept = new BatchView((await client.fetch('orders', end, { partitionMaxBytes: 1 })).records!);
    expect(kept.records.equals(bytes), what).toBe(true);
    end += COUNT;
  }
});
