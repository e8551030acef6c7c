import { invariant } from '../../base/invariant.js';
import { comesFirst } from '../../base/java-hash.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { Alarm } from '../runtime/alarm.js';
import type { GroupEnvironment, JoinTicket } from './environment.js';
import type { Member, MemberProtocol } from './member.js';
import { OffsetTable } from './offset-table.js';
import type { SavedGroup } from './records.js';
import { joinError, syncError } from './replies.js';
import type { JoinedMember, JoinReply } from './replies.js';
import { ENTERED_FROM } from './states.js';
import type { GroupState } from './states.js';
import { subscribedTopics } from './subscription.js';

/**
 * One group: its offsets, its members, and how far they are with sharing the work. What must survive a restart is
 * `offsets` and `saved`, and only apply() of a committed record changes those. The rest lives and dies with the leader
 * of the partition, and requests change it directly. The requests themselves are in join.ts, sync.ts and so on.
 */
export class Group {
  readonly id: string;
  readonly environment: GroupEnvironment;
  readonly offsets = new OffsetTable();
  /** The last generation the log knows of. */
  saved: SavedGroup | null = null;

  state: GroupState = 'Empty';
  /** Wall clock of the last change of state; -1 if it was loaded from a record too old to tell. */
  stateSince: number;
  protocolType: string | null = null;
  protocolName: string | null = null;
  generation = 0;
  leaderId: string | null = null;
  readonly members = new Map<string, Member>();
  /** Group instance id to member id (KIP-345). */
  readonly staticMembers = new Map<string, string>();
  /** Ids given out with MEMBER_ID_REQUIRED that have not joined yet, each with its expiry (KIP-394). */
  readonly pending = new Map<string, Alarm>();
  /** Members of this generation that have not asked for their share yet. */
  readonly pendingSync = new Set<string>();
  /** What the members of a consumer group subscribe to; null when nobody can tell. */
  subscribed: ReadonlySet<string> | null = null;

  joinAlarm: Alarm | null = null;
  syncAlarm: Alarm | null = null;
  /** While a group that was empty collects its first members; see rebalance.ts. */
  gathering: { readonly delay: number; readonly remaining: number } | null = null;
  newMemberWhileGathering = false;
  /** The leader's plan for this generation is on its way to the log. */
  planInFlight = false;
  #awaitingJoin = 0;
  /** How many members support each protocol. */
  readonly #supporters = new Map<string, number>();

  constructor(id: string, environment: GroupEnvironment) {
    this.id = id;
    this.environment = environment;
    this.stateSince = environment.now;
  }

  enter(state: GroupState): void {
    invariant(ENTERED_FROM[state].includes(this.state), `group ${this.id} cannot go from ${this.state} to ${state}`);
    this.state = state;
    this.stateSince = this.environment.now;
  }

  get canRebalance(): boolean {
    return ENTERED_FROM.PreparingRebalance.includes(this.state);
  }

  get isConsumerGroup(): boolean {
    return this.protocolType === 'consumer';
  }

  /** Members whose join is parked. */
  get awaitingJoin(): number {
    return this.#awaitingJoin;
  }

  get allJoined(): boolean {
    return this.#awaitingJoin === this.members.size && this.pending.size === 0;
  }

  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs);
    return longest;
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId;
  }

  /** Is this caller who it says it is? Order as in validateCurrentMember (GroupCoordinator.scala). */
  refusalFor(memberId: string, groupInstanceId: string | null): ErrorCode {
    if (this.state === 'Dead') return ErrorCode.CoordinatorNotAvailable;
    if (groupInstanceId !== null) {
      const current = this.staticMembers.get(groupInstanceId);
      if (current === undefined) return ErrorCode.UnknownMemberId;
      if (current !== memberId) return ErrorCode.FencedInstanceId;
    }
    return this.members.has(memberId) ? ErrorCode.None : ErrorCode.UnknownMemberId;
  }

  add(member: Member, protocolType: string): void {
    const { memberId, groupInstanceId } = member;
    invariant(!this.members.has(memberId), `member ${memberId} is in group ${this.id} already`);
    if (groupInstanceId !== null) {
      invariant(!this.staticMembers.has(groupInstanceId), `instance ${groupInstanceId} is in group ${this.id} already`);
      this.staticMembers.set(groupInstanceId, memberId);
    }
    if (this.members.size === 0) this.protocolType = protocolType;
    this.leaderId ??= memberId;
    this.members.set(memberId, member);
    this.#countSupport(member, 1);
    this.removePending(memberId);
  }

  /** Whoever still waits for an answer must have had it. Also forgets a pending member of that id. */
  remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) {
      if (member.awaitsJoin) this.answerJoin(member, joinError(memberId, ErrorCode.UnknownMemberId));
      member.answerSync(syncError(ErrorCode.UnknownMemberId));
      member.session.clear();
      this.#countSupport(member, -1);
      this.members.delete(memberId);
      if (member.groupInstanceId !== null) this.staticMembers.delete(member.groupInstanceId);
    }
    if (this.isLeader(memberId)) this.leaderId = this.members.keys().next().value ?? null;
    this.removePending(memberId);
    this.pendingSync.delete(memberId);
  }

  removePending(memberId: string): void {
    this.pending.get(memberId)?.clear();
    this.pending.delete(memberId);
  }

  update(member: Member, protocols: readonly MemberProtocol[], rebalanceTimeoutMs: number, sessionTimeoutMs: number): void {
    this.#countSupport(member, -1);
    member.protocols = protocols;
    this.#countSupport(member, 1);
    member.rebalanceTimeoutMs = rebalanceTimeoutMs;
    member.sessionTimeoutMs = sessionTimeoutMs;
  }

  /** A static member comes back under a new id. Whoever still uses the old one is told that it has been replaced. */
  rename(member: Member, memberId: string): void {
    const old = member.memberId;
    this.answerJoin(member, joinError(old, ErrorCode.FencedInstanceId));
    member.answerSync(syncError(ErrorCode.FencedInstanceId));
    member.memberId = memberId;
    this.members.delete(old);
    this.members.set(memberId, member);
    this.staticMembers.set(member.groupInstanceId!, memberId);
    if (this.isLeader(old)) this.leaderId = memberId;
    if (this.pendingSync.delete(old)) this.pendingSync.add(memberId);
  }

  parkJoin(member: Member, ticket: JoinTicket): void {
    if (!member.awaitsJoin) this.#awaitingJoin++;
    member.parkJoin(ticket);
  }

  answerJoin(member: Member, reply: JoinReply): void {
    if (member.answerJoin(reply)) this.#awaitingJoin--;
  }

  /** Would a member with these protocols have at least one in common with everybody? */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0;
    return this.protocolType === protocolType && protocols.some(({ name }) => (this.#supporters.get(name) ?? 0) === this.members.size);
  }

  /**
   * Most votes among what all members support; each votes for the first of its own list. Of as many votes it is what
   * comes first in Kafka's map of them, whoever came first here.
   */
  selectProtocol(): string | null {
    const candidates = new Set<string>();
    for (const [name, supporters] of this.#supporters) if (supporters === this.members.size) candidates.add(name);
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const vote = member.vote(candidates);
      if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1);
    }
    let chosen: string | null = null;
    for (const [name, count] of votes) {
      const most = chosen === null ? 0 : votes.get(chosen)!;
      if (count > most || (count === most && comesFirst(name, chosen!))) chosen = name;
    }
    return chosen;
  }

  nextGeneration(): void {
    this.generation++;
    this.protocolName = this.members.size === 0 ? null : this.selectProtocol();
    this.subscribed = subscribedTopics(this);
    this.planInFlight = false;
    this.pendingSync.clear();
    this.enter(this.members.size === 0 ? 'Empty' : 'CompletingRebalance');
  }

  membersForLeader(): JoinedMember[] {
    return Array.from(this.members.values(), member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: member.metadataFor(this.protocolName),
    }));
  }

  /** The join reply of this generation, as `memberId` is to see it. */
  joined(memberId: string): JoinReply {
    return {
      errorCode: ErrorCode.None,
      generationId: this.generation,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leader: this.leaderId ?? '',
      skipAssignment: false,
      memberId,
      members: this.isLeader(memberId) ? this.membersForLeader() : [],
    };
  }

  /** This generation as it goes into the log, with the shares that `assignmentOf` gives. */
  snapshot(assignmentOf: (member: Member) => Uint8Array): SavedGroup {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generation,
      protocol: this.protocolName,
      leader: this.leaderId,
      currentStateTimestamp: this.stateSince,
      members: Array.from(this.members.values(), member => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadataFor(this.protocolName),
        assignment: assignmentOf(member),
      })),
    };
  }

  #countSupport(member: Member, change: 1 | -1): void {
    for (const name of new Set(member.protocols.map(protocol => protocol.name))) {
      const supporters = (this.#supporters.get(name) ?? 0) + change;
      if (supporters === 0) this.#supporters.delete(name);
      else this.#supporters.set(name, supporters);
    }
  }
}
