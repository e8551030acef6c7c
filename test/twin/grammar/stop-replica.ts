import type { Grammar } from '../grammar.js';
import { controllerWords, toldTopic } from './from-a-controller.js';

export const stopReplica: Grammar = {
  api: 'StopReplica',
  weights: { cluster: 4 },
  say(world) {
    const { chance } = world;
    const { topicName } = toldTopic(world);
    const deletePartition = chance.percent(20);
    return {
      body: {
        ...controllerWords(world), isKRaftController: false, deletePartitions: deletePartition,
        ungroupedPartitions: [{ topicName, partitionIndex: 0 }], topics: [{ name: topicName, partitionIndexes: [0] }],
        topicStates: [{ topicName, partitionStates: [{ partitionIndex: chance.pick([0, 7]), leaderEpoch: chance.pick([-1, 0]), deletePartition }] }],
      },
      faithful: true,
    };
  },
  unordered: { partitionErrors: ['topicName', 'partitionIndex'] },
};
