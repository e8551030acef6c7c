import type { Grammar } from '../grammar.js';
import { ref } from '../symbols.js';
import { memberIdOf } from '../world.js';

export const leaveGroup: Grammar = {
  api: 'LeaveGroup',
  weights: { groups: 5 },
  say(world) {
    const { chance } = world;
    const member = world.member();
    const members = chance.some(chance.weighted([[1, 8], [2, 2], [0, 1]]), () => {
      const leaving = world.member(member?.group);
      return {
        memberId: leaving === undefined || chance.percent(15) ? chance.pick(['', 'stranger']) : memberIdOf(leaving),
        groupInstanceId: chance.percent(80) ? leaving?.instance ?? null : chance.pick([null, 'instance0', 'instance9']),
        reason: chance.pick([null, 'bye']),
      };
    });
    return {
      body: {
        groupId: member === undefined ? world.groupName() : ref(`group:${member.group}`, ''),
        memberId: member === undefined ? 'stranger' : memberIdOf(member), members,
      },
    };
  },
};
