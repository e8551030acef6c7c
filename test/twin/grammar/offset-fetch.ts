import type { Grammar } from '../grammar.js';
import type { World } from '../world.js';

export const offsetFetch: Grammar = {
  api: 'OffsetFetch',
  weights: { offsets: 14, groups: 3 },
  say(world) {
    const { chance } = world;
    return {
      body: {
        groupId: world.groupName(),
        topics: topics(world),
        groups: chance.some(chance.weighted([[1, 5], [2, 2], [0, 1]]), () => ({
          groupId: world.groupName(), memberId: chance.pick([null, '', 'x']), memberEpoch: chance.pick([-1, 0]), topics: topics(world),
        })),
        requireStable: chance.percent(30),
      },
    };
  },
  unordered: {
    topics: ['name'], 'topics.partitions': ['partitionIndex'],
    groups: ['groupId'], 'groups.topics': ['name'], 'groups.topics.partitions': ['partitionIndex'],
  },
};

function topics(world: World): object[] | null {
  const { chance } = world;
  if (chance.percent(20)) return null;
  return chance.some(chance.weighted([[1, 5], [2, 2], [0, 1]]), () => ({ name: world.topicName(), partitionIndexes: chance.some(chance.between(1, 3), () => world.partition()) }));
}
