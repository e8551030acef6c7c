import type { Grammar } from '../grammar.js';

interface Answer {
  readonly responses: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[];
}

/** What one broker can be asked: to stay, to go where nobody is, to cancel what is not under way. */
export const alterPartitionReassignments: Grammar = {
  api: 'AlterPartitionReassignments',
  weights: { admin: 4 },
  say(world) {
    const { chance } = world;
    const topics = chance.some(chance.weighted([[1, 6], [2, 2], [0, 1]]), () => ({
      name: world.topicName(),
      partitions: chance.some(chance.weighted([[1, 5], [2, 2]]), () => ({ partitionIndex: world.partition(), replicas: chance.pick<number[] | null>([null, [], [0], [0, 0], [1], [0, 1], [-1], [7, 8]]) })),
    }));
    return { body: { timeoutMs: chance.pick([20_000, 0]), topics }, faithful: true };
  },
  /** The leader epoch that it raises is told behind the answer. */
  rests: ({ responses }: Answer) => (responses.some(({ partitions }) => partitions.some(({ errorCode }) => errorCode === 0)) ? 300 : 0),
  unordered: { responses: ['name'], 'responses.partitions': ['partitionIndex'] },
};
