// ControlledShutdown, versions 0-3: a broker that is about to leave asks the controller to have others lead its partitions.
//   v2  the broker's epoch; v3 flexible encoding

import { NOT_CONTROLLER } from '../../controller/controller.js';
import { ErrorCode } from '../../protocol/errors.js';
import { ControlledShutdownRequest, ControlledShutdownResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const controlledShutdown = defineHandler({
  request: ControlledShutdownRequest,
  response: ControlledShutdownResponse,
  handle: async (request, _context, broker) => {
    const answer = await broker.controller.controlledShutdown(request.brokerId, request.brokerEpoch);
    // Kafka's own code for "the controller moved".
    if (answer === NOT_CONTROLLER) return { errorCode: ErrorCode.StaleControllerEpoch };
    return { errorCode: answer.errorCode, remainingPartitions: answer.remaining.map(({ topic, partition }) => ({ topicName: topic, partitionIndex: partition })) };
  },
});
