// OffsetDelete, version 0: forget single offsets of a group (KIP-496).
// Topics that a member of a consumer group subscribes to are refused. Answers when the tombstones are committed.

import { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const offsetDelete = defineHandler({
  request: OffsetDeleteRequest,
  response: OffsetDeleteResponse,
  handle: (request, _context, broker) => broker.groups.offsets.offsetDelete(request),
});
