// StopReplica, versions 0-4: the controller's word. Its own broker gets it by the same road, without a socket.

import { StopReplicaRequest, StopReplicaResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const stopReplica = defineHandler({
  request: StopReplicaRequest,
  response: StopReplicaResponse,
  handle: (request, _context, broker) => broker.replicas.stopReplica(request),
  onError: (_request, errorCode) => ({ errorCode }),
});
