import type { Grammar } from '../grammar.js';
import { toldTopic } from './from-a-controller.js';

/** Said by leaders alone. Nobody says it here with the broker's real epoch: it would be believed. */
export const alterPartition: Grammar = {
  api: 'AlterPartition',
  weights: { cluster: 4 },
  say(world) {
    const { chance } = world;
    const told = toldTopic(world);
    return {
      body: {
        brokerId: chance.weighted([[0, 6], [1, 1], [-1, 1]]), brokerEpoch: chance.pick([-1, 0, 1]),
        topics: [{
          ...told,
          partitions: [{ partitionIndex: chance.pick([0, 7]), leaderEpoch: chance.pick([0, 1, -1]), newIsr: [0], newIsrWithEpochs: [{ brokerId: 0, brokerEpoch: -1 }], leaderRecoveryState: chance.pick([0, 1]), partitionEpoch: chance.pick([0, 1]) }],
        }],
      },
      faithful: true,
    };
  },
  unordered: { topics: ['topicName', 'topicId'] },
};
