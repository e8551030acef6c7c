// AlterPartition, versions 0-3: a leader asks the controller for another ISR.
//   v1  leader recovery state; v2 topic ids; v3 members of the ISR with their broker epochs

import { NOT_CONTROLLER } from '../../controller/controller.js';
import { ErrorCode } from '../../protocol/errors.js';
import { AlterPartitionRequest, AlterPartitionResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const alterPartition = defineHandler({
  request: AlterPartitionRequest,
  response: AlterPartitionResponse,
  handle: async (request, { apiVersion }, broker) => {
    const answer = await broker.controller.alterPartition(request, apiVersion);
    return answer === NOT_CONTROLLER ? { errorCode: ErrorCode.NotController } : answer;
  },
});
