import type { Grammar } from '../grammar.js';
import { memberIdOf } from '../world.js';
import { wordsOf } from './generation.js';

export const syncGroup: Grammar = {
  api: 'SyncGroup',
  weights: { groups: 14, offsets: 2 },
  say(world) {
    const { chance } = world;
    // Its generation is the group's only if it is one who was there last; the leader is who came first.
    const member = chance.percent(40) ? world.members.find(({ group }) => group === 0) ?? world.member() : world.member();
    const others = world.members.filter(({ group }) => group === member?.group);
    return {
      body: {
        ...wordsOf(world, member),
        protocolType: chance.weighted([['consumer', 10], [null, 3], ['connect', 1]]),
        protocolName: chance.weighted([['range', 10], ['roundrobin', 2], [null, 3], ['sticky', 1]]),
        assignments: chance.percent(70) ? others.map(other => ({ memberId: memberIdOf(other), assignment: Buffer.from(`for ${other.n}`) })) : [],
      },
      ...(member === undefined ? {} : { connection: 10 + member.n }), pending: chance.percent(50),
    };
  },
};
