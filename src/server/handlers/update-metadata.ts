// UpdateMetadata, versions 0-8: the controller's word. Its own broker gets it by the same road, without a socket.

import { UpdateMetadataRequest, UpdateMetadataResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const updateMetadata = defineHandler({
  request: UpdateMetadataRequest,
  response: UpdateMetadataResponse,
  handle: (request, _context, broker) => broker.replicas.updateMetadata(request),
  onError: (_request, errorCode) => ({ errorCode }),
});
