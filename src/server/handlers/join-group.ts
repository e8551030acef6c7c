// JoinGroup, versions 0-9: a consumer wants to be a member, or to be one again.
//   v1  rebalance timeout beside the session timeout
//   v4  newcomers first get an id and come back with it (MEMBER_ID_REQUIRED)
//   v5  static members name their instance
//   v6  flexible encoding
//   v7  protocol type in the answer, protocol name may be null
//   v8  the reason for joining
//   v9  the leader may be told to skip planning
// Waits until everybody has joined, or the coordinator has lost patience with those who have not.

import { JoinGroupRequest, JoinGroupResponse } from '../../protocol/messages.js';
import { clientFacts } from '../client-facts.js';
import { defineHandler } from '../handler.js';

export const joinGroup = defineHandler({
  request: JoinGroupRequest,
  response: JoinGroupResponse,
  handle: (request, context, broker) => broker.groups.members.joinGroup(request, clientFacts(context)),
  onError: (_request, errorCode, { apiVersion }) => ({
    errorCode,
    generationId: -1,
    protocolName: apiVersion >= 7 ? null : '',
  }),
});
