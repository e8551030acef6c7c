import type { Grammar, Said } from '../grammar.js';
import { ref } from '../symbols.js';
import { idOf, nameOf, type TopicInWorld, type World, ZERO_ID } from '../world.js';
import { controllerWords, toldTopic } from './from-a-controller.js';

export const leaderAndIsr: Grammar = {
  api: 'LeaderAndIsr',
  weights: { cluster: 6, reading: 1, records: 1 },
  say(world) {
    const { chance } = world;
    const live = world.liveTopic();
    if (live !== undefined && chance.percent(50)) return newEpoch(world, live);
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

/** The leader of a topic of the conversation goes on leading, in an epoch that is newer, or known, or old. */
function newEpoch(world: World, topic: TopicInWorld): Said {
  const { chance } = world;
  const partitionStates = chance.some(chance.weighted([[1, 5], [2, 2]]), () => ({
    topicName: nameOf(topic), partitionIndex: chance.int(topic.partitions), controllerEpoch: 1, leader: 0, leaderEpoch: chance.pick([0, 1, 1, 2, 3, -1]),
    isr: [0], partitionEpoch: chance.pick([0, 1, 5]), replicas: [0], addingReplicas: [], removingReplicas: [], isNew: false, leaderRecoveryState: 0,
  }));
  return {
    body: {
      controllerId: 0, controllerEpoch: ref('controllerEpoch', 0), brokerEpoch: -1, isKRaftController: false, type: 0, liveLeaders: [],
      ungroupedPartitionStates: partitionStates, topicStates: [{ topicName: nameOf(topic), topicId: chance.percent(90) ? idOf(topic) : ZERO_ID, partitionStates }],
    },
    faithful: true,
  };
}
