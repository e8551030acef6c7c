// What codecs put around their bytes, and what Apache Kafka 3.9.1 answered when it was sent the same: a table that any decoder
// has to agree with. Taken batches are stored as they came.
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { BatchOffset, BatchView } from '../../../src/protocol/records/index.js';
import { batch, compressedAs, type CodecName } from '../../support/batches.js';
import { TestBroker } from '../../support/broker.js';
import { gzip, int32, join, lz4, lz4Frame, nothing, skippable, snappy, xerial, zstd } from '../../support/framings.js';

const COUNT = 20;
const PLAIN = batch(Array.from({ length: COUNT }, (_, at) => `value-${at} `.repeat(20))).subarray(BatchOffset.records);
const SOME = PLAIN.subarray(0, 77);
const REST = PLAIN.subarray(77);
const { None, InvalidRecord, UnknownServerError } = ErrorCode;

const garbage = Buffer.from('this is no such thing at all');

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
