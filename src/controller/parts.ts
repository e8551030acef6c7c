// The parts of a controller, joined. They live as long as the broker; a term as controller fills and clears them.

import type { TopicName } from '../base/topic-name.js';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { Timers } from '../base/timers.js';
import { ErrorCode } from '../protocol/errors.js';
import type { LeaderAndIsrResponse, StopReplicaResponse } from '../protocol/messages.js';
import type { WatchEvent, ZooKeeper } from '../zookeeper/types.js';
import { BrokerChanges } from './broker-changes.js';
import { BrokerSenders, type BrokerChannel } from './broker-sender.js';
import { ControllerContext, type PartitionFacts } from './context.js';
import type { EventQueue } from './event-queue.js';
import { FencedWrites } from './fenced-writes.js';
import { LeaderElections } from './leader-elections.js';
import { LeadershipStore } from './leadership-store.js';
import { PartitionStateMachine } from './partition-state-machine.js';
import { Reassignments } from './reassignments.js';
import { ReplicaStateMachine } from './replica-state-machine.js';
import { RequestBatch } from './request-batch.js';
import type { ControllerSettings } from './settings.js';
import { ControllerStore } from './store.js';
import { TopicChanges } from './topic-changes.js';
import { TopicDeletion } from './topic-deletion.js';
import { Watches } from './watches.js';

export interface ControllerOptions {
  readonly brokerId: number;
  readonly zookeeper: ZooKeeper;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** The way to a broker, the own one included; undefined where it is not known. */
  readonly channel: (broker: number) => BrokerChannel | undefined;
  readonly settings: ControllerSettings;
}

export class ControllerParts {
  readonly context = new ControllerContext();
  readonly logger: Logger;
  readonly watches: Watches;
  readonly senders: BrokerSenders;
  readonly store: ControllerStore;
  readonly leaderships: LeadershipStore;
  readonly batch: RequestBatch;
  readonly partitions: PartitionStateMachine;
  readonly replicas: ReplicaStateMachine;
  readonly deletion: TopicDeletion;
  readonly reassignments: Reassignments;
  readonly elections: LeaderElections;
  readonly brokers: BrokerChanges;
  readonly topics: TopicChanges;
  readonly #uncleanElection: () => boolean;

  constructor(options: ControllerOptions, events: EventQueue, term: () => number | undefined) {
    const { zookeeper, clock, timers, random, brokerId, channel, settings } = options;
    const { protocol } = settings;
    const context = this.context;
    const logger = (this.logger = options.logger);
    const watches = (this.watches = new Watches(events, term));
    const writes = new FencedWrites(zookeeper, () => context.epochVersion);
    const store = (this.store = new ControllerStore(zookeeper, writes, { clock, random, protocol }));
    const leaderships = (this.leaderships = new LeadershipStore(zookeeper, writes));
    const senders = (this.senders = new BrokerSenders({ channel, timeoutMs: settings.socketTimeoutMs, timers, logger }));
    const batch = (this.batch = new RequestBatch(context, senders, { brokerId, interBrokerListener: settings.interBrokerListener, protocol, clock, timers }, {
      leaderAndIsr: (broker, life, asked, answer) => this.#leadershipAnswered(broker, life, asked, answer),
      updateMetadata: (broker, errorCode) => {
        if (errorCode !== ErrorCode.None) logger.warn({ broker, errorCode }, 'a broker refused UpdateMetadata');
      },
      stopped: (broker, life, removed, answer) => this.#stopped(broker, life, removed, answer),
    }));
    this.#uncleanElection = settings.uncleanElection;
    const partitions = (this.partitions = new PartitionStateMachine(context, leaderships, batch, logger, some => this.#uncleanTopics(some)));
    const replicas = (this.replicas = new ReplicaStateMachine(context, leaderships, batch, logger));
    const machines = { context, store, leaderships, batch, partitions, replicas, logger };
    const deletion = (this.deletion = new TopicDeletion({
      ...machines, timers, enabled: settings.deleteTopicEnable, later: names => watches.within('retry deletions', () => this.deletion.resume(names))(),
    }));
    const reassignments = (this.reassignments = new Reassignments({
      ...machines, deletion, watchesIsr: !protocol.alterPartition,
      isrWatcher: partition => watches.of(`isr of ${partition.topic}-${partition.index}`, () => this.#isrChanged(partition)),
      nodeChanged: event => watches.of('reassign partitions', async () => void (await this.reassignments.fromNode()), cameOrWent)(event),
    }));
    this.elections = new LeaderElections({
      ...machines, imbalancePercentage: settings.imbalancePercentage,
      nodeChanged: event => watches.of('preferred replica election', () => this.elections.fromNode(), cameOrWent)(event),
    });
    this.brokers = new BrokerChanges({ ...machines, senders, deletion, reassignments });
    this.topics = new TopicChanges({ ...machines, watcher: name => this.#topicWatcher(name), gone: name => watches.forget(watchOf(name)) });
  }

  clear(): void {
    this.senders.clear();
    this.batch.clear();
    this.watches.clear();
    this.context.clear();
  }

  /** A broker answered LeaderAndIsr. An event of its own: it may move leaders. */
  #leadershipAnswered(broker: number, life: number, asked: readonly PartitionFacts[], answer: LeaderAndIsrResponse): void {
    const news = this.brokers.news(broker, asked, answer);
    if (news.length === 0) return;
    this.watches.within('replicas answered', async () => {
      // Meanwhile the broker may be in its next life.
      if (this.context.brokers.get(broker)?.epoch === life) await this.brokers.directories(broker, news);
    })();
  }

  #stopped(broker: number, life: number, removed: readonly PartitionFacts[], answer: StopReplicaResponse): void {
    const codes = new Map(answer.partitionErrors.map(each => [`${each.topicName} ${each.partitionIndex}`, each.errorCode]));
    this.watches.within('replicas deleted', async () => {
      if (this.context.brokers.get(broker)?.epoch !== life) return;
      const deleting = removed.filter(({ topic }) => this.context.deletionStarted.has(topic)).map(partition => ({ partition, broker }));
      const failed = deleting.filter(({ partition: { topic, index } }) => answer.errorCode !== ErrorCode.None || codes.get(`${topic} ${index}`) !== ErrorCode.None);
      await this.deletion.failed(failed);
      await this.deletion.succeeded(deleting.filter(each => !failed.includes(each)));
    })();
  }

  async #isrChanged(partition: PartitionFacts): Promise<void> {
    const watcher = this.watches.of(`isr of ${partition.topic}-${partition.index}`, () => this.#isrChanged(partition));
    if (!this.context.reassigning.has(partition)) return;
    partition.leadership = await this.leaderships.read(partition, watcher);
    await this.reassignments.maybeComplete(partition);
  }

  #topicWatcher(name: TopicName): () => void {
    return this.watches.of(watchOf(name), () => this.topics.modified(name));
  }

  /** unclean.leader.election.enable of these partitions' topics. */
  async #uncleanTopics(partitions: readonly PartitionFacts[]): Promise<(partition: PartitionFacts) => boolean> {
    const configs = await this.store.topicConfigs(new Set(partitions.map(({ topic }) => topic)));
    return ({ topic }) => {
      const own = configs.get(topic)?.get('unclean.leader.election.enable');
      return own === undefined ? this.#uncleanElection() : own === 'true';
    };
  }
}

const watchOf = (topic: TopicName): string => `partitions of ${topic}`;

/** What this controller writes itself to a node that administrators make is no news. */
const cameOrWent = ({ type }: WatchEvent): boolean => type === 'created' || type === 'deleted';
