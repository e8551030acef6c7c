import { randomBytes, randomInt } from 'node:crypto';

/** Where chance comes from. */
export interface Random {
  /** An integer in [0, below). */
  int(below: number): number;
  bytes(count: number): Buffer;
}

export const systemRandom: Random = {
  int: below => randomInt(below),
  bytes: count => randomBytes(count),
};

/** A random version 4 UUID as 16 bytes. */
export function uuidBytes(random: Random): Buffer {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes;
}

/** A random topic or cluster id in Kafka's spelling: base64url, 22 characters, never starting with a dash (Uuid.java). */
export function kafkaUuid(random: Random): string {
  for (;;) {
    const text = uuidBytes(random).toString('base64url');
    if (!text.startsWith('-')) return text;
  }
}

/** A random UUID in its hyphenated spelling, as in group member ids. */
export function hyphenatedUuid(random: Random): string {
  const hex = uuidBytes(random).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A repeatable source for tests and simulations (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    int: below => next() % below,
    bytes: count => Buffer.from(Array.from({ length: count }, () => next() & 0xff)),
  };
}
