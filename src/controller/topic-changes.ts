// Topics that appear, grow and vanish in ZooKeeper (KafkaController.processTopicChange, processPartitionModifications).

import type { TopicName } from '../base/topic-name.js';
import type { Logger } from '../base/logger.js';
import { sideBySide } from '../base/side-by-side.js';
import { ZnodeFormatError } from '../zookeeper/znodes/json.js';
import { replicasOf, type ControllerContext, type PartitionFacts, type TopicFacts } from './context.js';
import { READS_AT_ONCE, type LeadershipStore } from './leadership-store.js';
import type { PartitionStateMachine } from './partition-state-machine.js';
import { isBeingReassigned } from './replica-assignment.js';
import type { ReplicaStateMachine } from './replica-state-machine.js';
import type { RequestBatch } from './request-batch.js';
import type { ControllerStore } from './store.js';

export interface TopicChangesOptions {
  readonly context: ControllerContext;
  readonly store: ControllerStore;
  readonly leaderships: LeadershipStore;
  readonly batch: RequestBatch;
  readonly partitions: PartitionStateMachine;
  readonly replicas: ReplicaStateMachine;
  readonly logger: Logger;
  /** Hears of changes of a topic's assignment. */
  readonly watcher: (topic: TopicName) => () => void;
  readonly gone: (topic: TopicName) => void;
}

export class TopicChanges {
  readonly #options: TopicChangesOptions;

  constructor(options: TopicChangesOptions) {
    this.#options = options;
  }

  /** At take-over: all topics as they are written. */
  async load(names: readonly TopicName[]): Promise<void> {
    await this.#read(names, true);
  }

  /** The topics there are now. */
  async exist(names: readonly TopicName[]): Promise<void> {
    const { context, batch } = this.#options;
    const existing = new Set<string>(names);
    for (const { name } of [...context.topics.values()]) if (!existing.has(name)) await this.#vanished(name);
    const fresh = await this.#read(names.filter(name => !context.topics.has(name)), false);
    await this.#create(fresh.flatMap(({ partitions }) => [...partitions.values()]));
    await batch.send();
  }

  /** The assignment of a topic was written by somebody, perhaps by us. */
  async modified(name: TopicName): Promise<void> {
    const { context, store, logger } = this.#options;
    const known = context.topics.get(name);
    if (known === undefined) return;
    const found = await store.topic(name, this.#options.watcher(name)).catch((error: unknown) => this.#leaveAlone(name, error));
    const added = [...found?.partitions.values() ?? []].filter(({ index }) => !known.partitions.has(index));
    if (added.length === 0) return;
    if (context.deleting.has(name)) {
      logger.warn({ topic: name, partitions: added.map(({ index }) => index) }, 'partitions of a topic on its way out are not made');
      await store.writeAssignments(known, new Map([...known.partitions].map(([index, { assignment }]) => [index, assignment])));
      return;
    }
    for (const partition of added) known.partitions.set(partition.index, partition);
    await this.#create(added);
  }

  /** Somebody removed it by hand: brokers forget it. */
  async #vanished(name: TopicName): Promise<void> {
    const { context, batch } = this.#options;
    const partitions = context.partitionsOf(name);
    context.deleting.add(name);
    batch.updateMetadata(partitions);
    await batch.send();
    context.removeTopic(name);
    this.#options.gone(name);
  }

  async #read(names: readonly TopicName[], leaderships: boolean): Promise<TopicFacts[]> {
    const topics: TopicFacts[] = [];
    await sideBySide(names, READS_AT_ONCE, async name => {
      try {
        const topic = await this.#options.store.topic(name, this.#options.watcher(name));
        if (topic === undefined) return;
        // Of a topic that is new to us nothing else can be written yet, or it shows when that is tried.
        if (leaderships) await this.#options.leaderships.refresh(topic.partitions.values());
        topics.push(topic);
      } catch (error) {
        this.#leaveAlone(name, error);
      }
    });
    for (const topic of topics) this.#add(topic);
    return topics;
  }

  #add(topic: TopicFacts): void {
    const { context } = this.#options;
    context.addTopic(topic);
    for (const partition of topic.partitions.values()) if (isBeingReassigned(partition.assignment)) context.reassigning.add(partition);
  }

  /** One topic that somebody spoilt by hand must not take the others down. */
  #leaveAlone(topic: TopicName, error: unknown): undefined {
    if (!(error instanceof ZnodeFormatError)) throw error;
    this.#options.logger.error({ topic, error: String(error) }, 'a topic in ZooKeeper cannot be read: left alone');
  }

  async #create(created: readonly PartitionFacts[]): Promise<void> {
    if (created.length === 0) return;
    const { partitions, replicas } = this.#options;
    partitions.mark(created, 'new');
    await replicas.change(replicasOf(created), 'new');
    await partitions.bringOnline(created, 'offline');
    await replicas.change(replicasOf(created), 'online');
  }
}
