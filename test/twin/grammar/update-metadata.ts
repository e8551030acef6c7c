import type { Grammar } from '../grammar.js';
import { ref } from '../symbols.js';
import { controllerWords, toldTopic } from './from-a-controller.js';

export const updateMetadata: Grammar = {
  api: 'UpdateMetadata',
  weights: { cluster: 4 },
  say(world) {
    const topic = toldTopic(world);
    const state = {
      topicName: topic.topicName, partitionIndex: 0, controllerEpoch: 0, leader: 0, leaderEpoch: 0, isr: [0], zkVersion: 0, replicas: [0], offlineReplicas: [],
    };
    return {
      body: {
        ...controllerWords(world), isKRaftController: false, type: 1,
        ungroupedPartitionStates: [state], topicStates: [{ ...topic, partitionStates: [state] }],
        liveBrokers: [{
          id: 0, v0Host: '127.0.0.1', v0Port: ref('port', 0), rack: null,
          endpoints: [{ port: ref('port', 0), host: '127.0.0.1', listener: 'PLAINTEXT', securityProtocol: 0 }],
        }],
      },
      faithful: true,
    };
  },
};
