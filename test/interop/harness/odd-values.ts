// Values that take encoders to their limits: nothing, one byte, what does not compress, what is nothing but repetition, and
// what repeats at or beyond the distances that the formats know. Text of seven bits, so that every client takes it.

import type { Random } from '../../../src/base/random.js';

const KIB = 1024;

function noise(random: Random, size: number): string {
  return Buffer.from(random.bytes(size).map(byte => byte & 0x7f)).toString('latin1');
}

/** Runs and noise in turns, of every length. */
function patchwork(random: Random, size: number): string {
  let text = '';
  while (text.length < size) {
    const length = 1 + random.int(1 << random.int(14));
    text += random.int(2) === 0 ? noise(random, length) : noise(random, 1 + random.int(20)).repeat(length).slice(0, length);
  }
  return text;
}

export function oddValues(random: Random): string[] {
  const far = noise(random, 70_000);
  return [
    '',
    'y',
    noise(random, 1_100_000),
    'z'.repeat(2_000_000),
    'ab'.repeat(100_000),
    ...[32, 64, 128].flatMap(kib => [noise(random, kib * KIB - 1), noise(random, kib * KIB)]),
    far.repeat(3),
    far.slice(0, 64 * KIB - 1).repeat(2),
    patchwork(random, 300_000),
    patchwork(random, 300_000),
    '',
    noise(random, 100),
  ];
}
