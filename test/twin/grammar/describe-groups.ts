import type { Grammar } from '../grammar.js';

export const describeGroups: Grammar = {
  api: 'DescribeGroups',
  weights: { groups: 6, offsets: 1 },
  say: world => ({ body: { groups: world.chance.some(world.chance.weighted([[1, 5], [2, 3], [0, 1]]), () => world.groupName()), includeAuthorizedOperations: world.chance.percent(30) } }),
  unordered: { groups: ['groupId'], 'groups.members': ['memberMetadata', 'memberId'] },
};
