// What requests of members have in common.

import { ref } from '../symbols.js';
import { memberIdOf, type MemberInWorld, type World } from '../world.js';

export interface MemberWords {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** As the member would say it, most of the time. */
export function wordsOf(world: World, member: MemberInWorld | undefined): MemberWords {
  const { chance } = world;
  if (member === undefined) return { groupId: world.groupName(), generationId: chance.pick([-1, 0, 1]), memberId: chance.pick(['', 'stranger']), groupInstanceId: null };
  return {
    groupId: chance.percent(96) ? ref(`group:${member.group}`, '') : world.groupName(),
    generationId: chance.weighted([[ref(`generation:${member.n}`, 1), 12], [0, 1], [-1, 1], [2, 1]]),
    memberId: chance.weighted([[memberIdOf(member), 14], ['', 1], ['stranger', 1]]),
    groupInstanceId: chance.weighted([[member.instance, 12], [null, 1], ['instance0', 1]]),
  };
}
