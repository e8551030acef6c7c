import type { Grammar } from '../grammar.js';
import type { Bindings } from '../symbols.js';
import { idOf, ZERO_ID } from '../world.js';

interface Answer {
  readonly topics: readonly { readonly name: string | null; readonly topicId: string }[];
}

export const metadata: Grammar = {
  api: 'Metadata',
  weights: { admin: 8, cluster: 10, reading: 1 },
  say(world, version) {
    const { chance } = world;
    const byId = version >= 12 && chance.percent(40);
    return {
      body: {
        topics: chance.some(chance.weighted([[1, 5], [2, 3], [0, version === 0 ? 0 : 1]]), () => byId
          ? { topicId: chance.percent(80) ? idOf(world.anyTopic()) : world.topicId(), name: chance.percent(80) ? null : world.topicName() }
          : { topicId: ZERO_ID, name: chance.percent(98) ? world.topicName() : '__consumer_offsets' }),
        allowAutoTopicCreation: chance.percent(10),
        includeClusterAuthorizedOperations: chance.percent(40),
        includeTopicAuthorizedOperations: chance.percent(40),
      },
      binds: 'topics',
    };
  },
  learn: learnTopics,
  /** All topics are told where all are asked for, those of other conversations among them. */
  within: (answer: Answer, prefix: string) => ({ ...answer, topics: answer.topics.filter(({ name }) => !OTHERS.test(name ?? '') || name!.startsWith(prefix)) }),
  unordered: { topics: ['name', 'errorCode'], 'topics.partitions': ['partitionIndex'], brokers: ['nodeId'] },
};

/** How conversations' names begin (twin.ts). */
const OTHERS = /^w\d+-\d+-/;

/** Topics are called by the conversation's prefix, `t`, and their number. */
export function learnTopics(answer: Answer, bindings: Bindings): void {
  for (const { name, topicId } of answer.topics) {
    const number = name?.startsWith(`${bindings.prefix}t`) === true ? name.slice(bindings.prefix.length + 1) : '';
    if (/^\d+$/.test(number) && topicId !== undefined && topicId !== ZERO_ID) bindings.bind(`topicId:${number}`, topicId);
  }
}
