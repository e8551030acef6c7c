// Moves partitions from state to state: decides for many at once, writes in batches, tells who is concerned
// (PartitionStateMachine.scala). Each partition has its own result; one that somebody else changed meanwhile is read and
// decided again.

import type { Logger } from '../base/logger.js';
import type { ZkError } from '../zookeeper/types.js';
import type { ControllerContext, Leadership, PartitionFacts } from './context.js';
import { elect, firstLeadership, type NewLeadership, type Strategy } from './election.js';
import { ControllerMoved } from './fenced-writes.js';
import type { LeadershipStore } from './leadership-store.js';
import type { RequestBatch } from './request-batch.js';
import { mayBecome, type PartitionState } from './states.js';

/** `refused`: nobody can lead it as it was asked. */
export type ElectionResult =
  | { readonly outcome: 'elected'; readonly leadership: Leadership }
  | { readonly outcome: 'refused'; readonly why: string }
  | { readonly outcome: 'failed'; readonly error: ZkError };

/** `offline`: somebody in sync, or whoever lives where the topic allows it. `unclean`: it is allowed for this once. */
export type How = Strategy['kind'] | 'unclean';

export type Elections = Map<PartitionFacts, ElectionResult>;

export class PartitionStateMachine {
  readonly #context: ControllerContext;
  readonly #store: LeadershipStore;
  readonly #batch: RequestBatch;
  readonly #logger: Logger;
  /** Of those without a live replica in sync: whether their topics take another. */
  readonly #uncleanTopics: (partitions: readonly PartitionFacts[]) => Promise<(partition: PartitionFacts) => boolean>;

  constructor(context: ControllerContext, store: LeadershipStore, batch: RequestBatch, logger: Logger, uncleanTopics: (partitions: readonly PartitionFacts[]) => Promise<(partition: PartitionFacts) => boolean>) {
    this.#context = context;
    this.#store = store;
    this.#batch = batch;
    this.#logger = logger;
    this.#uncleanTopics = uncleanTopics;
  }

  /** At take-over: as they were left. */
  load(): void {
    for (const partition of this.#context.partitions()) {
      const { leadership } = partition;
      partition.state = leadership === undefined ? 'new' : this.#context.isOnline(leadership.leader, partition) ? 'online' : 'offline';
    }
  }

  /** Leaders for those of `partitions` that have none, where somebody can lead. */
  async electForLeaderless(partitions: Iterable<PartitionFacts>): Promise<Elections> {
    const leaderless = [...partitions].filter(partition => (partition.state === 'offline' || partition.state === 'new') && !this.#context.isDeleting(partition));
    return this.bringOnline(leaderless, 'offline');
  }

  /** Changes of which nobody is told. */
  mark(partitions: Iterable<PartitionFacts>, to: Exclude<PartitionState, 'online'>): void {
    for (const partition of partitions) {
      if (mayBecome(partition.state, to)) partition.state = to;
      else this.#logger.error({ topic: partition.topic, partition: partition.index, from: partition.state, to }, 'a partition cannot change its state so');
    }
  }

  /** First leaders for new partitions, elections for the others. Tells everybody, and answers what became of the elections. */
  async bringOnline(partitions: readonly PartitionFacts[], how: How): Promise<Elections> {
    const fresh = partitions.filter(({ state }) => state === 'new');
    const others = partitions.filter(({ state }) => state !== 'new' && mayBecome(state, 'online'));
    if (fresh.length > 0) await this.#initialize(fresh);
    const results = others.length === 0 ? new Map<PartitionFacts, ElectionResult>() : await this.#electAll(others, how);
    await this.#batch.send();
    return results;
  }

  /** Those that nobody can lead yet get no znode: they are looked at again when a broker comes. */
  async #initialize(partitions: readonly PartitionFacts[]): Promise<void> {
    const firsts = new Map(partitions.flatMap(partition => {
      const first = firstLeadership(partition, this.#context);
      return first === undefined ? [] : [[partition, first] as const];
    }));
    if (firsts.size === 0) return;
    const taken: PartitionFacts[] = [];
    for (const [partition, update] of await this.#store.create(firsts)) {
      if (update.outcome === 'written') {
        partition.leadership = update.leadership;
        partition.state = 'online';
        this.#batch.leaderAndIsr(update.leadership.isr, partition, true);
      } else if (update.outcome === 'stale') {
        taken.push(partition);
      } else {
        this.#logger.error({ topic: partition.topic, partition: partition.index, error: String(update.error) }, 'a partition could not get its first leader');
      }
    }
    await this.#adopt(taken);
  }

  /** An earlier controller made the node, or we did and were not told so. */
  async #adopt(partitions: readonly PartitionFacts[]): Promise<void> {
    await this.#refresh(partitions);
    for (const partition of partitions) {
      const { leadership } = partition;
      if (leadership === undefined) continue;
      const led = this.#context.isOnline(leadership.leader, partition);
      partition.state = led ? 'online' : 'offline';
      if (led) this.#batch.leaderAndIsr(partition.assignment.replicas, partition, true);
    }
  }

  async #electAll(partitions: readonly PartitionFacts[], how: How): Promise<Elections> {
    const results: Elections = new Map();
    for (let left = partitions; left.length > 0;) left = await this.#electOnce(left, await this.#strategy(left, how), results);
    return results;
  }

  async #strategy(partitions: readonly PartitionFacts[], how: How): Promise<Strategy> {
    if (how === 'unclean') return { kind: 'offline', asked: true, unclean: () => true };
    if (how !== 'offline') return { kind: how };
    const lost = partitions.filter(partition => !(partition.leadership?.isr ?? []).some(broker => this.#context.isOnline(broker, partition)));
    return { kind: 'offline', asked: false, unclean: lost.length === 0 ? () => false : await this.#uncleanTopics(lost) };
  }

  /** Answers those that are to be decided again. */
  async #electOnce(partitions: readonly PartitionFacts[], strategy: Strategy, results: Elections): Promise<PartitionFacts[]> {
    const decided = new Map<PartitionFacts, { next: NewLeadership; recipients: readonly number[] }>();
    for (const partition of partitions) {
      const elected = partition.leadership === undefined ? undefined : elect(partition, partition.leadership, strategy, this.#context);
      if (elected === undefined) results.set(partition, { outcome: 'refused', why: refusal(partition, strategy) });
      else decided.set(partition, elected);
    }
    const stale: PartitionFacts[] = [];
    for (const [partition, update] of await this.#store.update(new Map([...decided].map(([partition, { next }]) => [partition, next])))) {
      if (update.outcome === 'stale') {
        stale.push(partition);
      } else if (update.outcome === 'failed') {
        results.set(partition, update);
        this.#logger.error({ topic: partition.topic, partition: partition.index, error: String(update.error) }, 'an election could not be written');
      } else {
        partition.leadership = update.leadership;
        partition.state = 'online';
        this.#batch.leaderAndIsr(decided.get(partition)!.recipients, partition, false);
        results.set(partition, { outcome: 'elected', leadership: update.leadership });
      }
    }
    await this.#refresh(stale);
    return stale;
  }

  async #refresh(partitions: readonly PartitionFacts[]): Promise<void> {
    await this.#store.refresh(partitions);
    refuseLaterController(partitions, this.#context);
  }
}

/** What a later controller wrote is no business of ours any more. */
export function refuseLaterController(partitions: readonly PartitionFacts[], context: ControllerContext): void {
  const later = partitions.find(({ leadership }) => leadership !== undefined && leadership.controllerEpoch > context.epoch);
  if (later !== undefined) throw new ControllerMoved(`${later.topic}-${later.index} was written by the controller of epoch ${later.leadership!.controllerEpoch}`);
}

/** As Kafka's clients are told (StateChangeFailedException). */
function refusal({ topic, index, leadership, state }: PartitionFacts, strategy: Strategy): string {
  if (leadership === undefined) return `LeaderAndIsr information doesn't exist for partition ${topic}-${index} in ${STATE_NAMES[state]} state`;
  return `Failed to elect leader for partition ${topic}-${index} under strategy ${strategyName(strategy)}`;
}

const STATE_NAMES: Readonly<Record<PartitionState, string>> = { new: 'NewPartition', online: 'OnlinePartition', offline: 'OfflinePartition', nonExistent: 'NonExistentPartition' };

function strategyName(strategy: Strategy): string {
  switch (strategy.kind) {
    case 'offline': return `OfflinePartitionLeaderElectionStrategy(${strategy.asked})`;
    case 'reassign': return 'ReassignPartitionLeaderElectionStrategy';
    case 'preferred': return 'PreferredReplicaPartitionLeaderElectionStrategy';
    case 'controlledShutdown': return 'ControlledShutdownPartitionLeaderElectionStrategy';
  }
}
