import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { Codec, Codecs } from '../../src/compression/codecs.js';
import { InflateError } from '../../src/compression/inflate-error.js';
import { compress, type CodecName } from '../support/batches.js';

const names: CodecName[] = ['gzip', 'snappy', 'lz4', 'zstd'];
const LIMIT = 1 << 20;

function codecs(): Codecs {
  const all = new Codecs();
  onTestFinished(() => all.close());
  return all;
}

/** Java's snappy framing: a magic, two versions, and blocks with their lengths. */
function snappyJava(...blocks: Buffer[]): Buffer {
  const parts = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])];
  for (const block of blocks) {
    const packed = Buffer.from(compress('snappy', block));
    const length = Buffer.alloc(4);
    length.writeInt32BE(packed.length);
    parts.push(length, packed);
  }
  return Buffer.concat(parts);
}

test('what was compressed comes out as it went in: empty, small, large, many at once', async () => {
  const all = codecs();
  const plains = [Buffer.alloc(0), Buffer.from('x'), Buffer.from('hello '.repeat(10_000)), Buffer.from(seededRandom(5).bytes(300_000))];
  await Promise.all(names.flatMap(name => plains.map(async plain => {
    expect((await all.inflate(Codec[name], Buffer.from(compress(name, plain)), LIMIT)).equals(plain), `${name} ${plain.length}`).toBe(true);
  })));
  const two = snappyJava(Buffer.from('one '), Buffer.from('two'));
  expect((await all.inflate(Codec.snappy, two, LIMIT)).toString()).toBe('one two');
});

test('more than the limit is refused as too large, and costs no more than the limit', async () => {
  const all = codecs();
  for (const name of names) {
    const bomb = Buffer.from(compress(name, Buffer.alloc(32 << 20)));
    const refusal: unknown = await all.inflate(Codec[name], bomb, LIMIT).catch((error: unknown) => error);
    expect(refusal, name).toBeInstanceOf(InflateError);
    expect((refusal as InflateError).tooLarge, name).toBe(true);
  }
});

test('damage of every kind is an InflateError, and the codecs go on', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const all = codecs();
  const plain = Buffer.from('some words that repeat, some words that do not '.repeat(40));
  for (const name of names) {
    const whole = Buffer.from(compress(name, plain));
    const damaged = [Buffer.alloc(0), whole.subarray(0, 1), whole.subarray(0, whole.length - 1), whole.subarray(1), ...Array.from({ length: 60 }, () => {
      const copy = Buffer.from(whole);
      for (let changes = 1 + random.int(3); changes > 0; changes--) copy[random.int(copy.length)] = random.int(256);
      return copy;
    })];
    for (const bytes of damaged) {
      // Some damage goes unseen where there is no checksum: then there are bytes, within the limit.
      const outcome: unknown = await all.inflate(Codec[name], bytes, LIMIT).catch((error: unknown) => error);
      if (Buffer.isBuffer(outcome)) expect(outcome.length).toBeLessThanOrEqual(LIMIT);
      else expect(outcome, name).toBeInstanceOf(InflateError);
    }
    expect((await all.inflate(Codec[name], whole, LIMIT)).equals(plain)).toBe(true);
  }
  await expect(all.inflate(9, Buffer.alloc(3), LIMIT)).rejects.toBeInstanceOf(InflateError);
  expect((await all.inflate(Codec.gzip, gzipSync('x'), LIMIT)).toString()).toBe('x');
});
