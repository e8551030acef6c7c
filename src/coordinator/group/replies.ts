import { ErrorCode } from '../../protocol/errors.js';

// What the state machine answers, before the versions of the wire are looked at.

export interface JoinedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Uint8Array;
}

export interface JoinReply {
  readonly errorCode: ErrorCode;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** For the leader, who plans for everyone; empty for the rest. */
  readonly members: readonly JoinedMember[];
}

export interface SyncReply {
  readonly errorCode: ErrorCode;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Uint8Array;
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);
export const NO_GENERATION = -1;
export const NO_MEMBER_ID = '';

export function joinError(memberId: string, errorCode: ErrorCode): JoinReply {
  return { errorCode, generationId: NO_GENERATION, protocolType: null, protocolName: null, leader: '', skipAssignment: false, memberId, members: [] };
}

export function syncError(errorCode: ErrorCode): SyncReply {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
