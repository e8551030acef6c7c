// OffsetForLeaderEpoch, versions 0-4: "where did this leader epoch end?"
//   v1  the answer names the epoch it is about
//   v2  the caller says which epoch it believes is current; a wrong belief is refused
//   v3  followers name themselves by replica id
//   v4  flexible encoding
// Answers from local state only, so nothing here waits.

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
  handle: (request, _context, broker) => ({
    topics: request.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map(asked => answerPartition(topic, asked, broker)) })),
  }),
  onError: (request, errorCode) => ({
    topics: request.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map(({ partition }) => ({ partition, errorCode, ...UNKNOWN })) })),
  }),
});

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
