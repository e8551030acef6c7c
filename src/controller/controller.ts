// The controller: one broker of the cluster, elected through /controller, that decides who leads what and tells the
// others (KafkaController.scala). Events are handled one after the other, so state needs no locks; what an event reads
// from ZooKeeper is read when its turn comes, so that a burst of watches costs one look. No event waits for a broker.

import type { TopicName } from '../base/topic-name.js';
import type { Timer } from '../base/timers.js';
import { ErrorCode } from '../protocol/errors.js';
import type { AlterPartitionRequest, AlterPartitionResponseInput } from '../protocol/messages.js';
import { isZkError } from '../zookeeper/types.js';
import type { TopicPartition } from '../zookeeper/znodes/notifications.js';
import { alterPartition } from './alter-partition.js';
import type { BrokerFacts, TopicFacts } from './context.js';
import { controlledShutdown, type ShutdownAnswer } from './controlled-shutdown.js';
import { EventQueue } from './event-queue.js';
import { ControllerMoved } from './fenced-writes.js';
import type { ElectionType, LeaderElectionResult } from './leader-elections.js';
import { ControllerParts, type ControllerOptions } from './parts.js';
import type { AskedReassignment, Ongoing, PartitionResult } from './reassignments.js';
import { Term } from './term.js';

export type { ControllerOptions } from './parts.js';

/** After an event failed, until everything is read anew. */
const RESTART_MS = 1000;
/** From the take-over to the first look whether leaders are balanced. */
const FIRST_REBALANCE_MS = 5000;

/** What a request for the controller is answered by a broker that is none, or has just ceased to be one. */
export const NOT_CONTROLLER = Symbol('not controller');
type Asked<Answer> = Promise<Answer | typeof NOT_CONTROLLER>;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #events: EventQueue;
  readonly #parts: ControllerParts;
  readonly #term: Term;
  #active = false;
  #closed = false;
  #restarting = false;
  #rebalance: Timer | undefined;
  /** One and the same whenever it is armed: a client tells a watcher once, however often it was. */
  readonly #onControllerChanged = (): void => void this.#events.put('controller changed', () => this.#elect());

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#events = new EventQueue((event, error) => this.#failed(event, error));
    this.#parts = new ControllerParts(options, this.#events, () => (this.#active ? this.#parts.context.epoch : undefined));
    this.#term = new Term(this.#parts);
  }

  get isActive(): boolean {
    return this.#active;
  }

  /** The epoch this broker was elected with, while it is the controller. */
  get epoch(): number {
    return this.#parts.context.epoch;
  }

  /** Where a broker said, when it registered, that it can be reached. */
  endpointsOf(broker: number): BrokerFacts['endpoints'] {
    return this.#parts.context.brokers.get(broker)?.endpoints ?? [];
  }

  topic(name: TopicName): TopicFacts | undefined {
    return this.#active ? this.#parts.context.topics.get(name) : undefined;
  }

  /** The name of a topic on its way out, which brokers know no more. */
  nameOfDeleted(topicId: string): TopicName | undefined {
    const { context } = this.#parts;
    const name = this.#active ? context.topicName(topicId) : undefined;
    return name !== undefined && context.deleting.has(name) ? name : undefined;
  }

  isDeleting(topic: TopicName): boolean {
    return this.#active && this.#parts.context.deleting.has(topic);
  }

  /** Takes part in elections from now on. Resolves when the first one is decided and, if won, carried out. */
  start(): Promise<void> {
    return this.#events.put('elect', () => this.#elect());
  }

  /** Resolves when that broker has answered what it was told so far. At once where this one is not the controller. */
  told(broker: number): Promise<void> {
    return this.#parts.senders.told(broker);
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
      if (this.#active) await this.#parts.store.resign().catch(() => {});
      this.#resigned();
    });
  }

  alterPartition(request: AlterPartitionRequest, version: number): Asked<AlterPartitionResponseInput> {
    return this.#ask('alter partition', async () => {
      const { response, changed } = await alterPartition(request, version, this.#parts);
      // Behind the answer: a leader that waits for it must not wait for the end of a reassignment.
      const { reassigning } = this.#parts.context;
      const completing = changed.filter(partition => reassigning.has(partition));
      if (completing.length > 0) this.#put('complete reassignments', async () => {
        for (const partition of completing) await this.#parts.reassignments.maybeComplete(partition);
      });
      return response;
    });
  }

  controlledShutdown(broker: number, brokerEpoch: number): Asked<ShutdownAnswer> {
    return this.#ask('controlled shutdown', () => controlledShutdown(broker, brokerEpoch, this.#parts));
  }

  electLeaders(partitions: readonly TopicPartition[], type: ElectionType): Asked<LeaderElectionResult[]> {
    return this.#ask('elect leaders', () => this.#parts.elections.elect(partitions, type));
  }

  alterReassignments(asked: readonly AskedReassignment[]): Asked<PartitionResult[]> {
    return this.#ask('alter reassignments', () => this.#parts.reassignments.alter(asked));
  }

  /** Null: all. */
  listReassignments(asked: readonly TopicPartition[] | null): Asked<Ongoing[]> {
    return this.#ask('list reassignments', async () => this.#parts.reassignments.list(asked));
  }

  /** Whether that broker, in that life, may be given something. An error code. */
  knows(broker: number, brokerEpoch: number): number {
    const registered = this.#active ? this.#parts.context.brokers.get(broker) : undefined;
    if (!this.#active) return ErrorCode.NotController;
    if (registered === undefined) return ErrorCode.BrokerIdNotRegistered;
    return registered.epoch === brokerEpoch ? ErrorCode.None : ErrorCode.StaleBrokerEpoch;
  }

  /** Topics take leaders that are not in sync from now on: one of them, or all by default. */
  uncleanElectionEnabled(topic?: TopicName): void {
    this.#put('unclean election enabled', async () => {
      const { context, partitions } = this.#parts;
      await partitions.electForLeaderless(topic === undefined ? context.partitions() : context.partitionsOf(topic));
    });
  }

  #ask<Answer>(event: string, work: () => Promise<Answer>): Asked<Answer> {
    if (!this.#active) return Promise.resolve(NOT_CONTROLLER);
    return this.#events.ask<Answer | typeof NOT_CONTROLLER>(event, async () => (this.#active ? work() : NOT_CONTROLLER), NOT_CONTROLLER);
  }

  #put(event: string, work: () => Promise<void>): void {
    this.#parts.watches.within(event, work)();
  }

  async #elect(): Promise<void> {
    if (this.#closed) return;
    const { store, context } = this.#parts;
    const { brokerId, logger } = this.#options;
    const current = await store.currentController(this.#onControllerChanged);
    if (current === brokerId && this.#active) return;
    // Not known to be ours, and yet it may be: the answer to an earlier attempt was lost. Then another one finds that out.
    if (current !== -1 && !(current === brokerId && (await store.holdsPlace()))) {
      this.#resigned();
      return;
    }
    const election = await store.elect(brokerId);
    if (!election.won) return;
    this.#resigned();
    context.epoch = election.epoch;
    context.epochVersion = election.epochVersion;
    this.#active = true;
    logger.info({ epoch: election.epoch }, 'elected controller');
    await this.#term.takeOver();
    if (this.#options.settings.rebalances) this.#rebalanceAfter(FIRST_REBALANCE_MS);
  }

  #rebalanceAfter(ms: number): void {
    this.#rebalance = this.#options.timers.after(ms, this.#parts.watches.within('rebalance leaders', async () => {
      this.#rebalanceAfter(this.#options.settings.rebalanceMs);
      await this.#parts.elections.rebalance();
    }));
  }

  #resigned(): void {
    if (this.#active) this.#options.logger.info({ epoch: this.#parts.context.epoch }, 'no longer controller');
    this.#active = false;
    this.#rebalance?.cancel();
    this.#parts.clear();
  }

  #failed(event: string, error: unknown): void {
    if (error instanceof ControllerMoved) {
      this.#resigned();
      void this.#events.put('elect', () => this.#elect());
      return;
    }
    if (this.#closed) return;
    this.#options.logger.warn({ event, error: String(error) }, 'a controller event failed');
    // What is believed may now differ from what is written, and watches may be unarmed. A new election reads everything
    // anew (Kafka resigns after a failed take-over too); not at once, so that a lasting fault does not make a storm.
    if (!this.#restarting && !isZkError(error, 'SESSIONEXPIRED', 'CLOSED')) this.#restartSoon();
  }

  #restartSoon(): void {
    this.#restarting = true;
    this.#options.timers.after(RESTART_MS, () => {
      this.#restarting = false;
      void this.#events.put('restart', async () => {
        if (this.#closed) return;
        if (this.#active) await this.#parts.store.resign();
        this.#resigned();
        await this.#elect();
      });
    });
  }
}
