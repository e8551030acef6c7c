import type { Grammar } from '../grammar.js';
import { controllerWords, toldTopic } from './from-a-controller.js';

export const leaderAndIsr: Grammar = {
  api: 'LeaderAndIsr',
  weights: { cluster: 4 },
  say(world) {
    const { chance } = world;
    const words = controllerWords(world);
    const topic = toldTopic(world);
    const state = {
      topicName: topic.topicName, partitionIndex: 0, controllerEpoch: 0, leader: 0, leaderEpoch: chance.pick([0, -1]),
      isr: [0], partitionEpoch: 0, replicas: [0], addingReplicas: [], removingReplicas: [], isNew: false, leaderRecoveryState: 0,
    };
    return {
      body: {
        ...words, isKRaftController: false, type: chance.pick([0, 1, 2]), liveLeaders: [],
        ungroupedPartitionStates: [state], topicStates: [{ ...topic, partitionStates: [state] }],
      },
      faithful: true,
    };
  },
  unordered: { topics: ['topicId'], 'topics.partitionErrors': ['partitionIndex'], partitionErrors: ['topicName', 'partitionIndex'] },
};
