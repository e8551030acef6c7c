// ListGroups, versions 0-5: the groups that this broker coordinates.
//   v3  flexible encoding
//   v4  states, and a filter on them
//   v5  types, and a filter on them; all groups here are classic

import { ListGroupsRequest, ListGroupsResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const listGroups = defineHandler({
  request: ListGroupsRequest,
  response: ListGroupsResponse,
  handle: (request, _context, broker) => broker.groups.admin.listGroups(request),
});
