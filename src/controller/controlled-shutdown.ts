// A broker that is about to leave has its partitions led by others first (KafkaController.doControlledShutdown).

import type { Logger } from '../base/logger.js';
import { ErrorCode } from '../protocol/errors.js';
import type { TopicPartition } from '../zookeeper/znodes/notifications.js';
import type { ControllerContext, PartitionFacts } from './context.js';
import type { PartitionStateMachine } from './partition-state-machine.js';
import type { ReplicaStateMachine } from './replica-state-machine.js';
import type { RequestBatch } from './request-batch.js';

export interface ControlledShutdownParts {
  readonly context: ControllerContext;
  readonly partitions: PartitionStateMachine;
  readonly replicas: ReplicaStateMachine;
  readonly batch: RequestBatch;
  readonly logger: Logger;
}

/** `remaining`: what it still leads, because nobody else can. */
export type ShutdownAnswer = { readonly errorCode: number; readonly remaining: readonly TopicPartition[] };

const UNKNOWN_EPOCH = -1;

export async function controlledShutdown(broker: number, brokerEpoch: number, { context, partitions, replicas, batch, logger }: ControlledShutdownParts): Promise<ShutdownAnswer> {
  const registered = context.brokers.get(broker);
  if (registered === undefined) return { errorCode: brokerEpoch === UNKNOWN_EPOCH ? ErrorCode.BrokerNotAvailable : ErrorCode.UnknownServerError, remaining: [] };
  if (brokerEpoch !== UNKNOWN_EPOCH && brokerEpoch < registered.epoch) return { errorCode: ErrorCode.StaleBrokerEpoch, remaining: [] };
  context.shuttingDown.add(broker);
  const led: PartitionFacts[] = [];
  const followed: PartitionFacts[] = [];
  for (const { partition } of context.replicasOn(new Set([broker]))) {
    // A partition of one replica stays with it to the end.
    if (partition.assignment.replicas.length < 2 || partition.leadership === undefined || context.isDeleting(partition)) continue;
    (partition.leadership.leader === broker ? led : followed).push(partition);
  }
  logger.info({ broker, leads: led.length, follows: followed.length }, 'a broker is shutting down');
  await partitions.bringOnline(led, 'controlledShutdown');
  // It stops to follow before it is taken out of the ISR, so that it does not join again.
  for (const partition of followed) batch.stopReplica(broker, partition, false);
  await batch.send();
  await replicas.change(followed.map(partition => ({ partition, broker })), 'offline');
  return { errorCode: ErrorCode.None, remaining: remainingOn(broker, context) };
}

function remainingOn(broker: number, context: ControllerContext): TopicPartition[] {
  const remaining: TopicPartition[] = [];
  for (const partition of context.partitions()) {
    if (partition.leadership?.leader === broker && partition.assignment.replicas.length > 1 && !context.isDeleting(partition)) remaining.push({ topic: partition.topic, partition: partition.index });
  }
  return remaining;
}
