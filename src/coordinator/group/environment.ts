import type { Logger } from '../../base/logger.js';
import type { Alarm } from '../runtime/alarm.js';
import type { Decision, Ticket } from '../runtime/decision.js';
import type { GroupRecord } from './records.js';
import type { JoinReply, SyncReply } from './replies.js';

export interface GroupLimits {
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly maxSize: number;
  readonly initialRebalanceDelayMs: number;
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionMs: number;
}

/** What surrounds the state machines of one coordinator. */
export interface GroupEnvironment {
  readonly limits: GroupLimits;
  readonly logger: Logger;
  /** Wall clock of the event being decided; stands still within it. */
  readonly now: number;
  /** A fresh UUID, for member ids. */
  newId(): string;
  /** `ring` decides; the runtime appends what it decides. */
  alarm(ring: () => GroupDecision<void>): Alarm;
}

export type GroupDecision<Reply> = Decision<GroupRecord, Reply>;
export type JoinTicket = Ticket<JoinReply>;
export type SyncTicket = Ticket<SyncReply>;
