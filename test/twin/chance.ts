// Chance with the words that grammars need. Everything in a conversation comes from one seed.

import { seededRandom, type Random } from '../../src/base/random.js';

export class Chance {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** An integer in [0, below). */
  int(below: number): number {
    return this.#random.int(below);
  }

  /** An integer in [from, to]. */
  between(from: number, to: number): number {
    return from + this.int(to - from + 1);
  }

  /** True `percent` times of a hundred. */
  percent(percent: number): boolean {
    return this.int(100) < percent;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(from.length)]!;
  }

  /** One of the keys, as often as their weights say. */
  weighted<T>(from: readonly (readonly [T, number])[]): T {
    let at = this.int(from.reduce((sum, [, weight]) => sum + weight, 0));
    for (const [value, weight] of from) {
      at -= weight;
      if (at < 0) return value;
    }
    throw new Error('weights that add up to nothing');
  }

  some<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  bytes(count: number): Buffer {
    return this.#random.bytes(count);
  }
}
