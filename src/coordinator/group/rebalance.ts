import { ErrorCode } from '../../protocol/errors.js';
import { answer } from '../runtime/decision.js';
import type { GroupDecision } from './environment.js';
import type { Group } from './group.js';
import type { Member } from './member.js';
import type { GroupRecord } from './records.js';
import { joinError, NO_BYTES, NO_MEMBER_ID, syncError } from './replies.js';

// A rebalance, from the first reason for it until the next generation's members know their leader.
// Facts: GroupCoordinator.scala, DelayedJoin.scala, DelayedSync.scala of Kafka 3.9.
//
// Functions that can end the join phase return the records this produces: none while members remain, for the plan goes
// to the log with the leader's sync; one when the group has become empty.

type Records = readonly GroupRecord[];
const NOTHING: Records = [];

/** The decision of a timer: nobody waits for it, and the next rebalance makes up for records that get lost. */
export function decided(records: Records): GroupDecision<void> {
  return { records, reply: undefined };
}

/** Starts the join phase if the group is in a state to be rebalanced. */
export function rebalance(group: Group, reason: string): Records {
  if (!group.canRebalance) return NOTHING;
  beginRebalance(group, reason);
  return maybeCompleteJoin(group);
}

/** The same without looking whether everybody is there already. */
export function beginRebalance(group: Group, reason: string): void {
  // Whoever awaits its share is told to join again.
  if (group.state === 'CompletingRebalance') spreadRefusal(group, ErrorCode.RebalanceInProgress);
  group.pendingSync.clear();
  group.syncAlarm?.clear();

  group.joinAlarm ??= group.environment.alarm(() => decided(joinTimeOver(group)));
  const timeout = group.rebalanceTimeoutMs;
  if (group.state === 'Empty') {
    // The first members of a new group start at about the same time. Waiting for more of them at once saves a
    // rebalance for each (KIP-134).
    const delay = group.environment.limits.initialRebalanceDelayMs;
    group.gathering = { delay, remaining: Math.max(timeout - delay, 0) };
    group.newMemberWhileGathering = false;
    group.joinAlarm.set(delay);
  } else {
    group.joinAlarm.set(timeout);
  }
  group.enter('PreparingRebalance');
  group.environment.logger.debug({ group: group.id, generation: group.generation, reason }, 'rebalance begins');
}

export function maybeCompleteJoin(group: Group): Records {
  return group.state === 'PreparingRebalance' && group.gathering === null && group.allJoined ? completeJoin(group) : NOTHING;
}

function joinTimeOver(group: Group): Records {
  if (group.state !== 'PreparingRebalance') return NOTHING;
  const { gathering } = group;
  if (gathering !== null && group.newMemberWhileGathering && gathering.remaining > 0) {
    // In equal steps, and all in all no longer than the largest rebalance timeout at the start.
    const delay = Math.min(group.environment.limits.initialRebalanceDelayMs, gathering.remaining);
    group.gathering = { delay, remaining: Math.max(gathering.remaining - gathering.delay, 0) };
    group.newMemberWhileGathering = false;
    group.joinAlarm!.set(delay);
    return NOTHING;
  }
  return completeJoin(group);
}

function completeJoin(group: Group): Records {
  group.gathering = null;
  // Static members may be restarting; they stay until their session ends (KIP-345).
  for (const member of group.members.values()) {
    if (!member.awaitsJoin && !member.isStatic) group.remove(member.memberId);
  }
  if (group.members.size > 0 && !electLeader(group)) {
    // Only static members are left and none of them has come. Wait on, until one does or their sessions end.
    group.joinAlarm!.set(group.rebalanceTimeoutMs);
    return NOTHING;
  }

  group.joinAlarm!.clear();
  group.nextGeneration();
  if (group.state === 'Empty') {
    return [{ kind: 'generation', group: group.id, value: group.snapshot(() => NO_BYTES) }];
  }
  for (const member of group.members.values()) {
    group.answerJoin(member, group.joined(member.memberId));
    member.isNew = false;
    member.session.set(member.sessionTimeoutMs);
    group.pendingSync.add(member.memberId);
  }
  group.syncAlarm ??= group.environment.alarm(() => decided(syncTimeOver(group)));
  group.syncAlarm.set(group.rebalanceTimeoutMs);
  return NOTHING;
}

/** The leader must be someone who is there to plan. */
function electLeader(group: Group): boolean {
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId);
  if (leader?.awaitsJoin) return true;
  for (const member of group.members.values()) {
    if (!member.awaitsJoin) continue;
    group.leaderId = member.memberId;
    return true;
  }
  return false;
}

/** Members that joined but never asked for their share hold everyone up (KIP-817 tells why). */
function syncTimeOver(group: Group): Records {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return NOTHING;
  if (group.pendingSync.size === 0) return NOTHING;
  for (const memberId of group.pendingSync) group.remove(memberId);
  return rebalance(group, 'members have not synced in time');
}

/** Notes that a member has asked for its share. */
export function hasSynced(group: Group, memberId: string): void {
  group.pendingSync.delete(memberId);
  if (group.pendingSync.size === 0) group.syncAlarm?.clear();
}

/** Everyone who awaits a share gets an error in its place, and a full session to react to it. */
export function spreadRefusal(group: Group, error: ErrorCode): void {
  for (const member of group.members.values()) {
    member.assignment = NO_BYTES;
    if (member.answerSync(syncError(error))) member.session.set(member.sessionTimeoutMs);
  }
}

/** A member is gone: it left, its session ended, or it was thrown out. */
export function memberGone(group: Group, member: Member, reason: string): Records {
  // A new member can run out of time while its join is parked. If the client is still there, it starts over.
  group.answerJoin(member, joinError(NO_MEMBER_ID, ErrorCode.UnknownMemberId));
  group.remove(member.memberId);
  switch (group.state) {
    case 'Stable':
    case 'CompletingRebalance': return rebalance(group, reason);
    case 'PreparingRebalance': return maybeCompleteJoin(group);
    case 'Empty':
    case 'Dead': return NOTHING;
  }
}

/** A pending member will not come. */
export function pendingGone(group: Group, memberId: string): Records {
  group.removePending(memberId);
  return maybeCompleteJoin(group);
}

export function sessionOver(group: Group, member: Member): GroupDecision<void> {
  if (group.state === 'Dead' || group.members.get(member.memberId) !== member || member.excusedFromHeartbeat) return answer(undefined);
  group.environment.logger.info({ group: group.id, member: member.memberId }, 'member has not been heard of within its session');
  return decided(memberGone(group, member, 'session timeout'));
}
