// Moves replicas from state to state, and tells their brokers and everybody whom it concerns (ReplicaStateMachine.scala).

import type { Logger } from '../base/logger.js';
import type { ControllerContext, PartitionFacts, Replica } from './context.js';
import { withoutBroker } from './election.js';
import type { LeadershipStore } from './leadership-store.js';
import { refuseLaterController } from './partition-state-machine.js';
import { withoutReplica } from './replica-assignment.js';
import type { RequestBatch } from './request-batch.js';
import { replicaMayBecome, type ReplicaState } from './states.js';

export class ReplicaStateMachine {
  readonly #context: ControllerContext;
  readonly #store: LeadershipStore;
  readonly #batch: RequestBatch;
  readonly #logger: Logger;

  constructor(context: ControllerContext, store: LeadershipStore, batch: RequestBatch, logger: Logger) {
    this.#context = context;
    this.#store = store;
    this.#batch = batch;
    this.#logger = logger;
  }

  /** At take-over: who lives and who does not. Nobody is told yet. */
  load(): { readonly online: Replica[]; readonly offline: Replica[] } {
    const online: Replica[] = [];
    const offline: Replica[] = [];
    for (const partition of this.#context.partitions()) {
      for (const broker of partition.assignment.replicas) {
        const lives = this.#context.isOnline(broker, partition);
        // To be on the safe side: a topic on its way out waits for those that are away.
        partition.replicaStates.set(broker, lives ? 'online' : 'deletionIneligible');
        (lives ? online : offline).push({ partition, broker });
      }
    }
    return { online, offline };
  }

  /** Resolves when everybody's requests are queued. */
  async change(replicas: readonly Replica[], to: ReplicaState): Promise<void> {
    if (replicas.length === 0) return;
    for (const [broker, partitions] of byBroker(replicas)) await this.#changeOn(broker, partitions.filter(partition => this.#mayChange(broker, partition, to)), to);
    await this.#batch.send();
  }

  /** Offline too, but their ISR is left as it is: nobody will ever read it, for the whole topic goes. */
  async stop(replicas: readonly Replica[]): Promise<void> {
    for (const { broker, partition } of replicas) {
      if (!this.#mayChange(broker, partition, 'offline')) continue;
      this.#batch.stopReplica(broker, partition, false);
      partition.replicaStates.set(broker, 'offline');
    }
    await this.#batch.send();
  }

  #mayChange(broker: number, partition: PartitionFacts, to: ReplicaState): boolean {
    const from = partition.replicaStates.get(broker) ?? 'nonExistent';
    if (replicaMayBecome(from, to)) return true;
    this.#logger.error({ broker, topic: partition.topic, partition: partition.index, from, to }, 'a replica cannot change its state so');
    return false;
  }

  async #changeOn(broker: number, partitions: readonly PartitionFacts[], to: ReplicaState): Promise<void> {
    switch (to) {
      case 'new': return this.#begin(broker, partitions);
      case 'online': return this.#online(broker, partitions);
      case 'offline': return this.#offline(broker, partitions);
      case 'nonExistent': return this.#forget(broker, partitions);
      case 'deletionStarted':
        for (const partition of partitions) this.#batch.stopReplica(broker, partition, true);
    }
    for (const partition of partitions) partition.replicaStates.set(broker, to);
  }

  /** It follows whoever leads already, if anybody does. */
  #begin(broker: number, partitions: readonly PartitionFacts[]): void {
    for (const partition of partitions) {
      if (partition.leadership?.leader === broker) {
        this.#logger.error({ broker, topic: partition.topic, partition: partition.index }, 'the leader of a partition cannot be a new replica of it');
        continue;
      }
      if (partition.leadership !== undefined) this.#batch.leaderAndIsr([broker], partition, true);
      partition.replicaStates.set(broker, 'new');
    }
  }

  #online(broker: number, partitions: readonly PartitionFacts[]): void {
    for (const partition of partitions) {
      // A new one was told when it became that.
      if (partition.replicaStates.get(broker) !== 'new' && partition.leadership !== undefined) this.#batch.leaderAndIsr([broker], partition, false);
      partition.replicaStates.set(broker, 'online');
    }
  }

  /** It is stopped, leaves the ISR, and the others are told so. */
  async #offline(broker: number, partitions: readonly PartitionFacts[]): Promise<void> {
    for (const partition of partitions) this.#batch.stopReplica(broker, partition, false);
    const left = await this.#removeFromIsr(broker, partitions.filter(({ leadership }) => leadership !== undefined));
    for (const [partition, written] of left) {
      const others = partition.assignment.replicas.filter(replica => replica !== broker);
      if (written && !this.#context.isDeleting(partition)) this.#batch.leaderAndIsr(others, partition, false);
    }
    const gone = [...left.keys(), ...partitions.filter(({ leadership }) => leadership === undefined)];
    for (const partition of gone) partition.replicaStates.set(broker, 'offline');
    // It is among the offline replicas from now on.
    this.#batch.updateMetadata(gone);
  }

  /** The assignment forgets it too. */
  #forget(broker: number, partitions: readonly PartitionFacts[]): void {
    for (const partition of partitions) {
      partition.assignment = withoutReplica(partition.assignment, broker);
      partition.replicaStates.delete(broker);
    }
  }

  /** Answers those in whose ISR it is no more, unless it is the last there, and whether that was written now. */
  async #removeFromIsr(broker: number, partitions: readonly PartitionFacts[]): Promise<Map<PartitionFacts, boolean>> {
    const done = new Map<PartitionFacts, boolean>();
    for (let left = partitions; left.length > 0;) {
      const inSync: PartitionFacts[] = [];
      for (const partition of left) {
        if (partition.leadership!.isr.includes(broker)) inSync.push(partition);
        else done.set(partition, false);
      }
      const stale: PartitionFacts[] = [];
      for (const [partition, update] of await this.#store.update(new Map(inSync.map(partition => [partition, withoutBroker(partition.leadership!, broker, this.#context.epoch)])))) {
        if (update.outcome === 'stale') {
          stale.push(partition);
        } else if (update.outcome === 'written') {
          partition.leadership = update.leadership;
          done.set(partition, true);
        } else {
          this.#logger.error({ broker, topic: partition.topic, partition: partition.index, error: String(update.error) }, 'a replica could not be taken out of the ISR');
        }
      }
      await this.#store.refresh(stale);
      refuseLaterController(stale, this.#context);
      left = stale.filter(({ leadership }) => leadership !== undefined);
    }
    return done;
  }
}

function byBroker(replicas: readonly Replica[]): Map<number, PartitionFacts[]> {
  const brokers = new Map<number, PartitionFacts[]>();
  for (const { broker, partition } of replicas) {
    const some = brokers.get(broker);
    if (some === undefined) brokers.set(broker, [partition]);
    else some.push(partition);
  }
  return brokers;
}
