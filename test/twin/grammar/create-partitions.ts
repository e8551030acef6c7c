import type { Grammar } from '../grammar.js';
import { nameOf } from '../world.js';

export const createPartitions: Grammar = {
  api: 'CreatePartitions',
  readsOwnWrites: () => true,
  weights: { admin: 6, reading: 1 },
  say(world) {
    const { chance } = world;
    const topic = world.liveTopic() ?? world.anyTopic();
    const validateOnly = chance.percent(20);
    const grows = chance.percent(50);
    const count = topic.partitions + 1;
    if (grows && !validateOnly) {
      if (topic.partitions < 5) topic.partitions++;
      return { body: { topics: [{ name: nameOf(topic), count, assignments: null }], timeoutMs: 20_000, validateOnly }, faithful: true };
    }
    return {
      body: {
        topics: chance.some(chance.weighted([[1, 5], [2, 1]]), () => ({
          name: world.topicName(),
          count: chance.pick([0, -1, 1, 2, 3]),
          assignments: chance.percent(50) ? null : chance.some(chance.int(3), () => ({ brokerIds: chance.pick([[0], [], [0, 0], [1], [0, 1]]) })),
        })),
        timeoutMs: chance.pick([20_000, 0]), validateOnly: true,
      },
    };
  },
  unordered: { results: ['name'] },
};
