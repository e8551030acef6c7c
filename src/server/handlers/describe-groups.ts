// DescribeGroups, versions 0-5: what state groups are in and who their members are.
//   v3  what the caller may do with each, if it asks
//   v4  instance ids of static members
//   v5  flexible encoding
// A group that nobody knows is described as dead.

import { Turns } from '../../base/turns.js';
import { ErrorCode } from '../../protocol/errors.js';
import { DescribeGroupsRequest, DescribeGroupsResponse } from '../../protocol/messages.js';
import type { DescribeGroupsResponseInput } from '../../protocol/messages.js';
import { GROUP_OPERATIONS } from '../authorized-operations.js';
import { defineHandler } from '../handler.js';
import type { BrokerServices } from '../services.js';
import { Repeats } from './repeats.js';

export const describeGroups = defineHandler({
  request: DescribeGroupsRequest,
  response: DescribeGroupsResponse,
  handle: (request, _context, broker) => answer(request, broker),
  onError: (request, errorCode) => ({ groups: request.groups.map(groupId => ({ groupId, errorCode })) }),
});

async function answer(request: DescribeGroupsRequest, broker: BrokerServices): Promise<DescribeGroupsResponseInput> {
  const turns = new Turns(broker.clock, broker.timers);
  const groups: NonNullable<DescribeGroupsResponseInput['groups']>[number][] = [];
  const repeats = new Repeats();
  for (const groupId of request.groups) {
    await turns.next();
    if (!repeats.admit(groupId)) continue;
    const described = await broker.groups.admin.describeGroups({ ...request, groups: [groupId] });
    for (const group of described.groups ?? []) {
      const tells = request.includeAuthorizedOperations && group.errorCode === ErrorCode.None;
      repeats.answered(groupId, group.members?.length ?? 0);
      groups.push(tells ? { ...group, authorizedOperations: GROUP_OPERATIONS } : group);
    }
  }
  return { groups };
}
