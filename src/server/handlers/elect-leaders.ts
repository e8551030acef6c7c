// ElectLeaders, versions 0-2.
//   v0  preferred leaders only; v1 unclean elections, a top-level error; v2 flexible encoding
// Answers when this broker's metadata shows the leaders that were elected, or the time is up (DelayedElectLeader).

import { NOT_CONTROLLER } from '../../controller/controller.js';
import { ErrorCode } from '../../protocol/errors.js';
import { ElectLeadersRequest, ElectLeadersResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { whenLedBy } from '../topics/await-metadata.js';
import { byTopic, lastOfEach } from './by-topic.js';

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const TYPES = ['preferred', 'unclean'] as const;

export const electLeaders = defineHandler({
  request: ElectLeadersRequest,
  response: ElectLeadersResponse,
  handle: async (request, _context, broker) => {
    const type = TYPES[request.electionType];
    // Kafka has no error of its own for that.
    if (type === undefined) throw new RequestError(ErrorCode.UnknownServerError, `${request.electionType} is no type of election`);
    const deadline = broker.clock.monotonic() + request.timeoutMs;
    const asked = partitionsOf(request, broker);
    const results = await broker.controller.electLeaders(asked, type);
    if (results === NOT_CONTROLLER) return answer(asked.map(each => ({ ...each, errorCode: ErrorCode.NotController, errorMessage: null })), request);
    const elected = results.flatMap(({ topic, partition, leader }) => (leader === undefined ? [] : [{ topic, partition, leader }]));
    const late = new Set(await whenLedBy(elected, deadline - broker.clock.monotonic(), broker));
    const timedOut = new Set([...late].map(({ topic, partition }) => `${topic} ${partition}`));
    return answer(results.map(({ topic, partition, ...result }) => {
      if (result.leader === undefined) return { topic, partition, ...result };
      return { topic, partition, errorCode: timedOut.has(`${topic} ${partition}`) ? ErrorCode.RequestTimedOut : ErrorCode.None, errorMessage: null };
    }), request);
  },
  onError: (request, errorCode) => ({
    errorCode,
    replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) => ({ topic, partitionResult: partitions.map(partitionId => ({ partitionId, errorCode, errorMessage: null })) })),
  }),
});

/** Null: all that this broker knows of. */
function partitionsOf({ topicPartitions }: ElectLeadersRequest, broker: BrokerServices): { topic: string; partition: number }[] {
  if (topicPartitions !== null) return lastOfEach(topicPartitions.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition }))));
  return [...broker.metadata.topics()].flatMap(({ name, partitions }) => [...partitions.keys()].map(partition => ({ topic: name, partition })));
}

/** Who asks for all is told of those alone where something was to be done. */
function answer(rows: readonly Row[], { topicPartitions }: ElectLeadersRequest) {
  const told = topicPartitions === null ? rows.filter(({ errorCode }) => errorCode !== ErrorCode.ElectionNotNeeded) : rows;
  return {
    replicaElectionResults: [...byTopic(told)].map(([topic, some]) => ({
      topic, partitionResult: some.map(({ partition, errorCode, errorMessage }) => ({ partitionId: partition, errorCode, errorMessage })),
    })),
  };
}
