// AlterPartition: leaders ask for another ISR (KafkaController.tryProcessAlterPartition). Each partition is judged by itself;
// those that pass are written together, and everybody is told.

import { ErrorCode } from '../protocol/errors.js';
import type { AlterPartitionRequest, AlterPartitionResponseInput } from '../protocol/messages.js';
import { ZERO_ID, type ControllerContext, type Leadership, type PartitionFacts } from './context.js';
import type { NewLeadership } from './election.js';
import type { LeadershipStore } from './leadership-store.js';
import { sameList } from './replica-assignment.js';
import type { RequestBatch } from './request-batch.js';

type Asked = AlterPartitionRequest['topics'][number]['partitions'][number];
type TopicAnswer = NonNullable<AlterPartitionResponseInput['topics']>[number];
type Answer = NonNullable<TopicAnswer['partitions']>[number];

/** The version from which topics have their ids, and a member of the ISR that is not there has its own error. */
const TOPIC_IDS = 2;
const BROKER_EPOCHS = 3;
const RECOVERING = 1;
const UNKNOWN_EPOCH = -1;

export interface AlterPartitionParts {
  readonly context: ControllerContext;
  readonly leaderships: LeadershipStore;
  readonly batch: RequestBatch;
}

/** `changed`: partitions whose ISR is as it was asked for; a reassignment may be complete by that. */
export interface AlterPartitionOutcome {
  readonly response: AlterPartitionResponseInput;
  readonly changed: readonly PartitionFacts[];
}

interface Row {
  readonly topic: string;
  readonly index: number;
  readonly partition: PartitionFacts | undefined;
  readonly next: Omit<NewLeadership, 'controllerEpoch'>;
  readonly partitionEpoch: number;
  readonly members: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
  answer: Answer;
}

export async function alterPartition(request: AlterPartitionRequest, version: number, { context, leaderships, batch }: AlterPartitionParts): Promise<AlterPartitionOutcome> {
  if (context.brokers.get(request.brokerId)?.epoch !== request.brokerEpoch) return { response: { errorCode: ErrorCode.StaleBrokerEpoch, topics: [] }, changed: [] };
  const topics: TopicAnswer[] = [];
  const rows = new Map<string, Row>();
  for (const topic of request.topics) {
    const name = version >= TOPIC_IDS ? context.topicName(topic.topicId) : topic.topicName;
    if (name === undefined) topics.push({ topicId: topic.topicId, partitions: topic.partitions.map(({ partitionIndex }) => refused(partitionIndex, ErrorCode.UnknownTopicId)) });
    // What stands there twice counts as it stands there last.
    else for (const asked of topic.partitions) rows.set(`${name} ${asked.partitionIndex}`, rowOf(name, asked, request.brokerId, version, context));
  }
  const passed = [...rows.values()].filter(row => judge(row, version, context));
  await write(passed, leaderships, context);
  const known = [...rows.values()].flatMap(({ partition }) => (partition === undefined ? [] : [partition]));
  batch.updateMetadata(known);
  await batch.send();
  for (const [name, some] of byTopic(rows.values())) {
    const partitions = some.map(({ answer }) => answer);
    topics.push(version >= TOPIC_IDS ? { topicId: context.topics.get(name)?.id ?? ZERO_ID, partitions } : { topicName: name, partitions });
  }
  const changed = [...rows.values()].flatMap(({ partition, answer }) => (partition !== undefined && answer.errorCode === ErrorCode.None ? [partition] : []));
  return { response: { errorCode: ErrorCode.None, topics }, changed };
}

function rowOf(topic: string, asked: Asked, leader: number, version: number, context: ControllerContext): Row {
  const members = version >= BROKER_EPOCHS ? asked.newIsrWithEpochs : asked.newIsr.map(brokerId => ({ brokerId, brokerEpoch: UNKNOWN_EPOCH }));
  const isr = members.map(({ brokerId }) => brokerId);
  return {
    members,
    topic, index: asked.partitionIndex, partition: context.partition(topic, asked.partitionIndex), partitionEpoch: asked.partitionEpoch,
    next: { leader, leaderEpoch: asked.leaderEpoch, isr, recoveryState: asked.leaderRecoveryState },
    answer: refused(asked.partitionIndex, ErrorCode.UnknownTopicOrPartition),
  };
}

/** True: it is to be written. Otherwise its answer stands. */
function judge(row: Row, version: number, context: ControllerContext): boolean {
  const known = row.partition?.leadership;
  if (known === undefined) return false;
  if (isAsAsked(row, known)) {
    row.answer = accepted(row.index, known);
    return false;
  }
  const errorCode = fault(row, known, version, context);
  row.answer = refused(row.index, errorCode);
  return errorCode === ErrorCode.None;
}

/** An answer that was lost is asked for again: the partition epoch may be old, nothing else. */
function isAsAsked({ next, partitionEpoch }: Row, known: Leadership): boolean {
  return partitionEpoch <= known.zkVersion && next.leaderEpoch === known.leaderEpoch && next.leader === known.leader
    && sameList(next.isr, known.isr) && next.recoveryState === known.recoveryState;
}

function fault({ next, members, partitionEpoch }: Row, known: Leadership, version: number, context: ControllerContext): number {
  // It knows more than this controller, which may have lost its place: the leader is to look for another.
  if (partitionEpoch > known.zkVersion || next.leaderEpoch > known.leaderEpoch) return ErrorCode.NotController;
  if (next.leaderEpoch < known.leaderEpoch) return ErrorCode.FencedLeaderEpoch;
  if (partitionEpoch < known.zkVersion) return ErrorCode.InvalidUpdateVersion;
  if (next.recoveryState === RECOVERING && (next.isr.length > 1 || known.recoveryState !== RECOVERING)) return ErrorCode.InvalidRequest;
  if (!members.every(member => isEligible(member, context))) return version >= TOPIC_IDS ? ErrorCode.IneligibleReplica : ErrorCode.OperationNotAttempted;
  return ErrorCode.None;
}

/** It lives, and in the life in which it caught up (KIP-903). Kafka's leaders in ZooKeeper mode name no epoch. */
function isEligible({ brokerId, brokerEpoch }: Row['members'][number], context: ControllerContext): boolean {
  return context.isLive(brokerId) && (brokerEpoch === UNKNOWN_EPOCH || brokerEpoch === context.brokers.get(brokerId)?.epoch);
}

async function write(rows: readonly Row[], leaderships: LeadershipStore, context: ControllerContext): Promise<void> {
  const byPartition = new Map(rows.map(row => [row.partition!, row]));
  const updates = await leaderships.update(new Map(rows.map(({ partition, next }) => [partition!, { ...next, controllerEpoch: context.epoch }])));
  const stale: PartitionFacts[] = [];
  for (const [partition, update] of updates) {
    const row = byPartition.get(partition)!;
    if (update.outcome === 'written') {
      partition.leadership = update.leadership;
      row.answer = accepted(row.index, update.leadership);
    } else {
      stale.push(partition);
      row.answer = refused(row.index, update.outcome === 'stale' ? ErrorCode.InvalidUpdateVersion : ErrorCode.UnknownServerError);
    }
  }
  // Somebody wrote behind our back: the next one who asks is judged by what is there.
  await leaderships.refresh(stale);
}

function byTopic(rows: Iterable<Row>): Map<string, Row[]> {
  const topics = new Map<string, Row[]>();
  for (const row of rows) {
    const some = topics.get(row.topic);
    if (some === undefined) topics.set(row.topic, [row]);
    else some.push(row);
  }
  return topics;
}

function refused(partitionIndex: number, errorCode: number): Answer {
  return { partitionIndex, errorCode };
}

function accepted(partitionIndex: number, { leader, leaderEpoch, isr, recoveryState, zkVersion }: Leadership): Answer {
  return { partitionIndex, errorCode: ErrorCode.None, leaderId: leader, leaderEpoch, isr: [...isr], leaderRecoveryState: recoveryState, partitionEpoch: zkVersion };
}
