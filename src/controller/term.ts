// One term as controller: what is watched, and the take-over (KafkaController.onControllerFailover).

import { decodeIsrChange, decodeLogDirEvent } from '../zookeeper/znodes/notifications.js';
import { ZnodePath } from '../zookeeper/znodes/paths.js';
import type { BrokerFacts } from './context.js';
import type { ControllerParts } from './parts.js';

export class Term {
  readonly #parts: ControllerParts;

  constructor(parts: ControllerParts) {
    this.#parts = parts;
  }

  /** In this order: watch, load, tell everyone of everything, then act on what was found. */
  async takeOver(): Promise<void> {
    const { store, context, senders, batch, partitions, replicas, topics, deletion, reassignments, elections } = this.#parts;
    await store.prepareFeatures();
    await Promise.all([ZnodePath.isrChanges, ZnodePath.logDirEvents].map(path => this.#forgetNotifications(path)));
    for (const broker of await this.#registered()) {
      context.brokers.set(broker.id, broker);
      senders.add(broker.id);
    }
    await topics.load(await store.topicNames(this.#topicsWatcher()));
    await deletion.load(await store.deletions(this.#deletionsWatcher()));
    // Who lives comes first: a broker has to know the leaders that LeaderAndIsr names.
    batch.updateMetadata([]);
    await batch.send();
    await batch.together(async () => {
      partitions.load();
      const { online, offline } = replicas.load();
      await partitions.electForLeaderless(context.partitions());
      await replicas.change(offline, 'offline');
      await replicas.change(online.filter(({ partition }) => !context.isLeaving(partition)), 'online');
    });
    await reassignments.resumeAll();
    await deletion.proceed();
    await elections.fromNode();
  }

  #registered(): Promise<BrokerFacts[]> {
    const { store, watches, brokers } = this.#parts;
    const watcherOf = (id: number): (() => void) => watches.of(`broker ${id}`, async () => {
      const broker = await store.broker(id, watcherOf(id));
      if (broker !== undefined) await brokers.modified(broker);
    });
    return store.brokers(watches.of('brokers', async () => brokers.registered(await this.#registered())), watcherOf);
  }

  #topicsWatcher(): () => void {
    const { store, watches, topics } = this.#parts;
    return watches.of('topics', async () => topics.exist(await store.topicNames(this.#topicsWatcher())));
  }

  #deletionsWatcher(): () => void {
    const { store, watches, deletion } = this.#parts;
    return watches.of('deletions', async () => deletion.enqueue(await store.deletions(this.#deletionsWatcher())));
  }

  /** Those of an earlier controller's time say nothing that is not read now. */
  async #forgetNotifications(path: string): Promise<void> {
    await this.#parts.store.eraseAll((await this.#notifications(path)).map(name => `${path}/${name}`));
  }

  #notifications(path: string): Promise<string[]> {
    const { store, watches } = this.#parts;
    return store.watchChildren(path, watches.of(path, async () => {
      const names = await this.#notifications(path);
      await (path === ZnodePath.isrChanges ? this.#isrChanges(names) : this.#directoryEvents(names));
      await store.eraseAll(names.map(name => `${path}/${name}`));
    }));
  }

  /** Leaders of inter-broker protocols before 2.7 changed ISRs by themselves. */
  async #isrChanges(names: readonly string[]): Promise<void> {
    const { store, context, leaderships, batch, reassignments } = this.#parts;
    const told = (await store.readEach(ZnodePath.isrChanges, names, decodeIsrChange)).flat();
    const changed = new Set(told.flatMap(({ topic, partition }) => context.partition(topic, partition) ?? []));
    if (changed.size === 0) return;
    await leaderships.refresh(changed);
    batch.updateMetadata(changed);
    await batch.send();
    for (const partition of changed) await reassignments.maybeComplete(partition);
  }

  async #directoryEvents(names: readonly string[]): Promise<void> {
    const { store, brokers } = this.#parts;
    const failed = await store.readEach(ZnodePath.logDirEvents, names, decodeLogDirEvent);
    if (failed.length > 0) await brokers.askForReplicas(new Set(failed));
  }
}
