import { ErrorCode } from '../../protocol/errors.js';
import type { GroupDecision } from './environment.js';
import type { Group } from './group.js';
import { memberGone, pendingGone } from './rebalance.js';
import type { GroupRecord } from './records.js';
import { NO_MEMBER_ID } from './replies.js';

export interface LeavingMember {
  /** Empty: whoever holds the instance id. That is how an administrator removes static members. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface LeaveReply {
  readonly errorCode: ErrorCode;
  /** As asked, in order. */
  readonly members: readonly ErrorCode[];
}

export function leave(group: Group, leaving: readonly LeavingMember[]): GroupDecision<LeaveReply> {
  if (group.state === 'Dead') return { records: [], reply: { errorCode: ErrorCode.CoordinatorNotAvailable, members: [] } };
  const records: GroupRecord[] = [];
  const members = leaving.map(one => leaveOne(group, one, records));
  return { records, reply: { errorCode: ErrorCode.None, members } };
}

function leaveOne(group: Group, { memberId, groupInstanceId }: LeavingMember, records: GroupRecord[]): ErrorCode {
  if (memberId === NO_MEMBER_ID) {
    const current = groupInstanceId === null ? undefined : group.staticMembers.get(groupInstanceId);
    if (current === undefined) return ErrorCode.UnknownMemberId;
    remove(group, current, records);
    return ErrorCode.None;
  }
  if (group.pending.has(memberId)) {
    records.push(...pendingGone(group, memberId));
    return ErrorCode.None;
  }
  const refusal = group.refusalFor(memberId, groupInstanceId);
  if (refusal === ErrorCode.None) remove(group, memberId, records);
  return refusal;
}

function remove(group: Group, memberId: string, records: GroupRecord[]): void {
  records.push(...memberGone(group, group.members.get(memberId)!, 'member left'));
}
