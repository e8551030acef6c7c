// ISR changes on their way to the controller (AlterPartition, KIP-497; DefaultAlterPartitionManager). One request is in flight; what
// is asked for meanwhile goes together with the next. A change is asked for until it is answered: it names the partition
// epoch it applies to, so said twice is as good as once. Who asked knows when an answer comes too late.

import type { Logger } from '../base/logger.js';
import type { Timer, Timers } from '../base/timers.js';
import type { PeerChannel } from '../network/peer-channel.js';
import { AlterPartitionRequest, type AlterPartitionRequestInput, type AlterPartitionResponse } from '../protocol/messages.js';
import { ErrorCode } from '../protocol/errors.js';
import type { AlterPartitionManager, IsrAnswer, IsrChange } from './isr-change.js';
import { ZERO_ID } from './replica-logs.js';

const RETRY_MS = 50;
/**
 * The newest version sent. Version 3 says the brokers' epochs as well, which a broker of a ZooKeeper cluster does not know: Kafka's say -1.
 * Version 2 names topics by their ids.
 */
const BY_ID = 2;
const BY_NAME = 1;

export interface AlterPartitionOptions {
  readonly brokerId: number;
  /** Of our registration, as of now. */
  readonly brokerEpoch: () => number;
  /** To the controller, as far as it is known who that is. */
  readonly controller: () => PeerChannel | undefined;
  /** inter.broker.protocol.version knows topic ids. */
  readonly topicIds: boolean;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface Item {
  readonly change: IsrChange;
  readonly answered: (answer: IsrAnswer) => void;
}

type TopicData = NonNullable<AlterPartitionRequestInput['topics']>[number];

export class ControllerAlterPartitionManager implements AlterPartitionManager {
  readonly #options: AlterPartitionOptions;
  /** By topic name and partition; those in flight too, until they are answered. A topic's id tells nobody apart: it may come late. */
  readonly #unanswered = new Map<string, Item>();
  #armed = false;
  #inFlight = false;
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: AlterPartitionOptions) {
    this.#options = options;
  }

  submit(change: IsrChange, answered: (answer: IsrAnswer) => void): void {
    const key = keyOf(change.topic, change.partition);
    if (this.#unanswered.has(key)) {
      queueMicrotask(() => answered({ errorCode: ErrorCode.OperationNotAttempted }));
      return;
    }
    this.#unanswered.set(key, { change, answered });
    // What is asked for in the same turn goes together.
    if (this.#armed) return;
    this.#armed = true;
    queueMicrotask(() => {
      this.#armed = false;
      this.#send();
    });
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#unanswered.clear();
  }

  #send(): void {
    if (this.#inFlight || this.#retry !== undefined || this.#closed || this.#unanswered.size === 0) return;
    const channel = this.#options.controller();
    if (channel === undefined) {
      this.#sendLater();
      return;
    }
    this.#inFlight = true;
    const items = [...this.#unanswered.values()];
    const { message, version } = this.#requestFor(items);
    channel.send<AlterPartitionResponse>(AlterPartitionRequest, message, { version }).then(
      answer => this.#answered(items, answer),
      (error: unknown) => {
        this.#options.logger.warn({ error: String(error) }, 'ISR changes did not reach the controller: trying again');
        return false;
      },
    ).then(well => {
      this.#inFlight = false;
      if (well) this.#send();
      else this.#sendLater();
    }, (error: unknown) => {
      this.#inFlight = false;
      this.#options.logger.error({ error: String(error) }, 'an answer about ISR changes could not be taken');
      this.#sendLater();
    });
  }

  #sendLater(): void {
    if (this.#closed) return;
    this.#retry ??= this.#options.timers.after(RETRY_MS, () => {
      this.#retry = undefined;
      this.#send();
    });
  }

  #requestFor(items: readonly Item[]): { message: AlterPartitionRequestInput; version: number } {
    const { brokerId, brokerEpoch, topicIds } = this.#options;
    const topics = new Map<string, TopicData & { partitions: NonNullable<TopicData['partitions']> }>();
    let byId = topicIds;
    for (const { change } of items) {
      let topic = topics.get(change.topic);
      if (topic === undefined) topics.set(change.topic, (topic = { topicName: change.topic, topicId: change.topicId, partitions: [] }));
      byId &&= change.topicId !== ZERO_ID && change.topicId === topic.topicId;
      (topic.partitions as NonNullable<TopicData['partitions']>[number][]).push({
        partitionIndex: change.partition, leaderEpoch: change.leaderEpoch, newIsr: [...change.isr], partitionEpoch: change.partitionEpoch,
      });
    }
    return { message: { brokerId, brokerEpoch: brokerEpoch(), topics: [...topics.values()] }, version: byId ? BY_ID : BY_NAME };
  }

  /** False: the request as a whole was refused, and is to be sent again. */
  #answered(items: readonly Item[], { errorCode, topics }: AlterPartitionResponse): boolean {
    if (this.#closed) return true;
    if (errorCode !== ErrorCode.None) {
      this.#options.logger.warn({ errorCode }, 'the controller refused ISR changes: trying again');
      return false;
    }
    const names = new Map(items.map(({ change }) => [change.topicId, change.topic]));
    const answers = new Map<string, IsrAnswer>();
    for (const topic of topics) {
      const name = topic.topicName === '' ? names.get(topic.topicId) : topic.topicName;
      if (name === undefined) continue;
      for (const { partitionIndex, errorCode: code, leaderEpoch, partitionEpoch, isr } of topic.partitions) {
        answers.set(keyOf(name, partitionIndex), code === ErrorCode.None ? { committed: { leaderEpoch, partitionEpoch, isr } } : { errorCode: code });
      }
    }
    for (const { change, answered } of items) {
      const key = keyOf(change.topic, change.partition);
      const answer = answers.get(key);
      // One that the controller left out is asked for again.
      if (answer === undefined) continue;
      // Before its partition hears of it, which may ask for the next change.
      this.#unanswered.delete(key);
      answered(answer);
    }
    return answers.size > 0;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
