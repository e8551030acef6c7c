// ListOffsets, versions 0-9: offsets by time, and the ends of a log.
//   v0  base offsets of segments; v1 one offset with its timestamp; v2 isolation levels; v4 leader epochs; v6 flexible
//   encoding; v7 the record with the largest timestamp (KIP-734); v8 the local log's start; v9 the last tiered offset

import { eachInTurns, Turns } from '../../base/turns.js';
import { ErrorCode } from '../../protocol/errors.js';
import { ListOffsetsRequest, ListOffsetsResponse, type ListOffsetsResponseInput } from '../../protocol/messages.js';
import type { Partition } from '../../replication/partition.js';
import { defineHandler, type RequestContext } from '../handler.js';
import { committedOnly, EARLIEST, LATEST, offsetsBefore } from '../offsets-before.js';
import type { BrokerServices } from '../services.js';

type TopicAnswer = NonNullable<ListOffsetsResponseInput['topics']>[number];
type Answer = NonNullable<TopicAnswer['partitions']>[number];
type Asked = ListOffsetsRequest['topics'][number]['partitions'][number];

/** Special timestamps, with the first version that has them. */
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const SINCE = new Map([[LATEST, 0], [EARLIEST, 0], [MAX_TIMESTAMP, 7], [EARLIEST_LOCAL, 8], [LATEST_TIERED, 9]]);
/** Clients see what is committed; replicas and who debugs see the log's end, and the latter may ask any replica. */
const CONSUMER = -1;
const DEBUGGER = -2;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;

interface Found {
  readonly offset: number;
  readonly timestamp: number;
  /** Of the batch that holds the record; undefined for the ends of the log. */
  readonly leaderEpoch?: number;
}

const NOTHING = { timestamp: -1, offset: -1, leaderEpoch: -1, oldStyleOffsets: [] };

export const listOffsets = defineHandler({
  request: ListOffsetsRequest,
  response: ListOffsetsResponse,
  handle: async (request, context, broker) => {
    const turns = new Turns(broker.clock, broker.timers);
    const repeated = new Repeated();
    // Version 0 does not mind.
    if (context.apiVersion > 0) await eachInTurns(rowsOf(request), turns, ({ name, asked }) => repeated.note(name, asked.partitionIndex));
    const answers = await eachInTurns(rowsOf(request), turns, async ({ name, asked }) => {
      if (repeated.has(name, asked.partitionIndex)) return refused(asked, ErrorCode.InvalidRequest);
      return answerPartition(name, asked, request, context, broker);
    });
    let next = 0;
    return { topics: request.topics.map(({ name, partitions }) => ({ name, partitions: answers.slice(next, next += partitions.length) })) };
  },
  onError: (request, errorCode) => ({
    topics: request.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(asked => refused(asked, errorCode)) })),
  }),
});

function* rowsOf({ topics }: ListOffsetsRequest): Generator<{ name: string; asked: Asked }> {
  for (const { name, partitions } of topics) for (const asked of partitions) yield { name, asked };
}

/** Partitions that are named more than once, anywhere in the request (duplicatePartitions of ListOffsetsRequest.java). */
class Repeated {
  /** By topic and partition: whether it was seen again. */
  readonly #seen = new Map<string, Map<number, boolean>>();

  note(topic: string, partition: number): void {
    let partitions = this.#seen.get(topic);
    if (partitions === undefined) this.#seen.set(topic, (partitions = new Map()));
    partitions.set(partition, partitions.has(partition));
  }

  has(topic: string, partition: number): boolean {
    return this.#seen.get(topic)?.get(partition) === true;
  }
}

async function answerPartition(topic: string, asked: Asked, request: ListOffsetsRequest, { apiVersion }: RequestContext, broker: BrokerServices): Promise<Answer> {
  const since = SINCE.get(asked.timestamp);
  if (asked.timestamp < 0 && (since === undefined || apiVersion < since)) return refused(asked, ErrorCode.UnsupportedVersion);
  if (request.replicaId === CONSUMER && request.isolationLevel !== READ_UNCOMMITTED && request.isolationLevel !== READ_COMMITTED) return refused(asked, ErrorCode.InvalidRequest);
  const partition = broker.replicas.find(topic, asked.partitionIndex);
  if (partition?.offline) return refused(asked, ErrorCode.KafkaStorageError);
  if (partition?.log === undefined) {
    return refused(asked, partition !== undefined || broker.metadata.has(topic, asked.partitionIndex) ? ErrorCode.NotLeaderOrFollower : ErrorCode.UnknownTopicOrPartition);
  }
  const problem = partition.leadershipError(asked.currentLeaderEpoch);
  if (problem !== ErrorCode.None && !(request.replicaId === DEBUGGER && problem === ErrorCode.NotLeaderOrFollower)) return refused(asked, problem);
  const { partitionIndex } = asked;
  if (apiVersion === 0) return answerOldStyle(asked, partition, request.replicaId === CONSUMER, broker);
  const found = await find(asked, lastFetchable(partition, request), partition);
  // A new leader shows nothing of its end until what it inherited is committed (KIP-207).
  const lags = request.replicaId === CONSUMER && partition.watermarkIsBehindEpoch;
  if (lags && (found === undefined || asked.timestamp === LATEST)) return refused(asked, apiVersion >= 5 ? ErrorCode.OffsetNotAvailable : ErrorCode.LeaderNotAvailable);
  const answer = found === undefined ? NOTHING : { ...NOTHING, ...found, leaderEpoch: apiVersion >= 4 ? found.leaderEpoch ?? epochOf(asked, found.offset, partition) : -1 };
  return { partitionIndex, errorCode: ErrorCode.None, ...answer };
}

async function answerOldStyle(asked: Asked, partition: Partition, consumer: boolean, { clock }: BrokerServices): Promise<Answer> {
  // Kafka fails to make a list of that length.
  if (asked.maxNumOffsets < 0) return refused(asked, ErrorCode.UnknownServerError);
  const log = partition.log!;
  const outline = await log.segments();
  const offsets = offsetsBefore({ ...outline, startOffset: log.startOffset }, asked.timestamp, asked.maxNumOffsets, clock.now());
  return { partitionIndex: asked.partitionIndex, errorCode: ErrorCode.None, oldStyleOffsets: consumer ? committedOnly(offsets, partition.highWatermark) : offsets };
}

async function find(asked: Asked, last: number, { log }: Partition): Promise<Found | undefined> {
  switch (asked.timestamp) {
    case LATEST: return { offset: last, timestamp: -1 };
    case EARLIEST: case EARLIEST_LOCAL: return { offset: log!.startOffset, timestamp: -1 };
    case LATEST_TIERED: return { offset: -1, timestamp: -1 };
    default: {
      const found = await (asked.timestamp === MAX_TIMESTAMP ? log!.maxTimestamp() : log!.findByTimestamp(asked.timestamp, log!.startOffset));
      return found === undefined || found.offset >= last ? undefined : found;
    }
  }
}

function lastFetchable(partition: Partition, { replicaId, isolationLevel }: ListOffsetsRequest): number {
  if (replicaId !== CONSUMER) return partition.log!.endOffset;
  return isolationLevel === READ_COMMITTED ? partition.lastStableOffset : partition.highWatermark;
}

function epochOf(asked: Asked, offset: number, partition: Partition): number {
  if (offset < 0) return -1;
  if (asked.timestamp === LATEST) return partition.leaderEpoch;
  return partition.log!.epochs.epochAt(offset) ?? -1;
}

function refused({ partitionIndex }: Asked, errorCode: number): Answer {
  return { partitionIndex, errorCode, ...NOTHING };
}
