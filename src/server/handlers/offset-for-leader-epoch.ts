// OffsetForLeaderEpoch, versions 0-4: "where did this leader epoch end?"
//   v1  the answer names the epoch it is about
//   v2  the caller says which epoch it believes is current; a wrong belief is refused
//   v3  followers name themselves by replica id
//   v4  flexible encoding
// Answers from local state only, so nothing here waits but for its turn.

import { eachInTurns, Turns } from '../../base/turns.js';
import { ErrorCode } from '../../protocol/errors.js';
import { OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, type OffsetForLeaderEpochResponseInput } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import type { BrokerServices } from '../services.js';

type TopicAnswer = NonNullable<OffsetForLeaderEpochResponseInput['topics']>[number];
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number];
type Asked = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];

const UNKNOWN = { leaderEpoch: -1, endOffset: -1 };

export const offsetForLeaderEpoch = defineHandler({
  request: OffsetForLeaderEpochRequest,
  response: OffsetForLeaderEpochResponse,
  handle: async (request, _context, broker) => {
    const answers = await eachInTurns(rowsOf(request), new Turns(broker.clock, broker.timers), ({ topic, asked }) => answerPartition(topic, asked, broker));
    let next = 0;
    return { topics: request.topics.map(({ topic, partitions }) => ({ topic, partitions: answers.slice(next, next += partitions.length) })) };
  },
  onError: (request, errorCode) => ({
    topics: request.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map(({ partition }) => ({ partition, errorCode, ...UNKNOWN })) })),
  }),
});

function* rowsOf({ topics }: OffsetForLeaderEpochRequest): Generator<{ topic: string; asked: Asked }> {
  for (const { topic, partitions } of topics) for (const asked of partitions) yield { topic, asked };
}

function answerPartition(topic: string, asked: Asked, broker: BrokerServices): PartitionAnswer {
  const { partition } = asked;
  const found = broker.replicas.find(topic, partition);
  if (found === undefined) {
    const known = broker.metadata.has(topic, partition);
    return { partition, errorCode: known ? ErrorCode.NotLeaderOrFollower : ErrorCode.UnknownTopicOrPartition, ...UNKNOWN };
  }
  const problem = found.leadershipError(asked.currentLeaderEpoch);
  if (problem !== ErrorCode.None) return { partition, errorCode: problem, ...UNKNOWN };
  return { partition, errorCode: ErrorCode.None, ...(found.endOfEpoch(asked.leaderEpoch) ?? UNKNOWN) };
}
