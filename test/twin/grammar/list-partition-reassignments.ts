import type { Grammar } from '../grammar.js';

export const listPartitionReassignments: Grammar = {
  api: 'ListPartitionReassignments',
  weights: { admin: 3, cluster: 1 },
  say(world) {
    const { chance } = world;
    const topics = chance.percent(20) ? null : chance.some(chance.weighted([[1, 6], [2, 2], [0, 1]]), () => ({ name: world.topicName(), partitionIndexes: [world.partition()] }));
    return { body: { timeoutMs: 20_000, topics } };
  },
  unordered: { topics: ['name'], 'topics.partitions': ['partitionIndex'] },
};
