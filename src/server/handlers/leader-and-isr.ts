// LeaderAndIsr, versions 0-7: the controller's word. Its own broker gets it by a local call, through this same handler.

import { LeaderAndIsrRequest, LeaderAndIsrResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const leaderAndIsr = defineHandler({
  request: LeaderAndIsrRequest,
  response: LeaderAndIsrResponse,
  handle: (request, _context, broker) => broker.replicas.leaderAndIsr(request),
  onError: (_request, errorCode) => ({ errorCode }),
});
