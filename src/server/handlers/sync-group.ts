// SyncGroup, versions 0-5: a member asks for its share; the leader brings the plan.
//   v3  static members name their instance
//   v4  flexible encoding
//   v5  protocol type and name, mandatory in the request
// Waits for the leader's plan to be committed.

import { SyncGroupRequest, SyncGroupResponse } from '../../protocol/messages.js';
import { clientFacts } from '../client-facts.js';
import { defineHandler } from '../handler.js';

export const syncGroup = defineHandler({
  request: SyncGroupRequest,
  response: SyncGroupResponse,
  handle: (request, context, broker) => broker.groups.members.syncGroup(request, clientFacts(context)),
});
