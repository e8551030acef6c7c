import type { Alarm } from '../runtime/alarm.js';
import type { JoinTicket, SyncTicket } from './environment.js';
import type { JoinReply, SyncReply } from './replies.js';
import { NO_BYTES, syncError, joinError } from './replies.js';
import { ErrorCode } from '../../protocol/errors.js';

/** One way of sharing work that a member can follow, the most wanted first in its list. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface MemberFacts {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly MemberProtocol[];
}

/** A member of a group: who it is, what it supports, its share of the work, and the request it waits with, if any. */
export class Member {
  /** Changes only when a static member comes back under a new id. */
  memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  protocols: readonly MemberProtocol[];
  assignment: Uint8Array = NO_BYTES;
  /** Until its first join is answered. It cannot heartbeat before it knows its id. */
  isNew = false;
  readonly session: Alarm;
  #join: JoinTicket | null = null;
  #sync: SyncTicket | null = null;

  constructor(facts: MemberFacts, session: Alarm) {
    this.memberId = facts.memberId;
    this.groupInstanceId = facts.groupInstanceId;
    this.clientId = facts.clientId;
    this.clientHost = facts.clientHost;
    this.rebalanceTimeoutMs = facts.rebalanceTimeoutMs;
    this.sessionTimeoutMs = facts.sessionTimeoutMs;
    this.protocols = facts.protocols;
    this.session = session;
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null;
  }

  get awaitsJoin(): boolean {
    return this.#join !== null;
  }

  get awaitsSync(): boolean {
    return this.#sync !== null;
  }

  /**
   * Whoever waits for the others need not heartbeat: its socket is busy with the request. New members are watched
   * even so, or clients that gave up and retried under a new id would keep the group waiting.
   */
  get excusedFromHeartbeat(): boolean {
    return !this.isNew && (this.awaitsJoin || this.awaitsSync);
  }

  // A client that repeats its request has given the earlier one up. Kafka forgets that one unanswered; here it gets an
  // answer, so that nothing stays parked for ever.

  parkJoin(ticket: JoinTicket): void {
    this.#join?.answer(joinError(this.memberId, ErrorCode.RebalanceInProgress));
    this.#join = ticket;
  }

  parkSync(ticket: SyncTicket): void {
    this.#sync?.answer(syncError(ErrorCode.RebalanceInProgress));
    this.#sync = ticket;
  }

  /** False when it was not waiting. */
  answerJoin(reply: JoinReply): boolean {
    const ticket = this.#join;
    this.#join = null;
    ticket?.answer(reply);
    return ticket !== null;
  }

  answerSync(reply: SyncReply): boolean {
    const ticket = this.#sync;
    this.#sync = null;
    ticket?.answer(reply);
    return ticket !== null;
  }

  metadataFor(protocol: string | null): Uint8Array {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? NO_BYTES;
  }

  /** The first protocol of its own list that everybody could follow. */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name;
  }

  matches(protocols: readonly MemberProtocol[]): boolean {
    return protocols.length === this.protocols.length
      && protocols.every(({ name, metadata }, i) => name === this.protocols[i]!.name && Buffer.compare(metadata, this.protocols[i]!.metadata) === 0);
  }
}
