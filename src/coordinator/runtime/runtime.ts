import type { Logger } from '../../base/logger.js';
import { ErrorCode } from '../../protocol/errors.js';
import { Shard } from './shard.js';
import type { ShardOptions } from './shard.js';
import type { StateMachine } from './state-machine.js';

export type Located<Rec, Machine extends StateMachine<Rec>> =
  | { readonly ok: true; readonly shard: Shard<Rec, Machine> }
  | { readonly ok: false; readonly error: ErrorCode };

/** The partitions of an internal topic that this broker leads, each with its state machine. */
export class CoordinatorRuntime<Rec, Machine extends StateMachine<Rec>> {
  readonly #shards = new Map<number, Shard<Rec, Machine>>();
  /** The newest leader epoch heard of, also of partitions given up: a late message must not bring one back. */
  readonly #epochs = new Map<number, number>();
  readonly #makeMachine: (shard: () => Shard<Rec, Machine>) => Machine;
  readonly #options: ShardOptions;
  readonly #logger: Logger;
  #closed = false;
  /** Partitions are loaded one after the other: fifty at once would each take its turn of every round. */
  #loads: Promise<void> = Promise.resolve();

  /** `makeMachine` gets access to the shard the machine will live in, for use after it has been built. */
  constructor(makeMachine: (shard: () => Shard<Rec, Machine>) => Machine, options: ShardOptions) {
    this.#makeMachine = makeMachine;
    this.#options = options;
    this.#logger = options.logger;
  }

  /** Resolves when the partition is loaded, or given up again. Nobody needs to wait for it. */
  async elected(partition: number, epoch: number): Promise<void> {
    if (this.#closed || !this.#current(partition, epoch)) return;
    const known = this.#shards.get(partition);
    // Led all along: the log has lost nothing, so neither has the state.
    if (known !== undefined && known.state !== 'failed') {
      known.epoch = epoch;
      return;
    }
    let shard!: Shard<Rec, Machine>;
    shard = new Shard(partition, epoch, this.#makeMachine(() => shard), this.#options);
    this.#shards.set(partition, shard);
    this.#loads = this.#loads.then(() => shard.load());
    await this.#loads;
    await shard.ready;
  }

  /** Without an epoch (the replica is being deleted) the partition is given up whatever is known. */
  resigned(partition: number, epoch?: number): void {
    if (epoch !== undefined && !this.#current(partition, epoch)) return;
    const shard = this.#shards.get(partition);
    if (shard === undefined) return;
    this.#shards.delete(partition);
    shard.close();
    this.#logger.debug({ partition, epoch: epoch ?? -1 }, 'coordinator partition given up');
  }

  locate(partition: number): Located<Rec, Machine> {
    if (this.#closed) return { ok: false, error: ErrorCode.CoordinatorNotAvailable };
    const shard = this.#shards.get(partition);
    switch (shard?.state) {
      case 'active': return { ok: true, shard };
      case 'loading': return { ok: false, error: ErrorCode.CoordinatorLoadInProgress };
      default: return { ok: false, error: ErrorCode.NotCoordinator };
    }
  }

  get loading(): boolean {
    for (const shard of this.#shards.values()) if (shard.state === 'loading') return true;
    return false;
  }

  get closed(): boolean {
    return this.#closed;
  }

  *active(): IterableIterator<Shard<Rec, Machine>> {
    for (const shard of this.#shards.values()) if (shard.state === 'active') yield shard;
  }

  close(): void {
    this.#closed = true;
    for (const shard of this.#shards.values()) shard.close();
    this.#shards.clear();
  }

  #current(partition: number, epoch: number): boolean {
    const known = this.#epochs.get(partition) ?? -1;
    if (epoch < known) {
      this.#logger.info({ partition, epoch, known }, 'stale coordinator election ignored');
      return false;
    }
    this.#epochs.set(partition, epoch);
    return true;
  }
}
