import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/logger.js';
import type { Timers } from '../../base/timers.js';
import { Turns } from '../../base/turns.js';
import type { CoordinatorLog } from '../log.js';
import { AppendQueue } from './append-queue.js';
import type { Inflate } from './batches.js';
import type { Decision } from './decision.js';
import { load } from './loader.js';
import type { StateMachine } from './state-machine.js';

/** Loading goes on for long: how much of it others may have to wait for. */
const LONGEST_LOADING_MS = 1;

export type ShardState = 'loading' | 'active' | 'failed' | 'closed';

export interface ShardOptions {
  readonly log: CoordinatorLog;
  readonly inflate: Inflate;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly commitTimeoutMs: number;
  readonly loadBufferBytes: number;
  readonly beforeApply: () => void;
}

/** One partition of the internal topic for as long as this broker leads it without interruption. */
export class Shard<Rec, Machine extends StateMachine<Rec>> {
  readonly partition: number;
  readonly machine: Machine;
  epoch: number;
  /** Of load(). */
  ready: Promise<void> = Promise.resolve();
  readonly #options: ShardOptions;
  readonly #queue: AppendQueue<Rec>;
  #state: ShardState = 'loading';

  constructor(partition: number, epoch: number, machine: Machine, options: ShardOptions) {
    this.partition = partition;
    this.epoch = epoch;
    this.machine = machine;
    this.#options = options;
    this.#queue = new AppendQueue<Rec>({ ...options, partition, machine });
  }

  get state(): ShardState {
    return this.#state;
  }

  /**
   * Reads the log. What comes then goes on by itself, and `ready` resolves behind it: the shard serves when what it read is committed, and
   * nobody else has to wait for that.
   */
  async load(): Promise<void> {
    if (this.#state !== 'loading') return;
    const { clock, logger, log, inflate, timers, loadBufferBytes } = this.#options;
    const { partition, machine, epoch } = this;
    const began = clock.monotonic();
    const cancelled = (): boolean => this.#state !== 'loading';
    const turns = new Turns(clock, timers, LONGEST_LOADING_MS);
    try {
      const end = await load<Rec>({ partition, machine, log, inflate, turns, logger, cancelled, bufferBytes: loadBufferBytes });
      if (end === undefined || !await this.#makeReady(turns, cancelled)) return;
      this.ready = log.committed(partition, end).then(() => {
        if (cancelled()) return;
        this.#state = 'active';
        logger.debug({ partition, epoch, ms: Math.round(clock.monotonic() - began) }, 'coordinator partition loaded');
      }).catch((error: unknown) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }

  /**
   * Kafka would serve what it has read so far, which hands consumers old offsets. Better to have no coordinator until the next election
   * than a wrong one.
   */
  #failed(error: unknown): void {
    if (this.#state !== 'loading') return;
    this.#state = 'failed';
    this.#options.logger.error({ partition: this.partition, epoch: this.epoch, error }, 'coordinator partition could not be loaded');
  }

  async #makeReady(turns: Turns, cancelled: () => boolean): Promise<boolean> {
    this.#options.beforeApply();
    const steps = this.machine.loaded()[Symbol.iterator]();
    while (!steps.next().done) {
      if (!turns.isOver) continue;
      await turns.next();
      if (cancelled()) return false;
      this.#options.beforeApply();
    }
    return true;
  }

  /** The reply at once if there is nothing to append. */
  submit<Reply>(decision: Decision<Rec, Reply>): Reply | Promise<Reply> {
    return decision.records.length === 0 ? decision.reply : this.#queue.submit(decision);
  }

  close(): void {
    this.#state = 'closed';
    this.#options.beforeApply();
    this.#queue.close();
    this.machine.unload();
  }
}
