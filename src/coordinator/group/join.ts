import { ErrorCode } from '../../protocol/errors.js';
import { answer } from '../runtime/decision.js';
import type { GroupDecision, JoinTicket } from './environment.js';
import type { Group } from './group.js';
import { Member } from './member.js';
import type { MemberProtocol } from './member.js';
import { decided, maybeCompleteJoin, pendingGone, rebalance, sessionOver } from './rebalance.js';
import { joinError, NO_MEMBER_ID } from './replies.js';
import { rejoinStatic } from './static-rejoin.js';

export interface JoinRequest {
  /** Empty: the caller has none yet. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  readonly reason: string | null;
  /** v4+: a newcomer first gets an id and has to come back with it (KIP-394). */
  readonly requireKnownMemberId: boolean;
  /** v9+: a leader can be told that there is nothing to plan (KIP-814). */
  readonly canSkipAssignment: boolean;
}

/** How long the join of a new member may stay parked, whatever its session timeout. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000;

export function join(group: Group, request: JoinRequest, ticket: JoinTicket): GroupDecision<void> {
  const { memberId } = request;
  if (!hasRoomFor(group, memberId)) {
    group.remove(memberId);
    return refuse(ticket, NO_MEMBER_ID, ErrorCode.GroupMaxSizeReached);
  }
  if (group.state === 'Dead') return refuse(ticket, memberId, ErrorCode.CoordinatorNotAvailable);
  if (!group.supports(request.protocolType, request.protocols)) return refuse(ticket, memberId, ErrorCode.InconsistentGroupProtocol);
  return memberId === NO_MEMBER_ID ? joinAsNewcomer(group, request, ticket) : joinAsKnown(group, request, ticket);
}

/**
 * Nobody who is in is thrown out for room, except while the group gathers: then the limit counts those who came, so that
 * a group that is too large (the limit was lowered) sheds the last to come back (KIP-389).
 */
function hasRoomFor(group: Group, memberId: string): boolean {
  const { maxSize } = group.environment.limits;
  switch (group.state) {
    case 'Empty':
    case 'Dead': return true;
    case 'PreparingRebalance': return group.members.get(memberId)?.awaitsJoin === true || group.awaitingJoin < maxSize;
    case 'CompletingRebalance':
    case 'Stable': return group.members.has(memberId) || group.members.size < maxSize;
  }
}

function joinAsNewcomer(group: Group, request: JoinRequest, ticket: JoinTicket): GroupDecision<void> {
  const { groupInstanceId, sessionTimeoutMs, requireKnownMemberId } = request;
  const { environment } = group;
  const memberId = `${groupInstanceId ?? request.clientId}-${environment.newId()}`;

  if (groupInstanceId !== null) {
    const current = group.staticMembers.get(groupInstanceId);
    if (current !== undefined) return rejoinStatic(group, group.members.get(current)!, memberId, request, ticket);
    return admit(group, memberId, request, ticket);
  }
  if (!requireKnownMemberId) return admit(group, memberId, request, ticket);

  const expiry = environment.alarm(() => decided(pendingGone(group, memberId)));
  expiry.set(sessionTimeoutMs);
  group.pending.set(memberId, expiry);
  return refuse(ticket, memberId, ErrorCode.MemberIdRequired);
}

function joinAsKnown(group: Group, request: JoinRequest, ticket: JoinTicket): GroupDecision<void> {
  const { memberId, groupInstanceId, protocols } = request;
  // A pending id belongs to a dynamic member; with an instance id it is somebody else's.
  if (groupInstanceId === null && group.pending.has(memberId)) return admit(group, memberId, request, ticket);
  const refusal = group.refusalFor(memberId, groupInstanceId);
  if (refusal !== ErrorCode.None) return refuse(ticket, memberId, refusal);

  const member = group.members.get(memberId)!;
  switch (group.state) {
    case 'PreparingRebalance':
      return comeBack(group, member, request, ticket, 'member joined again');
    case 'CompletingRebalance':
      // The same once more: the answer to its first join got lost.
      if (member.matches(protocols)) return answerAsIs(group, memberId, ticket);
      return comeBack(group, member, request, ticket, 'member changed its protocols');
    case 'Stable':
      // A leader joins again when something else than its own subscription calls for a new plan.
      if (group.isLeader(memberId)) return comeBack(group, member, request, ticket, 'leader joined again');
      if (member.matches(protocols)) return answerAsIs(group, memberId, ticket);
      return comeBack(group, member, request, ticket, 'member changed its protocols');
    case 'Empty':
    case 'Dead':
      return refuse(ticket, memberId, ErrorCode.UnknownMemberId);
  }
}

function admit(group: Group, memberId: string, request: JoinRequest, ticket: JoinTicket): GroupDecision<void> {
  const member: Member = new Member({ ...request, memberId }, group.environment.alarm(() => sessionOver(group, member)));
  member.isNew = true;
  if (group.state === 'PreparingRebalance' && group.generation === 0) group.newMemberWhileGathering = true;
  group.add(member, request.protocolType);
  group.parkJoin(member, ticket);
  member.session.set(NEW_MEMBER_JOIN_TIMEOUT_MS);
  return onceParked(group, request.reason ?? 'new member');
}

function comeBack(group: Group, member: Member, request: JoinRequest, ticket: JoinTicket, reason: string): GroupDecision<void> {
  group.update(member, request.protocols, request.rebalanceTimeoutMs, request.sessionTimeoutMs);
  group.parkJoin(member, ticket);
  return onceParked(group, reason);
}

function onceParked(group: Group, reason: string): GroupDecision<void> {
  return decided(group.canRebalance ? rebalance(group, reason) : maybeCompleteJoin(group));
}

/** This generation suits the caller as it is; only the leader's answer tells the members. */
function answerAsIs(group: Group, memberId: string, ticket: JoinTicket): GroupDecision<void> {
  ticket.answer(group.joined(memberId));
  return answer(undefined);
}

function refuse(ticket: JoinTicket, memberId: string, error: ErrorCode): GroupDecision<void> {
  ticket.answer(joinError(memberId, error));
  return answer(undefined);
}
