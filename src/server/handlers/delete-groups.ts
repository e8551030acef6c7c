// DeleteGroups, versions 0-2: forget empty groups and their offsets.
//   v2  flexible encoding
// Answers when the tombstones are committed.

import { eachInTurns, Turns } from '../../base/turns.js';
import { DeleteGroupsRequest, DeleteGroupsResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const deleteGroups = defineHandler({
  request: DeleteGroupsRequest,
  response: DeleteGroupsResponse,
  handle: async (request, _context, broker) => {
    const answers = await eachInTurns(new Set(request.groupsNames), new Turns(broker.clock, broker.timers), groupId => broker.groups.admin.deleteGroups({ groupsNames: [groupId] }));
    return { results: answers.flatMap(({ results }) => results ?? []) };
  },
  onError: (request, errorCode) => ({ results: request.groupsNames.map(groupId => ({ groupId, errorCode })) }),
});
