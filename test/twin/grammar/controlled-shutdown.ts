import type { Grammar } from '../grammar.js';

/** Of brokers that are not there. Of the one that is, only in an epoch long over: it would really be shut down. */
export const controlledShutdown: Grammar = {
  api: 'ControlledShutdown',
  weights: { cluster: 3 },
  say({ chance }, version) {
    const stranger = version < 2 || chance.percent(60);
    return { body: stranger ? { brokerId: chance.pick([7, -1, 2147483647]), brokerEpoch: chance.pick([-1, 0, 1]) } : { brokerId: 0, brokerEpoch: chance.pick([0, 1, -2]) }, faithful: true };
  },
  unordered: { remainingPartitions: ['topicName', 'partitionIndex'] },
};
