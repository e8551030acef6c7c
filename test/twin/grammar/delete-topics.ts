import type { Grammar } from '../grammar.js';
import { idOf, nameOf, ZERO_ID } from '../world.js';

export const deleteTopics: Grammar = {
  api: 'DeleteTopics',
  weights: { admin: 5, reading: 1, configs: 1, offsets: 1 },
  say(world) {
    const { chance } = world;
    const topic = world.anyTopic();
    const known = chance.percent(70);
    if (known) topic.exists = false;
    const byId = chance.percent(40);
    const name = known ? nameOf(topic) : world.topicName();
    const topics = [byId ? { name: chance.percent(90) ? null : name, topicId: known ? idOf(topic) : world.topicId() } : { name, topicId: ZERO_ID }];
    return { body: { topics, topicNames: [name], timeoutMs: 20_000 }, faithful: known };
  },
  unordered: { responses: ['name', 'errorCode'] },
};
