import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/logger.js';
import type { Timer, Timers } from '../../base/timers.js';
import type { GroupDirectory, GroupPartition } from './directory.js';
import type { Group } from './group.js';
import { expire, partitionsDeleted } from './removal.js';

// How long one step over the groups may hold the main isolate.
const STEP_MS = 1;

/** Walks over all groups, now and then and a little at a time: to expire offsets, or to forget those of deleted topics. */
export class Retention {
  readonly #groups: GroupDirectory;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #logger: Logger;
  #check: Timer | null = null;
  #step: Timer | null = null;
  /** Walks that have begun; one at a time moves on. */
  readonly #walks: { readonly visits: Iterator<unknown>; readonly ended: () => void }[] = [];
  readonly #forgetting = new Set<Promise<void>>();

  constructor(groups: GroupDirectory, clock: Clock, timers: Timers, logger: Logger) {
    this.#groups = groups;
    this.#clock = clock;
    this.#timers = timers;
    this.#logger = logger;
  }

  start(): void {
    this.#check = this.#timers.every(this.#groups.config.retentionCheckIntervalMs, () => void this.#walk((shard, group) => {
      const decision = expire(group);
      shard.machine.forgetIfGone(group);
      void shard.submit(decision);
    }));
  }

  forget(deleted: readonly { topic: string; partition: number }[]): void {
    const tombstones: unknown[] = [];
    const walked = this.#walk((shard, group) => {
      const decision = partitionsDeleted(group, deleted);
      shard.machine.forgetIfGone(group);
      if (decision.records.length > 0) tombstones.push(shard.submit(decision));
    });
    const forgetting = walked.then(() => Promise.allSettled(tombstones)).then(() => void this.#forgetting.delete(forgetting));
    this.#forgetting.add(forgetting);
  }

  /** What had been deleted when this was asked is forgotten, as far as the log takes it. */
  async forgotten(): Promise<void> {
    await Promise.all(this.#forgetting);
  }

  close(): void {
    this.#check?.cancel();
    this.#step?.cancel();
    for (const { ended } of this.#walks.splice(0)) ended();
  }

  #walk(visit: (shard: GroupPartition, group: Group) => void): Promise<void> {
    return new Promise(ended => {
      this.#walks.push({ visits: this.#visits(visit), ended });
      if (this.#walks.length === 1) this.#goOn();
    });
  }

  *#visits(visit: (shard: GroupPartition, group: Group) => void): IterableIterator<void> {
    for (const shard of this.#groups.runtime.active()) {
      // Groups come and go between the steps; these iterators of maps bear it.
      for (const group of shard.machine.groups()) {
        if (shard.state !== 'active') break;
        this.#visit(visit, shard, group);
        yield;
      }
    }
  }

  #visit(visit: (shard: GroupPartition, group: Group) => void, shard: GroupPartition, group: Group): void {
    try {
      visit(shard, group);
    } catch (error) {
      this.#logger.error({ group: group.id, error }, 'the offsets of a group could not be cleaned up');
    }
  }

  #goOn(): void {
    this.#groups.tick();
    const began = this.#clock.monotonic();
    while (this.#walks.length > 0) {
      if (this.#walks[0]!.visits.next().done) this.#walks.shift()!.ended();
      if (this.#clock.monotonic() - began < STEP_MS) continue;
      this.#step = this.#timers.after(0, () => this.#goOn());
      return;
    }
  }
}
