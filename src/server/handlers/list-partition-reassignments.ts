// ListPartitionReassignments, version 0: which partitions are moving, and where (KIP-455).

import { NOT_CONTROLLER } from '../../controller/controller.js';
import { ErrorCode } from '../../protocol/errors.js';
import { ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import { byTopic, lastOfEach, NOT_THE_CONTROLLER } from './by-topic.js';

export const listPartitionReassignments = defineHandler({
  request: ListPartitionReassignmentsRequest,
  response: ListPartitionReassignmentsResponse,
  handle: async ({ topics }, _context, broker) => {
    const asked = topics === null ? null : lastOfEach(topics.flatMap(({ name, partitionIndexes }) => partitionIndexes.map(partition => ({ topic: name, partition }))));
    const ongoing = await broker.controller.listReassignments(asked);
    if (ongoing === NOT_CONTROLLER) return { errorCode: ErrorCode.NotController, errorMessage: NOT_THE_CONTROLLER };
    return {
      // What Kafka leaves as it is made.
      errorMessage: '',
      topics: [...byTopic(ongoing)].map(([name, some]) => ({
        name, partitions: some.map(({ partition, assignment: { replicas, adding, removing } }) => ({ partitionIndex: partition, replicas: [...replicas], addingReplicas: [...adding], removingReplicas: [...removing] })),
      })),
    };
  },
  onError: (_request, errorCode) => ({ errorCode, errorMessage: null }),
});
