// The controller: one broker of the cluster, elected through /controller, that decides who leads what and tells the
// others (KafkaController.scala). Events are handled one after the other, so state needs no locks; what an event reads
// from ZooKeeper is read when its turn comes, so that a burst of watches costs one look.

import type { TopicName } from '../base/topic-name.js';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import { ErrorCode } from '../protocol/errors.js';
import { sideBySide } from '../base/side-by-side.js';
import type { Timers } from '../base/timers.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { ZnodeFormatError } from '../zookeeper/znodes/json.js';
import { BrokerRequests, type BrokerChannel, type ReplicaAnswer } from './broker-requests.js';
import { ControllerContext, NO_LEADER, type PartitionFacts, type TopicFacts } from './context.js';
import { electLeader, firstLeadership, withoutBroker, type ElectionRules } from './election.js';
import { EventQueue } from './event-queue.js';
import { ControllerMoved, ControllerStore, ISR_CHANGES, LOG_DIR_EVENTS, STORE_AT_ONCE } from './store.js';

/** After an event failed, until everything is read anew. */
const RESTART_MS = 1000;

export interface ControllerOptions {
  readonly brokerId: number;
  readonly zookeeper: ZooKeeper;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** The way to a broker, the own one included; undefined where it is not known. */
  readonly channel: (broker: number) => BrokerChannel | undefined;
  readonly deleteTopicEnable: boolean;
  /** unclean.leader.election.enable: the broker's default, which may change. */
  readonly uncleanElection: () => boolean;
}

export class Controller {
  readonly #brokerId: number;
  readonly #context = new ControllerContext();
  readonly #store: ControllerStore;
  readonly #requests: BrokerRequests;
  readonly #events: EventQueue;
  readonly #logger: Logger;
  readonly #timers: Timers;
  readonly #deleteTopicEnable: boolean;
  readonly #uncleanElection: () => boolean;
  #active = false;
  #closed = false;
  #restarting = false;
  #deletingLater = false;
  /** Of topics on their way out, those of which only replicas that are away are left. */
  readonly #halfDeleted = new Set<TopicName>();
  /** One and the same whenever it is armed: a client tells a watcher once, however often it was. */
  readonly #onControllerChanged = (): void => void this.#events.put('controller changed', () => this.#elect());

  constructor(options: ControllerOptions) {
    this.#brokerId = options.brokerId;
    this.#logger = options.logger;
    this.#timers = options.timers;
    this.#deleteTopicEnable = options.deleteTopicEnable;
    this.#uncleanElection = options.uncleanElection;
    this.#store = new ControllerStore(options.zookeeper, options.clock, options.random, this.#context);
    this.#requests = new BrokerRequests(this.#context, options, (broker, epoch, answers) => this.#heard(broker, epoch, answers));
    this.#events = new EventQueue((event, error) => this.#failed(event, error));
  }

  get isActive(): boolean {
    return this.#active;
  }

  /** The epoch this broker was elected with, while it is the controller. */
  get epoch(): number {
    return this.#context.epoch;
  }

  get zkEpochVersion(): number {
    return this.#context.epochVersion;
  }

  topic(name: TopicName): TopicFacts | undefined {
    return this.#active ? this.#context.topics.get(name) : undefined;
  }

  /** The name of a topic on its way out, which brokers know no more. */
  nameOfDeleted(topicId: string): TopicName | undefined {
    if (!this.#active) return undefined;
    for (const name of this.#context.deleting) if (this.#context.topics.get(name)?.id === topicId) return name;
    return undefined;
  }

  isDeleting(topic: TopicName): boolean {
    return this.#active && this.#context.deleting.has(topic);
  }

  /** Takes part in elections from now on. Resolves when the first one is decided and, if won, carried out. */
  start(): Promise<void> {
    return this.#events.put('elect', () => this.#elect());
  }

  /** The session is gone, and with it /controller: whatever was believed is void until a new election. */
  sessionExpired(): void {
    this.#events.clear();
    void this.#events.put('expire', async () => this.#resigned());
  }

  /** Stops; the place of controller is given up at once rather than by session expiry. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#events.put('close', async () => {
      if (this.#active) await this.#store.resign().catch(() => {});
      this.#resigned();
    });
  }

  async #elect(): Promise<void> {
    if (this.#closed) return;
    const current = await this.#store.currentController(this.#onControllerChanged);
    if (current === this.#brokerId && this.#active) return;
    // Not known to be ours, and yet it may be: the answer to an earlier attempt was lost. Then another one finds that out.
    if (current !== -1 && !(current === this.#brokerId && (await this.#store.holdsPlace()))) {
      this.#resigned();
      return;
    }
    const election = await this.#store.elect(this.#brokerId);
    if (!election.won) return;
    this.#context.epoch = election.epoch;
    this.#context.epochVersion = election.epochVersion;
    this.#active = true;
    this.#logger.info({ epoch: election.epoch }, 'elected controller');
    await this.#takeOver();
  }

  #resigned(): void {
    if (this.#active) this.#logger.info({ epoch: this.#context.epoch }, 'no longer controller');
    this.#active = false;
    this.#context.clear();
    this.#halfDeleted.clear();
  }

  /** What a new controller does, in this order: prepare, load, tell everyone, then act on what was found. */
  async #takeOver(): Promise<void> {
    await this.#store.prepare();
    for (const broker of await this.#store.brokers(this.#when('brokers', () => this.#brokersChanged()))) this.#context.brokers.set(broker.id, broker);
    await this.#watchNotifications();
    await this.#loadTopics(await this.#store.topicNames(this.#when('topics', () => this.#topicsChanged())));
    const deletions = await this.#store.deletions(this.#when('deletions', () => this.#deletionsChanged()));
    // Nobody is to hear of these again.
    if (this.#deleteTopicEnable) for (const name of deletions) if (this.#context.topics.has(name)) this.#context.deleting.add(name);
    this.#requests.metadata(this.#context.partitions());
    await this.#requests.send();
    await this.#settlePartitions([...this.#context.partitions()]);
    for (const partition of this.#context.partitions()) if (partition.leadership !== undefined) this.#requests.leadership(partition, false);
    await this.#requests.send();
    await this.#markDeletions(deletions);
  }

  /** A watcher that queues `handle`, while this broker is the controller. */
  #when(event: string, handle: () => Promise<void>): () => void {
    // Watches of an earlier term must not come back to life in a later one: each would arm itself again for good.
    const term = this.#context.epoch;
    const current = (): boolean => this.#active && this.#context.epoch === term;
    return () => {
      if (current()) void this.#events.put(event, async () => (current() ? handle() : undefined));
    };
  }

  async #watchNotifications(): Promise<void> {
    const watch = async (path: string, handle: (names: readonly string[]) => Promise<void>): Promise<string[]> =>
      this.#store.watchChildren(path, this.#when(path, async () => {
        await handle(await watch(path, handle));
        await this.#store.dropNotifications(path);
      }));
    await Promise.all([watch(ISR_CHANGES, async () => {}), watch(LOG_DIR_EVENTS, names => this.#directoriesChanged(names))]);
  }

  /** Asks the brokers that told of a failed log directory which replicas they still have (KafkaController.onBrokerLogDirFailure). */
  async #directoriesChanged(events: readonly string[]): Promise<void> {
    for (const broker of await this.#store.logDirEvents(events)) {
      for (const partition of this.#context.partitionsOn(broker)) {
        if (partition.leadership !== undefined) this.#requests.leadership(partition, false, [broker]);
      }
    }
    await this.#requests.send();
  }

  /** A broker answered LeaderAndIsr. An event of its own: it may move leaders, and the one that asked is still under way. */
  #heard(broker: number, brokerEpoch: number, answers: readonly ReplicaAnswer[]): void {
    const news = answers.filter(({ partition, errorCode }) => errorCode === (this.#context.isOnline(broker, partition) ? ErrorCode.KafkaStorageError : ErrorCode.None));
    if (news.length === 0) return;
    const term = this.#context.epoch;
    void this.#events.put('replicas answered', async () => {
      // Meanwhile another may be controller, or the broker in its next life.
      if (!this.#active || this.#context.epoch !== term || this.#context.brokers.get(broker)?.epoch !== brokerEpoch) return;
      const changed = news.filter(({ partition, errorCode }) => this.#context.setOnline(broker, partition, errorCode === ErrorCode.None));
      await this.#replicasLost(broker, changed.filter(({ errorCode }) => errorCode !== ErrorCode.None).map(({ partition }) => partition));
      await this.#replicasBack(changed.filter(({ errorCode }) => errorCode === ErrorCode.None).map(({ partition }) => partition));
    });
  }

  /** Replicas whose log directory failed lead no more and leave the ISR (KafkaController.onReplicasBecomeOffline). */
  async #replicasLost(broker: number, partitions: readonly PartitionFacts[]): Promise<void> {
    // A deletion of theirs waits until they are back.
    const lost = partitions.filter(partition => !this.#context.deleting.has(partition.topic));
    if (lost.length === 0) return;
    this.#logger.warn({ broker, replicas: lost.length }, 'replicas cannot be served by their broker');
    for (const partition of lost) this.#requests.stop(partition, broker, false);
    for (const partition of await this.#withdraw(broker, lost)) this.#requests.leadership(partition, false, partition.replicas.filter(replica => replica !== broker));
    this.#requests.metadata(lost);
    await this.#requests.send();
  }

  async #replicasBack(back: readonly PartitionFacts[]): Promise<void> {
    if (back.length === 0) return;
    const partitions = back.filter(({ topic }) => !this.#context.deleting.has(topic));
    await this.#settlePartitions(partitions);
    for (const partition of partitions) if (partition.leadership !== undefined) this.#requests.leadership(partition, false);
    await this.#requests.send();
    this.#halfDeleted.clear();
    await this.#deleteMarked();
  }

  async #loadTopics(names: readonly TopicName[]): Promise<TopicFacts[]> {
    const loaded = await Promise.all(names.map(async name => {
      try {
        const topic = await this.#store.topic(name, this.#when(`partitions of ${name}`, () => this.#partitionsChanged(name)));
        if (topic === undefined) return [];
        await sideBySide(topic.partitions.values(), STORE_AT_ONCE, async partition => {
          partition.leadership = await this.#store.leadership(partition);
        });
        return [topic];
      } catch (error) {
        this.#leaveAlone(name, error);
        return [];
      }
    }));
    const topics = loaded.flat();
    for (const topic of topics) this.#context.topics.set(topic.name, topic);
    return topics;
  }

  /** One topic that somebody spoilt by hand must not take the others down. */
  #leaveAlone(topic: TopicName, error: unknown): undefined {
    if (!(error instanceof ZnodeFormatError)) throw error;
    this.#logger.error({ topic, error: String(error) }, 'a topic in ZooKeeper cannot be read: left alone');
  }

  async #brokersChanged(): Promise<void> {
    const found = new Map((await this.#store.brokers(this.#when('brokers', () => this.#brokersChanged()))).map(broker => [broker.id, broker]));
    const known = this.#context.brokers;
    const gone = [...known.values()].filter(broker => found.get(broker.id)?.epoch !== broker.epoch).map(broker => broker.id);
    // A bounced broker is a failure and then a start, both with the new registration.
    const came = [...found.values()].filter(broker => known.get(broker.id)?.epoch !== broker.epoch);
    for (const id of [...gone, ...came.map(broker => broker.id)]) this.#context.forgetDirectories(id);
    for (const id of gone) known.delete(id);
    if (gone.length > 0) await this.#brokersFailed(gone);
    for (const broker of came) known.set(broker.id, broker);
    if (came.length > 0) await this.#brokersStarted(came.map(broker => broker.id));
  }

  async #brokersFailed(gone: readonly number[]): Promise<void> {
    this.#logger.info({ brokers: gone }, 'brokers left');
    const touched = new Set<PartitionFacts>();
    for (const broker of gone) for (const partition of await this.#withdraw(broker, this.#context.partitionsOn(broker))) touched.add(partition);
    for (const partition of touched) this.#requests.leadership(partition, false);
    this.#requests.metadata([]);
    await this.#requests.send();
  }

  /** Takes a broker that cannot serve these partitions out of their ISR, and elects others where it led. Answers those it had a part in. */
  async #withdraw(broker: number, partitions: Iterable<PartitionFacts>): Promise<PartitionFacts[]> {
    const touched: PartitionFacts[] = [];
    for (const partition of partitions) {
      const known = partition.leadership;
      if (known === undefined || (known.leader !== broker && !known.isr.includes(broker))) continue;
      const next = known.leader === broker ? electLeader(partition, known, await this.#rules(partition)) : undefined;
      partition.leadership = await this.#store.writeLeadership(partition, next ?? withoutBroker(known, broker, this.#context.epoch), known.zkVersion);
      touched.push(partition);
    }
    return touched;
  }

  async #brokersStarted(came: readonly number[]): Promise<void> {
    this.#logger.info({ brokers: came }, 'brokers joined');
    // The others learn of the brokers alone, the new ones of everything.
    this.#requests.metadata([]);
    this.#requests.metadata(this.#context.partitions(), came);
    await this.#requests.send();
    const theirs = new Set(came.flatMap(broker => [...this.#context.partitionsOn(broker)]));
    await this.#settlePartitions([...theirs]);
    for (const partition of theirs) if (partition.leadership !== undefined) this.#requests.leadership(partition, false);
    await this.#requests.send();
    this.#halfDeleted.clear();
    await this.#deleteMarked();
  }

  async #topicsChanged(): Promise<void> {
    const names = await this.#store.topicNames(this.#when('topics', () => this.#topicsChanged()));
    const existing = new Set(names);
    for (const known of [...this.#context.topics.values()]) {
      if (existing.has(known.name)) continue;
      this.#context.topics.delete(known.name);
      this.#requests.dropped(known.partitions.values());
    }
    const fresh = await this.#loadTopics(names.filter(name => !this.#context.topics.has(name)));
    await this.#createPartitions(fresh.flatMap(topic => [...topic.partitions.values()]));
    await this.#requests.send();
  }

  async #partitionsChanged(name: TopicName): Promise<void> {
    const topic = await this.#store.topic(name, this.#when(`partitions of ${name}`, () => this.#partitionsChanged(name))).catch((error: unknown) => this.#leaveAlone(name, error));
    const known = this.#context.topics.get(name);
    if (topic === undefined || known === undefined || this.#context.deleting.has(name)) return;
    const added = [...topic.partitions.values()].filter(partition => !known.partitions.has(partition.index));
    for (const partition of added) known.partitions.set(partition.index, partition);
    await this.#createPartitions(added);
    await this.#requests.send();
  }

  /** First leaders for partitions that have none, and new ones for those whose leader is gone. */
  async #settlePartitions(partitions: readonly PartitionFacts[]): Promise<void> {
    await this.#createPartitions(partitions.filter(partition => partition.leadership === undefined));
    await sideBySide(partitions, STORE_AT_ONCE, async partition => {
      const known = partition.leadership;
      if (known === undefined || (known.leader !== NO_LEADER && this.#context.isOnline(known.leader, partition))) return;
      const next = electLeader(partition, known, await this.#rules(partition));
      if (next !== undefined) partition.leadership = await this.#store.writeLeadership(partition, next, known.zkVersion);
    });
  }

  /** Those that nobody can lead yet get no znode: they are looked at again when a broker comes. */
  async #createPartitions(partitions: readonly PartitionFacts[]): Promise<void> {
    const led = partitions.flatMap(partition => {
      const first = partition.leadership === undefined ? firstLeadership(partition, this.#rulesWithout(partition, false)) : undefined;
      return first === undefined ? [] : [{ partition, first }];
    });
    if (led.length === 0) return;
    await this.#store.createPartitionParents(led.map(({ partition }) => partition));
    await sideBySide(led, STORE_AT_ONCE, async ({ partition, first }) => {
      partition.leadership = await this.#store.createLeadership(partition, first);
      this.#requests.leadership(partition, true);
    });
  }

  #rulesWithout(partition: PartitionFacts, unclean: boolean): ElectionRules {
    return { live: broker => this.#context.isOnline(broker, partition), unclean, controllerEpoch: this.#context.epoch };
  }

  async #rules(partition: PartitionFacts): Promise<ElectionRules> {
    const setting = (await this.#store.topicConfig(partition.topic)).get('unclean.leader.election.enable');
    return this.#rulesWithout(partition, setting === undefined ? this.#uncleanElection() : setting === 'true');
  }

  async #deletionsChanged(): Promise<void> {
    await this.#markDeletions(await this.#store.deletions(this.#when('deletions', () => this.#deletionsChanged())));
  }

  async #markDeletions(names: readonly TopicName[]): Promise<void> {
    for (const name of names) {
      if (!this.#deleteTopicEnable || !this.#context.topics.has(name)) await this.#store.eraseDeletion(name);
      else this.#context.deleting.add(name);
    }
    await this.#deleteMarked();
  }

  /**
   * Deletes the marked topics. Clients and brokers forget each at once, and the replicas that can be reached go; where others
   * are away the topic stays marked until they are back (TopicDeletionManager.scala).
   */
  async #deleteMarked(): Promise<void> {
    for (const name of [...this.#context.deleting]) {
      const topic = this.#context.topics.get(name);
      if (topic === undefined) {
        this.#context.deleting.delete(name);
        continue;
      }
      const partitions = [...topic.partitions.values()];
      const away = !partitions.every(partition => partition.replicas.every(replica => this.#context.isOnline(replica, partition)));
      if (away && this.#halfDeleted.has(name)) continue;
      if (!(await this.#deleteReplicas(partitions))) {
        this.#deleteLater();
      } else if (away) {
        await this.#leaveLeaderless(partitions);
        this.#halfDeleted.add(name);
        this.#logger.info({ topic: name }, 'topic deleted but for replicas that are away');
      } else {
        await this.#store.eraseTopic(name);
        this.#context.topics.delete(name);
        this.#context.deleting.delete(name);
        this.#halfDeleted.delete(name);
        this.#logger.info({ topic: name }, 'topic deleted');
      }
    }
  }

  /** What is left of a topic has nobody to lead it: whoever is controller when the others are back finds it so. */
  async #leaveLeaderless(partitions: readonly PartitionFacts[]): Promise<void> {
    for (const partition of partitions) {
      for (const replica of partition.replicas) {
        const known = partition.leadership;
        if (known === undefined || !known.isr.includes(replica) || !this.#context.isOnline(replica, partition)) continue;
        partition.leadership = await this.#store.writeLeadership(partition, withoutBroker(known, replica, this.#context.epoch), known.zkVersion);
      }
    }
  }

  /** Once for all that could not be deleted now: each look tries all of them. */
  #deleteLater(): void {
    if (this.#deletingLater) return;
    this.#deletingLater = true;
    this.#timers.after(RESTART_MS, () => {
      this.#deletingLater = false;
      void this.#events.put('deletions', async () => (this.#active ? this.#deleteMarked() : undefined));
    });
  }

  /** Of the replicas that can be reached. False: one of them is still there. */
  async #deleteReplicas(partitions: readonly PartitionFacts[]): Promise<boolean> {
    this.#requests.dropped(partitions);
    await this.#requests.send();
    const online = partitions.flatMap(partition => partition.replicas.filter(replica => this.#context.isOnline(replica, partition)).map(replica => ({ partition, replica })));
    for (const remove of [false, true]) {
      for (const { partition, replica } of online) this.#requests.stop(partition, replica, remove);
      const stopped = await this.#requests.send();
      const failed = stopped.filter(each => each.errorCode !== ErrorCode.None);
      if (failed.length > 0 || stopped.length < online.length) {
        this.#logger.warn({ failed: failed.slice(0, 10) }, 'replicas could not be deleted yet');
        return false;
      }
    }
    return true;
  }

  #failed(event: string, error: unknown): void {
    if (error instanceof ControllerMoved) {
      this.#resigned();
      void this.#events.put('elect', () => this.#elect());
      return;
    }
    if (this.#closed) return;
    this.#logger.warn({ event, error: String(error) }, 'a controller event failed');
    // What is believed may now differ from what is written, and watches may be unarmed. A new election reads everything
    // anew (Kafka resigns after a failed take-over too); not at once, so that a lasting fault does not make a storm.
    if (!this.#restarting && !isZkError(error, 'SESSIONEXPIRED', 'CLOSED')) this.#restartSoon();
  }

  #restartSoon(): void {
    this.#restarting = true;
    this.#timers.after(RESTART_MS, () => {
      this.#restarting = false;
      void this.#events.put('restart', async () => {
        if (this.#closed) return;
        if (this.#active) await this.#store.resign();
        this.#resigned();
        await this.#elect();
      });
    });
  }
}
