import { ErrorCode } from '../../protocol/errors.js';
import { answer } from '../runtime/decision.js';
import { generationStoreError } from './append-errors.js';
import type { GroupDecision, SyncTicket } from './environment.js';
import type { Group } from './group.js';
import { beginRebalance, hasSynced, spreadRefusal } from './rebalance.js';
import type { SavedGroup } from './records.js';
import { NO_BYTES, syncError } from './replies.js';
import type { SyncReply } from './replies.js';

export interface SyncRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generation: number;
  /** Null before v5. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** The leader's plan; empty from everybody else. */
  readonly assignments: ReadonlyMap<string, Uint8Array>;
}

export function sync(group: Group, request: SyncRequest, ticket: SyncTicket): GroupDecision<void> {
  const refusal = refusalFor(group, request);
  if (refusal !== ErrorCode.None) return refuse(ticket, refusal);

  const { memberId } = request;
  const member = group.members.get(memberId)!;
  switch (group.state) {
    case 'Empty': return refuse(ticket, ErrorCode.UnknownMemberId);
    case 'PreparingRebalance': return refuse(ticket, ErrorCode.RebalanceInProgress);
    case 'CompletingRebalance':
      // The leader brings everyone's share and the rest wait for it. Leader included, all are answered once the plan is
      // committed.
      member.parkSync(ticket);
      hasSynced(group, memberId);
      return group.isLeader(memberId) && !group.planInFlight ? store(group, request) : answer(undefined);
    case 'Stable':
      hasSynced(group, memberId);
      member.session.set(member.sessionTimeoutMs);
      ticket.answer(share(group, member.assignment));
      return answer(undefined);
    case 'Dead': return refuse(ticket, ErrorCode.CoordinatorNotAvailable);
  }
}

function refusalFor(group: Group, request: SyncRequest): ErrorCode {
  const refusal = group.refusalFor(request.memberId, request.groupInstanceId);
  if (refusal !== ErrorCode.None) return refusal;
  if (request.generation !== group.generation) return ErrorCode.IllegalGeneration;
  const { protocolType, protocolName } = request;
  const consistent = (protocolType === null || protocolType === group.protocolType) && (protocolName === null || protocolName === group.protocolName);
  return consistent ? ErrorCode.None : ErrorCode.InconsistentGroupProtocol;
}

function store(group: Group, { assignments }: SyncRequest): GroupDecision<void> {
  const { generation } = group;
  group.planInFlight = true;
  return {
    // Members that the leader left out get an empty share.
    records: [{ kind: 'generation', group: group.id, value: group.snapshot(member => assignments.get(member.memberId) ?? NO_BYTES) }],
    reply: undefined,
    failed: error => {
      // A join can overtake the plan on its way to the log. Then those who waited for it have been answered.
      if (group.state !== 'CompletingRebalance' || group.generation !== generation) return;
      spreadRefusal(group, generationStoreError(error));
      beginRebalance(group, 'the plan could not be stored');
    },
  };
}

/** Apply: a generation is committed. Never refuses, whatever has happened since it was decided. */
export function generationCommitted(group: Group, saved: SavedGroup): void {
  group.saved = saved;
  // After a rebalance it is a plan for a generation nobody is in any more.
  if (group.state !== 'CompletingRebalance' || saved.generation !== group.generation) return;
  for (const { memberId, assignment } of saved.members) {
    const member = group.members.get(memberId);
    if (member !== undefined) member.assignment = assignment;
  }
  group.planInFlight = false;
  group.enter('Stable');
  for (const member of group.members.values()) {
    // The session did not run while it waited; it starts over now.
    if (member.answerSync(share(group, member.assignment))) member.session.set(member.sessionTimeoutMs);
  }
}

function share(group: Group, assignment: Uint8Array): SyncReply {
  return { errorCode: ErrorCode.None, protocolType: group.protocolType, protocolName: group.protocolName, assignment };
}

function refuse(ticket: SyncTicket, error: ErrorCode): GroupDecision<void> {
  ticket.answer(syncError(error));
  return answer(undefined);
}
