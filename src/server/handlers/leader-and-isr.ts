// LeaderAndIsr, versions 0-7: the controller's word on who leads what. Its own broker gets it by the same road,
// without a socket.
//   v2  broker epochs; v4 flexible encoding; v5 topic ids, and errors by topic; v6 leader recovery state; v7 KRaft origin

import { LeaderAndIsrRequest, LeaderAndIsrResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const leaderAndIsr = defineHandler({
  request: LeaderAndIsrRequest,
  response: LeaderAndIsrResponse,
  handle: async (request, { apiVersion }, broker) => {
    const { errorCode, partitionErrors, topics } = await broker.replicas.leaderAndIsr(request);
    return apiVersion < 5 ? { errorCode, partitionErrors } : { errorCode, topics };
  },
  onError: (_request, errorCode) => ({ errorCode }),
});
