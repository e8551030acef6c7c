import type { Grammar } from '../grammar.js';

export const offsetDelete: Grammar = {
  api: 'OffsetDelete',
  weights: { offsets: 5, groups: 1 },
  say(world) {
    const { chance } = world;
    return {
      body: {
        groupId: world.groupName(),
        topics: chance.some(chance.weighted([[1, 5], [2, 1], [0, 1]]), () => ({
          name: world.topicName(), partitions: chance.some(chance.between(1, 2), () => ({ partitionIndex: world.partition() })),
        })),
      },
    };
  },
  unordered: { topics: ['name'], 'topics.partitions': ['partitionIndex'] },
};
