import type { Random } from './random.js';

/** Waits that double with each failure up to a bound, and are spread so that many who fail together do not come back together (ExponentialBackoff.java). */
export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  readonly #random: Random;
  #failures = 0;

  constructor(firstMs: number, mostMs: number, random: Random) {
    this.#firstMs = firstMs;
    this.#mostMs = Math.max(firstMs, mostMs);
    this.#random = random;
  }

  /** One more failure: how long to wait, a fifth more or less. */
  next(): number {
    const ms = Math.min(this.#firstMs * 2 ** this.#failures, this.#mostMs);
    if (ms < this.#mostMs) this.#failures++;
    return ms * (0.8 + 0.4 * (this.#random.int(1 << 20) / (1 << 20)));
  }

  reset(): void {
    this.#failures = 0;
  }
}
