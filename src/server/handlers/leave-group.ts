// LeaveGroup, versions 0-5: members go without waiting for their sessions to end.
//   v3  several at once, each with an error of its own; by instance id alone where an administrator removes them
//   v4  flexible encoding
//   v5  the reason for leaving

import { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/messages.js';
import { clientFacts } from '../client-facts.js';
import { defineHandler } from '../handler.js';

export const leaveGroup = defineHandler({
  request: LeaveGroupRequest,
  response: LeaveGroupResponse,
  handle: (request, context, broker) => broker.groups.members.leaveGroup(request, clientFacts(context)),
});
