// AlterPartitionReassignments, version 0: partitions are to move to other brokers, or to stay where they were (KIP-455).

import { NOT_CONTROLLER } from '../../controller/controller.js';
import { ErrorCode } from '../../protocol/errors.js';
import { AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import { byTopic, lastOfEach, NOT_THE_CONTROLLER } from './by-topic.js';

export const alterPartitionReassignments = defineHandler({
  request: AlterPartitionReassignmentsRequest,
  response: AlterPartitionReassignmentsResponse,
  handle: async (request, _context, broker) => {
    const asked = request.topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex, replicas }) => ({ topic: name, partition: partitionIndex, replicas })));
    const results = await broker.controller.alterReassignments(lastOfEach(asked));
    if (results === NOT_CONTROLLER) return { errorCode: ErrorCode.NotController, errorMessage: NOT_THE_CONTROLLER };
    return {
      // What Kafka leaves as it is made.
      errorMessage: '',
      responses: [...byTopic(results)].map(([name, some]) => ({
        name, partitions: some.map(({ partition, errorCode, errorMessage }) => ({ partitionIndex: partition, errorCode, errorMessage })),
      })),
    };
  },
  // Whoever is refused is told so for each partition too.
  onError: (request, errorCode) => ({
    errorCode, errorMessage: null,
    responses: request.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, errorMessage: null })) })),
  }),
});
