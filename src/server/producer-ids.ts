import type { Logger } from '../base/logger.js';
import type { Clock } from '../base/clock.js';
import type { Timers } from '../base/timers.js';

/** Ids that no other broker gives out. */
export interface ProducerIdBlock {
  readonly first: number;
  readonly length: number;
}

export interface ProducerIdsOptions {
  /** Gets the next block from the controller (AllocateProducerIds). */
  readonly allocate: () => Promise<ProducerIdBlock>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

// ProducerIdManager.scala. Kafka refuses at once while it has no block; waiting a moment spares the client a round.
const PREFETCH_AT = 0.9;
const RETRY_AFTER_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/** Gives out producer ids from blocks, and fetches the next block before the current one is used up. */
export class ProducerIds {
  readonly #options: ProducerIdsOptions;
  #current: ProducerIdBlock = { first: 0, length: 0 };
  #used = 0;
  #next: ProducerIdBlock | null = null;
  #fetching: Promise<void> | null = null;
  #notBefore = -Infinity;

  constructor(options: ProducerIdsOptions) {
    this.#options = options;
  }

  /** Null: none at hand; the caller may ask again soon. */
  async next(): Promise<number | null> {
    const id = this.#claim();
    if (id !== null) return id;
    await this.#waitForBlock();
    return this.#claim();
  }

  #claim(): number | null {
    if (this.#used === this.#current.length) {
      if (this.#next === null) return null;
      this.#current = this.#next;
      this.#used = 0;
      this.#next = null;
    }
    const id = this.#current.first + this.#used++;
    if (this.#used > Math.floor(this.#current.length * PREFETCH_AT)) this.#fetch();
    return id;
  }

  async #waitForBlock(): Promise<void> {
    this.#fetch();
    if (this.#fetching === null) return;
    let tooLong!: () => void;
    const patience = new Promise<void>(resolve => { tooLong = resolve; });
    const timer = this.#options.timers.after(LONGEST_WAIT_MS, tooLong);
    await Promise.race([this.#fetching, patience]);
    timer.cancel();
  }

  #fetch(): void {
    const { clock, allocate, logger } = this.#options;
    if (this.#fetching !== null || this.#next !== null || clock.monotonic() < this.#notBefore) return;
    this.#fetching = allocate().then(
      block => this.#accept(block),
      (error: unknown) => {
        this.#notBefore = clock.monotonic() + RETRY_AFTER_MS;
        logger.warn({ error }, 'no block of producer ids could be allocated');
      }).finally(() => { this.#fetching = null; });
  }

  #accept(block: ProducerIdBlock): void {
    const end = this.#current.first + this.#current.length;
    if (block.length > 0 && block.first >= end && Number.isSafeInteger(block.first + block.length)) {
      this.#next = block;
      return;
    }
    this.#notBefore = this.#options.clock.monotonic() + RETRY_AFTER_MS;
    this.#options.logger.error({ block, current: this.#current }, 'a block of producer ids makes no sense and is not used');
  }
}
