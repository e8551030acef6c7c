import type { Grammar } from '../grammar.js';

export const findCoordinator: Grammar = {
  api: 'FindCoordinator',
  weights: { groups: 3, offsets: 2, cluster: 3 },
  say(world) {
    const { chance } = world;
    return {
      body: {
        key: world.groupName(), keyType: chance.weighted([[0, 12], [2, 1], [3, 1], [-1, 1]]),
        coordinatorKeys: chance.some(chance.weighted([[1, 5], [2, 2], [0, 1]]), () => world.groupName()),
      },
    };
  },
  unordered: { coordinators: ['key'] },
};
