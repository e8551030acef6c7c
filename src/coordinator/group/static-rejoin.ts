import { ErrorCode } from '../../protocol/errors.js';
import { generationStoreError } from './append-errors.js';
import type { GroupDecision, JoinTicket } from './environment.js';
import type { Group } from './group.js';
import type { JoinRequest } from './join.js';
import type { Member } from './member.js';
import { decided, maybeCompleteJoin, rebalance } from './rebalance.js';
import { NO_MEMBER_ID } from './replies.js';
import type { JoinReply } from './replies.js';

/**
 * A static member has restarted and comes without an id. It takes its old place under a new one, and where the plan
 * still stands it needs no rebalance (KIP-345). The log must know the new id before the member does.
 */
export function rejoinStatic(group: Group, member: Member, memberId: string, request: JoinRequest, ticket: JoinTicket): GroupDecision<void> {
  const before = { memberId: member.memberId, leaderId: group.leaderId ?? '', ...pick(member) };
  group.rename(member, memberId);
  group.update(member, request.protocols, request.rebalanceTimeoutMs, request.sessionTimeoutMs);
  group.parkJoin(member, ticket);
  member.session.set(member.sessionTimeoutMs);

  switch (group.state) {
    case 'Stable': {
      if (group.selectProtocol() !== group.protocolName) return decided(rebalance(group, 'static member changed the protocol'));
      const asBefore = group.joined(memberId);
      return {
        records: [{ kind: 'generation', group: group.id, value: group.snapshot(each => each.assignment) }],
        reply: undefined,
        committed: () => {
          // If a rebalance began meanwhile, its join is as good as any other's and is answered with them.
          if (group.state !== 'Stable' || group.generation !== asBefore.generationId) return;
          group.answerJoin(member, replyTo(asBefore, before.leaderId, request));
        },
        failed: error => {
          if (group.members.get(memberId) !== member) return;
          const refused = { ...asBefore, errorCode: generationStoreError(error), memberId: NO_MEMBER_ID, leader: before.leaderId, members: [] };
          group.answerJoin(member, refused);
          group.rename(member, before.memberId);
          group.update(member, before.protocols, before.rebalanceTimeoutMs, before.sessionTimeoutMs);
          member.session.set(member.sessionTimeoutMs);
        },
      };
    }
    case 'CompletingRebalance':
      // The leader may be planning for the old id already.
      return decided(rebalance(group, 'static member came back under a new id'));
    case 'PreparingRebalance':
      return decided(maybeCompleteJoin(group));
    case 'Empty':
    case 'Dead':
      return decided([]);
  }
}

/**
 * A leader must not plan again: nobody would get the plan of a stable group. v9 can say so. Before v9 it is told the id
 * it had as the leader's, which it does not recognise as its own.
 */
function replyTo(reply: JoinReply, oldLeaderId: string, request: JoinRequest): JoinReply {
  if (request.canSkipAssignment) return { ...reply, skipAssignment: reply.leader === reply.memberId };
  return { ...reply, leader: oldLeaderId, members: [], errorCode: ErrorCode.None };
}

function pick({ protocols, rebalanceTimeoutMs, sessionTimeoutMs }: Member): Pick<Member, 'protocols' | 'rebalanceTimeoutMs' | 'sessionTimeoutMs'> {
  return { protocols, rebalanceTimeoutMs, sessionTimeoutMs };
}
