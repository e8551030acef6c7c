import type { Group } from './group.js';
import { NO_BYTES } from './replies.js';

export interface MemberDescription {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly memberMetadata: Uint8Array;
  readonly memberAssignment: Uint8Array;
}

export interface GroupDescription {
  readonly groupState: string;
  readonly protocolType: string;
  readonly protocolData: string;
  readonly members: MemberDescription[];
}

/** A group that nobody knows is as good as dead. */
const UNKNOWN: GroupDescription = { groupState: 'Dead', protocolType: '', protocolData: '', members: [] };

/** Only a stable group has a protocol and shares to show. */
export function describe(group: Group | undefined): GroupDescription {
  if (group === undefined) return UNKNOWN;
  const stable = group.state === 'Stable';
  return {
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: stable ? group.protocolName ?? '' : '',
    members: Array.from(group.members.values(), member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? member.metadataFor(group.protocolName) : NO_BYTES,
      memberAssignment: stable ? member.assignment : NO_BYTES,
    })),
  };
}
