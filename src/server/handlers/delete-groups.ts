// DeleteGroups, versions 0-2: forget empty groups and their offsets.
//   v2  flexible encoding
// Answers when the tombstones are committed.

import { DeleteGroupsRequest, DeleteGroupsResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const deleteGroups = defineHandler({
  request: DeleteGroupsRequest,
  response: DeleteGroupsResponse,
  handle: (request, _context, broker) => broker.groups.admin.deleteGroups(request),
  onError: (request, errorCode) => ({ results: request.groupsNames.map(groupId => ({ groupId, errorCode })) }),
});
