import type { Grammar } from '../grammar.js';

/** Mostly not needed: one broker leads everything. Never of all partitions, others' conversations are among them. */
export const electLeaders: Grammar = {
  api: 'ElectLeaders',
  weights: { admin: 3, cluster: 3 },
  say(world) {
    const { chance } = world;
    const topicPartitions = chance.some(chance.weighted([[1, 6], [2, 2]]), () => ({ topic: world.topicName(), partitions: chance.some(chance.weighted([[1, 5], [2, 2], [0, 1]]), () => world.partition()) }));
    return { body: { electionType: chance.weighted([[0, 5], [1, 3], [2, 1]]), topicPartitions, timeoutMs: chance.pick([20_000, 0]) } };
  },
  unordered: { replicaElectionResults: ['topic'], 'replicaElectionResults.partitionResult': ['partitionId'] },
};
