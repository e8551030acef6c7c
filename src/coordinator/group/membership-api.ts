import { ErrorCode } from '../../protocol/errors.js';
import type {
  HeartbeatRequest, HeartbeatResponseInput, JoinGroupRequest, JoinGroupResponseInput, LeaveGroupRequest, LeaveGroupResponseInput,
  SyncGroupRequest, SyncGroupResponseInput,
} from '../../protocol/messages.js';
import { ticket } from '../runtime/decision.js';
import type { GroupDirectory } from './directory.js';
import { heartbeat } from './heartbeat.js';
import { join } from './join.js';
import { leave } from './leave.js';
import type { LeavingMember } from './leave.js';
import { joinError, NO_MEMBER_ID, syncError } from './replies.js';
import type { JoinReply, SyncReply } from './replies.js';
import { sync } from './sync.js';

/** Who asks, and in which version. */
export interface ClientFacts {
  readonly apiVersion: number;
  readonly clientId: string;
  /** As Kafka prints an address: "/127.0.0.1". */
  readonly clientHost: string;
}

/** JoinGroup, SyncGroup, Heartbeat and LeaveGroup: from the wire's terms to the group's and back. */
export class MembershipApi {
  readonly #groups: GroupDirectory;

  constructor(groups: GroupDirectory) {
    this.#groups = groups;
  }

  async joinGroup(request: JoinGroupRequest, client: ClientFacts): Promise<JoinGroupResponseInput> {
    return joinResponse(await this.#join(request, client), client.apiVersion);
  }

  #join(request: JoinGroupRequest, client: ClientFacts): JoinReply | Promise<JoinReply> {
    const { groupId, memberId, groupInstanceId, sessionTimeoutMs, protocolType, reason } = request;
    const { config } = this.#groups;
    const located = this.#groups.locateNamed(groupId);
    if (!located.ok) return joinError(memberId, located.error);
    if (sessionTimeoutMs < config.minSessionTimeoutMs || sessionTimeoutMs > config.maxSessionTimeoutMs)
      return joinError(memberId, ErrorCode.InvalidSessionTimeout);

    const { shard } = located;
    // Whoever has an id must have got it from this group; only newcomers found one.
    const group = memberId === NO_MEMBER_ID ? shard.machine.findOrCreate(groupId) : shard.machine.find(groupId);
    if (group === undefined) return joinError(memberId, ErrorCode.UnknownMemberId);

    const parked = ticket<JoinReply>();
    void shard.submit(join(group, {
      memberId, groupInstanceId, sessionTimeoutMs, protocolType, reason,
      clientId: client.clientId,
      clientHost: client.clientHost,
      // v0 has no rebalance timeout.
      rebalanceTimeoutMs: client.apiVersion === 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
      // Copied, because they outlive the request's frame.
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
      requireKnownMemberId: client.apiVersion >= 4 && groupInstanceId === null,
      canSkipAssignment: client.apiVersion >= 9,
    }, parked.ticket));
    return parked.answered;
  }

  async syncGroup(request: SyncGroupRequest, client: ClientFacts): Promise<SyncGroupResponseInput> {
    const { errorCode, protocolType, protocolName, assignment } = await this.#sync(request, client);
    return { errorCode, protocolType, protocolName, assignment };
  }

  #sync(request: SyncGroupRequest, client: ClientFacts): SyncReply | Promise<SyncReply> {
    const { groupId, memberId, groupInstanceId, generationId: generation, protocolType, protocolName } = request;
    // Mandatory since v5 (KIP-559).
    if (client.apiVersion >= 5 && (protocolType === null || protocolName === null)) return syncError(ErrorCode.InconsistentGroupProtocol);
    const located = this.#groups.locateNamed(groupId);
    if (!located.ok) {
      // The rebalance it belongs to was forgotten in the move. Old clients do not know the loading error, and this
      // one makes all of them join again.
      return syncError(located.error === ErrorCode.CoordinatorLoadInProgress ? ErrorCode.RebalanceInProgress : located.error);
    }
    const group = located.shard.machine.find(groupId);
    if (group === undefined) return syncError(ErrorCode.UnknownMemberId);

    const parked = ticket<SyncReply>();
    const assignments = new Map(request.assignments.map(each => [each.memberId, Buffer.from(each.assignment)]));
    void located.shard.submit(sync(group, { memberId, groupInstanceId, generation, protocolType, protocolName, assignments }, parked.ticket));
    return parked.answered;
  }

  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponseInput> {
    return { errorCode: this.#heartbeat(request) };
  }

  #heartbeat({ groupId, memberId, groupInstanceId, generationId }: HeartbeatRequest): ErrorCode {
    const located = this.#groups.locateNamed(groupId);
    // While loading nobody is to lose its membership over a heartbeat that cannot be checked.
    if (!located.ok) return located.error === ErrorCode.CoordinatorLoadInProgress ? ErrorCode.None : located.error;
    const group = located.shard.machine.find(groupId);
    return group === undefined ? ErrorCode.UnknownMemberId : heartbeat(group, { memberId, groupInstanceId, generation: generationId });
  }

  async leaveGroup(request: LeaveGroupRequest, client: ClientFacts): Promise<LeaveGroupResponseInput> {
    // Before v3 one member leaves, and its error is the answer's.
    const single = client.apiVersion < 3;
    const leaving: LeavingMember[] = single ? [{ memberId: request.memberId, groupInstanceId: null }] : request.members;
    const { errorCode, members } = await this.#leave(request.groupId, leaving);
    if (errorCode !== ErrorCode.None) return { errorCode };
    if (single) return { errorCode: members[0]! };
    return { errorCode, members: leaving.map(({ memberId, groupInstanceId }, i) => ({ memberId, groupInstanceId, errorCode: members[i]! })) };
  }

  #leave(groupId: string, leaving: readonly LeavingMember[]): ReturnType<typeof leave>['reply'] | Promise<ReturnType<typeof leave>['reply']> {
    const located = this.#groups.locateNamed(groupId);
    if (!located.ok) return { errorCode: located.error, members: [] };
    const group = located.shard.machine.find(groupId);
    if (group === undefined) return { errorCode: ErrorCode.None, members: leaving.map(() => ErrorCode.UnknownMemberId) };
    return located.shard.submit(leave(group, leaving));
  }
}

function joinResponse(reply: JoinReply, version: number): JoinGroupResponseInput {
  // Nullable since v7.
  return { ...reply, protocolName: version >= 7 ? reply.protocolName : reply.protocolName ?? '' };
}
