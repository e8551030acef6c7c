import type { Grammar } from '../grammar.js';
import { EPOCH_TIME, nameOf } from '../world.js';

export const listOffsets: Grammar = {
  api: 'ListOffsets',
  weights: { records: 6, reading: 12, producers: 2 },
  say(world) {
    const { chance } = world;
    return {
      body: {
        replicaId: chance.weighted([[-1, 20], [-2, 2], [-3, 1], [0, 1], [5, 1]]),
        isolationLevel: chance.weighted([[0, 8], [1, 8], [2, 1]]),
        topics: chance.some(chance.weighted([[1, 4], [2, 1]]), () => {
          const topic = world.liveTopic() ?? world.anyTopic();
          return {
            name: chance.percent(92) ? nameOf(topic) : world.topicName(),
            partitions: chance.some(chance.weighted([[1, 4], [2, 2]]), () => ({
              partitionIndex: world.partition(topic),
              currentLeaderEpoch: world.leaderEpoch(),
              timestamp: chance.weighted([[-1, 4], [-2, 3], [-3, 3], [-4, 1], [-5, 1], [-6, 1], [EPOCH_TIME + chance.int(40), 6], [0, 1], [4_000_000_000_000, 1]]),
              maxNumOffsets: chance.pick([1, 0, 2, 100, -1]),
            })),
          };
        }),
      },
    };
  },
  unordered: { topics: ['name'], 'topics.partitions': ['partitionIndex'] },
};
