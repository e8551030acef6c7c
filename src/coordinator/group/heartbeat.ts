import { ErrorCode } from '../../protocol/errors.js';
import type { Group } from './group.js';

export interface HeartbeatRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generation: number;
}

/** The only thing a heartbeat changes is when the session ends. */
export function heartbeat(group: Group, { memberId, groupInstanceId, generation }: HeartbeatRequest): ErrorCode {
  const refusal = group.refusalFor(memberId, groupInstanceId);
  if (refusal !== ErrorCode.None) return refusal;
  if (generation !== group.generation) return ErrorCode.IllegalGeneration;

  const member = group.members.get(memberId)!;
  switch (group.state) {
    case 'Empty':
    case 'Dead': return ErrorCode.UnknownMemberId;
    case 'PreparingRebalance':
      member.session.set(member.sessionTimeoutMs);
      return ErrorCode.RebalanceInProgress;
    case 'CompletingRebalance':
    case 'Stable':
      member.session.set(member.sessionTimeoutMs);
      return ErrorCode.None;
  }
}
