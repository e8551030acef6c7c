// AllocateProducerIds, version 0: the controller gives a broker the next block of producer ids (KIP-730).

import { ErrorCode } from '../../protocol/errors.js';
import { AllocateProducerIdsRequest, AllocateProducerIdsResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import { allocateProducerIds as nextBlock } from '../producer-id-blocks.js';

export const allocateProducerIds = defineHandler({
  request: AllocateProducerIdsRequest,
  response: AllocateProducerIdsResponse,
  handle: async ({ brokerId, brokerEpoch }, _context, broker) => {
    const errorCode = broker.controller.knows(brokerId, brokerEpoch);
    if (errorCode !== ErrorCode.None) return { errorCode };
    const { first, length } = await nextBlock(broker.zookeeper, brokerId);
    return { errorCode, producerIdStart: first, producerIdLen: length };
  },
});
