// Topics on their way out (TopicDeletionManager.scala). Clients and brokers forget a topic at once; its replicas are stopped
// and removed, and when all of them have said that they are gone, so is the topic. A replica that cannot be deleted holds its
// topic up: until its broker is back, or its directory, or a reassignment has ended.

import type { TopicName } from '../base/topic-name.js';
import type { Logger } from '../base/logger.js';
import type { Timers } from '../base/timers.js';
import { replicasOf, type ControllerContext, type PartitionFacts, type Replica } from './context.js';
import type { PartitionStateMachine } from './partition-state-machine.js';
import type { ReplicaStateMachine } from './replica-state-machine.js';
import type { RequestBatch } from './request-batch.js';
import type { ReplicaState } from './states.js';
import type { ControllerStore } from './store.js';

export interface TopicDeletionOptions {
  readonly context: ControllerContext;
  readonly store: ControllerStore;
  readonly partitions: PartitionStateMachine;
  readonly replicas: ReplicaStateMachine;
  readonly batch: RequestBatch;
  readonly timers: Timers;
  readonly logger: Logger;
  /** delete.topic.enable */
  readonly enabled: boolean;
  /** Has `resume` called in an event of its own. */
  readonly later: (topics: readonly TopicName[]) => void;
}

/** Between two attempts at a replica that lives and could not be deleted. (Kafka waits for its broker to start again.) */
const RETRY_MS = 1000;

export class TopicDeletion {
  readonly #options: TopicDeletionOptions;
  readonly #failed = new Set<TopicName>();

  constructor(options: TopicDeletionOptions) {
    this.#options = options;
  }

  get enabled(): boolean {
    return this.#options.enabled;
  }

  /** What was asked for before this broker became controller. Nothing is deleted yet. */
  async load(names: readonly TopicName[]): Promise<void> {
    const { context, enabled } = this.#options;
    if (!enabled) return this.#refuse(names);
    for (const name of names) {
      if (!context.topics.has(name)) continue;
      context.deleting.add(name);
      const partitions = context.partitionsOf(name);
      if (partitions.some(partition => context.reassigning.has(partition)) || replicasOf(partitions).some(({ broker, partition }) => !context.isOnline(broker, partition))) context.ineligible.add(name);
    }
  }

  /** Deletions were asked for. */
  async enqueue(names: readonly TopicName[]): Promise<void> {
    const { context, store, enabled } = this.#options;
    for (const name of names) if (!context.topics.has(name)) await store.eraseDeletion(name);
    const known = names.filter(name => context.topics.has(name));
    if (!enabled) return this.#refuse(known);
    for (const name of known) {
      context.deleting.add(name);
      if (context.partitionsOf(name).some(partition => context.reassigning.has(partition))) context.ineligible.add(name);
    }
    await this.proceed();
  }

  async #refuse(names: readonly TopicName[]): Promise<void> {
    for (const name of names) await this.#options.store.eraseDeletion(name);
  }

  /** Something happens to these that has to end first. */
  hold(names: Iterable<TopicName>): void {
    const { context } = this.#options;
    for (const name of names) if (context.deleting.has(name)) context.ineligible.add(name);
  }

  /** What held them up may be over. */
  async resume(names: Iterable<TopicName>): Promise<void> {
    const { context } = this.#options;
    const resumed = [...names].filter(name => context.deleting.has(name));
    if (resumed.length === 0) return;
    for (const name of resumed) context.ineligible.delete(name);
    await this.proceed();
  }

  /** Brokers said that these are gone. */
  async succeeded(replicas: readonly Replica[]): Promise<void> {
    await this.#options.replicas.change(this.#ofDeleted(replicas), 'deletionSuccessful');
    await this.proceed();
  }

  /** These could not be deleted: their broker went away, or said so. */
  async failed(replicas: readonly Replica[]): Promise<void> {
    const { context, logger } = this.#options;
    const failed = this.#ofDeleted(replicas);
    if (failed.length === 0) return;
    const names = [...new Set(failed.map(({ partition }) => partition.topic))];
    logger.warn({ topics: names, replicas: failed.length }, 'replicas could not be deleted yet');
    await this.#options.replicas.change(failed, 'deletionIneligible');
    this.hold(names);
    await this.proceed();
    if (failed.some(({ broker, partition }) => context.isOnline(broker, partition))) this.#again(names);
  }

  #ofDeleted(replicas: readonly Replica[]): Replica[] {
    return replicas.filter(({ partition }) => this.#options.context.isDeleting(partition));
  }

  /** Once for all that failed meanwhile. */
  #again(names: readonly TopicName[]): void {
    const waiting = this.#failed.size > 0;
    for (const name of names) this.#failed.add(name);
    if (waiting) return;
    this.#options.timers.after(RETRY_MS, () => {
      const failed = [...this.#failed];
      this.#failed.clear();
      this.#options.later(failed);
    });
  }

  /** Ends what can be ended, and begins what can be begun. */
  async proceed(): Promise<void> {
    const { context, replicas, enabled } = this.#options;
    if (!enabled) return;
    const retried: Replica[] = [];
    const begun: TopicName[] = [];
    for (const name of [...context.deleting]) {
      const all = replicasOf(context.partitionsOf(name));
      if (all.every(replica => inState(replica, 'deletionSuccessful'))) {
        await this.#end(name, all);
        continue;
      }
      if (all.some(replica => inState(replica, 'deletionStarted'))) continue;
      retried.push(...all.filter(replica => inState(replica, 'deletionIneligible')));
      if (!context.ineligible.has(name)) begun.push(name);
    }
    await replicas.change(retried, 'offline');
    if (begun.length > 0) await this.#begin(begun);
  }

  async #begin(names: readonly TopicName[]): Promise<void> {
    const { context, partitions, batch } = this.#options;
    const all = names.flatMap(name => context.partitionsOf(name));
    const unseen = all.filter(({ topic }) => !context.deletionStarted.has(topic));
    partitions.mark(unseen.filter(({ state }) => state !== 'nonExistent'), 'offline');
    partitions.mark(unseen.filter(({ state }) => state === 'offline'), 'nonExistent');
    for (const name of names) context.deletionStarted.add(name);
    // Nobody is served any more.
    batch.updateMetadata(all);
    await batch.send();
    await this.#deleteReplicas(all);
  }

  async #deleteReplicas(partitions: readonly PartitionFacts[]): Promise<void> {
    const { context, replicas, logger } = this.#options;
    const left = replicasOf(partitions).filter(replica => !inState(replica, 'deletionSuccessful'));
    const away = left.filter(({ broker, partition }) => !context.isOnline(broker, partition));
    const alive = left.filter(({ broker, partition }) => context.isOnline(broker, partition));
    await replicas.change(away.filter(replica => !inState(replica, 'deletionIneligible')), 'deletionIneligible');
    const held = new Set(away.map(({ partition }) => partition.topic));
    // First they stop to fetch, then their logs go. What is left of a topic has no leader: whoever is controller when the others are back finds it so.
    await replicas.stop(alive.filter(({ partition }) => !held.has(partition.topic)));
    await replicas.change(alive.filter(({ partition }) => held.has(partition.topic)), 'offline');
    await replicas.change(alive, 'deletionStarted');
    if (held.size === 0) return;
    this.hold(held);
    logger.info({ topics: [...held] }, 'topics deleted but for replicas that are away');
  }

  async #end(name: TopicName, all: readonly Replica[]): Promise<void> {
    const { context, store, replicas, logger } = this.#options;
    await replicas.change(all, 'nonExistent');
    await store.eraseTopic(name);
    context.removeTopic(name);
    logger.info({ topic: name }, 'topic deleted');
  }
}

function inState({ partition, broker }: Replica, state: ReplicaState): boolean {
  return (partition.replicaStates.get(broker) ?? 'nonExistent') === state;
}
