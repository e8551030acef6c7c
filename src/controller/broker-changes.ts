// Brokers that come, go, come back in a new life, move their endpoints, or lose a log directory (KafkaController.onBrokerStartup,
// onBrokerFailure, onReplicasBecomeOffline).

import type { Logger } from '../base/logger.js';
import { ErrorCode } from '../protocol/errors.js';
import type { LeaderAndIsrResponse } from '../protocol/messages.js';
import type { BrokerSenders } from './broker-sender.js';
import type { BrokerFacts, ControllerContext, PartitionFacts, Replica } from './context.js';
import type { PartitionStateMachine } from './partition-state-machine.js';
import type { Reassignments } from './reassignments.js';
import type { ReplicaStateMachine } from './replica-state-machine.js';
import type { RequestBatch } from './request-batch.js';
import type { TopicDeletion } from './topic-deletion.js';

export interface BrokerChangesOptions {
  readonly context: ControllerContext;
  readonly senders: BrokerSenders;
  readonly batch: RequestBatch;
  readonly partitions: PartitionStateMachine;
  readonly replicas: ReplicaStateMachine;
  readonly deletion: TopicDeletion;
  readonly reassignments: Reassignments;
  readonly logger: Logger;
}

/** What a broker said of one replica that it was told the leadership of. */
export interface ReplicaAnswer {
  readonly partition: PartitionFacts;
  readonly errorCode: number;
}

export class BrokerChanges {
  readonly #options: BrokerChangesOptions;

  constructor(options: BrokerChangesOptions) {
    this.#options = options;
  }

  /** Who is registered now. A broker in a new life is one that failed and one that started. */
  async registered(found: readonly BrokerFacts[]): Promise<void> {
    const { context, senders } = this.#options;
    const known = context.brokers;
    const now = new Map(found.map(broker => [broker.id, broker]));
    const started = found.filter(({ id }) => !known.has(id));
    const bounced = found.filter(({ id, epoch }) => (known.get(id)?.epoch ?? epoch) < epoch);
    const failed = [...known.keys()].filter(id => !now.has(id));
    for (const { id } of [...started, ...bounced]) senders.add(id);
    for (const id of failed) senders.remove(id);
    if (started.length > 0) await this.#started(started);
    if (bounced.length > 0) {
      await this.#failed(bounced.map(({ id }) => id));
      await this.#started(bounced);
    }
    if (failed.length > 0) await this.#failed(failed);
  }

  /** Its registration says something else: others may have to reach it elsewhere. */
  async modified(broker: BrokerFacts): Promise<void> {
    const { context, batch, logger } = this.#options;
    const known = context.brokers.get(broker.id);
    if (known === undefined || known.epoch !== broker.epoch || JSON.stringify(known.endpoints) === JSON.stringify(broker.endpoints)) return;
    context.brokers.set(broker.id, broker);
    logger.info({ broker: broker.id, endpoints: broker.endpoints }, 'a broker has other endpoints');
    batch.updateMetadata([]);
    await batch.send();
  }

  async #started(brokers: readonly BrokerFacts[]): Promise<void> {
    const { context, batch, replicas, partitions, reassignments, deletion, logger } = this.#options;
    const ids = new Set(brokers.map(({ id }) => id));
    logger.info({ brokers: [...ids] }, 'brokers joined');
    for (const broker of brokers) {
      context.brokers.set(broker.id, broker);
      context.forgetDirectories(broker.id);
    }
    // The others learn of the brokers alone, the new ones of everything.
    batch.updateMetadata([], [...context.brokers.keys()].filter(id => !ids.has(id)));
    await batch.send();
    batch.updateMetadata([...context.partitions()].filter(partition => !context.isDeleting(partition)), ids);
    await batch.send();
    const theirs = [...context.replicasOn(ids)];
    // Which replicas it has comes first, whole: that is what its checkpoints are kept for.
    await replicas.change(theirs.filter(({ partition }) => !context.isLeaving(partition)), 'online');
    await partitions.electForLeaderless(context.partitions());
    await reassignments.resumeOn(ids);
    await deletion.resume(new Set(theirs.map(({ partition }) => partition.topic)));
  }

  async #failed(ids: readonly number[]): Promise<void> {
    const { context, logger } = this.#options;
    logger.info({ brokers: ids }, 'brokers left');
    for (const id of ids) {
      context.brokers.delete(id);
      context.shuttingDown.delete(id);
      context.forgetDirectories(id);
    }
    await this.#offline([...context.replicasOn(new Set(ids))]);
  }

  /** Those of which the leader is among `lost` are led by others, if anybody can; then the lost ones leave the ISR. */
  async #offline(lost: readonly Replica[]): Promise<void> {
    const { context, batch, replicas, partitions, deletion } = this.#options;
    const leaderless = [...context.partitions()].filter(partition => partition.leadership !== undefined && !context.isDeleting(partition) && !context.isOnline(partition.leadership.leader, partition));
    partitions.mark(leaderless, 'offline');
    const elections = await partitions.electForLeaderless(context.partitions());
    const kept = lost.filter(({ partition }) => !context.isDeleting(partition));
    await replicas.change(kept, 'offline');
    await deletion.failed(lost.filter(({ partition }) => context.isDeleting(partition)));
    if (kept.length > 0 || [...elections.values()].some(({ outcome }) => outcome === 'elected')) return;
    // Nothing was said of partitions: that the broker is gone has to be said by itself.
    batch.updateMetadata([]);
    await batch.send();
  }

  /** Brokers told of a failed log directory: which replicas they still have is asked with LeaderAndIsr. */
  async askForReplicas(brokers: ReadonlySet<number>): Promise<void> {
    const { context, replicas } = this.#options;
    await replicas.change([...context.replicasOn(brokers)].filter(({ partition }) => !context.isDeleting(partition)), 'online');
  }

  /** Of what a broker said, that which is news: replicas it cannot serve, and those it can serve again. */
  news(broker: number, asked: readonly PartitionFacts[], answer: LeaderAndIsrResponse): ReplicaAnswer[] {
    const { context, logger } = this.#options;
    if (answer.errorCode !== ErrorCode.None) {
      logger.warn({ broker, errorCode: answer.errorCode }, 'a broker refused LeaderAndIsr');
      return [];
    }
    const codes = new Map<string, number>();
    // By topic id since version 5, by name before.
    for (const { topicId, partitionErrors } of answer.topics) for (const each of partitionErrors) codes.set(`${topicId} ${each.partitionIndex}`, each.errorCode);
    for (const each of answer.partitionErrors) codes.set(`${each.topicName} ${each.partitionIndex}`, each.errorCode);
    return asked.flatMap(partition => {
      const { topic, index } = partition;
      const errorCode = codes.get(`${context.topics.get(topic)?.id} ${index}`) ?? codes.get(`${topic} ${index}`);
      const expected = context.hasDirectory(broker, partition) ? ErrorCode.KafkaStorageError : ErrorCode.None;
      return errorCode === expected ? [{ partition, errorCode }] : [];
    });
  }

  async directories(broker: number, answers: readonly ReplicaAnswer[]): Promise<void> {
    const { context, logger } = this.#options;
    const changed = answers.filter(({ partition, errorCode }) => context.setDirectory(broker, partition, errorCode === ErrorCode.None));
    const lost = changed.flatMap(({ partition, errorCode }) => (errorCode === ErrorCode.None ? [] : [{ partition, broker }]));
    const back = changed.flatMap(({ partition, errorCode }) => (errorCode === ErrorCode.None ? [{ partition, broker }] : []));
    if (lost.length > 0) {
      logger.warn({ broker, replicas: lost.length }, 'replicas cannot be served by their broker');
      await this.#offline(lost);
    }
    if (back.length > 0) await this.#back(back);
  }

  async #back(back: readonly Replica[]): Promise<void> {
    const { context, replicas, partitions, deletion } = this.#options;
    await partitions.electForLeaderless(back.map(({ partition }) => partition));
    await replicas.change(back.filter(({ partition }) => !context.isDeleting(partition)), 'online');
    await deletion.resume(new Set(back.map(({ partition }) => partition.topic)));
  }
}
