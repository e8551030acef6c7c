import type { Grammar } from '../grammar.js';

export const deleteGroups: Grammar = {
  api: 'DeleteGroups',
  weights: { groups: 2, offsets: 2 },
  say: world => ({ body: { groupsNames: world.chance.some(world.chance.weighted([[1, 5], [2, 2]]), () => world.groupName()) } }),
  unordered: { results: ['groupId'] },
};
