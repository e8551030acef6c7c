import type { Grammar } from '../grammar.js';
import { nameOf } from '../world.js';

export const offsetForLeaderEpoch: Grammar = {
  api: 'OffsetForLeaderEpoch',
  weights: { reading: 6, records: 2 },
  say(world) {
    const { chance } = world;
    return {
      body: {
        replicaId: chance.weighted([[-1, 8], [-2, 1], [0, 1], [5, 1]]),
        topics: chance.some(chance.weighted([[1, 4], [2, 1]]), () => {
          const topic = world.liveTopic() ?? world.anyTopic();
          return {
            topic: chance.percent(90) ? nameOf(topic) : world.topicName(),
            partitions: chance.some(chance.between(1, 2), () => ({
              partition: world.partition(topic), currentLeaderEpoch: world.leaderEpoch(), leaderEpoch: chance.weighted([[0, 6], [1, 2], [-1, 2], [-2, 2], [-2147483648, 1], [2147483647, 1]]),
            })),
          };
        }),
      },
    };
  },
  unordered: { topics: ['topic'], 'topics.partitions': ['partition'] },
};
