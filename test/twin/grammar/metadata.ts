import { ErrorCode } from '../../../src/protocol/errors.js';
import type { Grammar, Settling } from '../grammar.js';
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
    const byId = chance.percent(version >= 12 ? 40 : version >= 10 ? 5 : 0);
    return {
      body: {
        topics: version > 0 && chance.percent(12) ? null : chance.some(chance.weighted([[1, 5], [2, 3], [4, 1], [0, 1]]), () => byId
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
  /** A topic that is made by being asked for is there a little later. */
  settles({ topics }: { topics: readonly { readonly name: string | null; readonly errorCode: number }[] }): Settling | undefined {
    const late = topics.filter(({ errorCode, name }) => errorCode === ErrorCode.LeaderNotAvailable && name !== null).map(({ name }) => ({ name, topicId: ZERO_ID }));
    return late.length === 0 ? undefined : whenThere(late);
  },
  /** All topics are told where all are asked for, those of other conversations among them. */
  within: (answer: Answer, prefix: string) => ({ ...answer, topics: answer.topics.filter(({ name }) => name === null || name.startsWith(prefix) || !OTHERS.test(name)) }),
  unordered: { topics: ['name', 'errorCode'], 'topics.partitions': ['partitionIndex'], brokers: ['nodeId'] },
};

/** Nobody else's connection. */
const ASKING = 97;

/** Asked until all of them have leaders. */
export function whenThere(topics: readonly object[]): Settling {
  return {
    ask: { api: 'Metadata', version: 12, connection: ASKING, clientId: 'twin', body: { topics, allowAutoTopicCreation: false } },
    over: (answer: { topics: readonly { readonly errorCode: number; readonly partitions: readonly { readonly errorCode: number }[] }[] }) =>
      answer.topics.every(({ errorCode, partitions }) => errorCode === ErrorCode.None && partitions.every(each => each.errorCode === ErrorCode.None)),
  };
}

/** How conversations' names begin (twin.ts), and what Kafka makes for transactions. */
const OTHERS = /^w\d+-\d+-|^__transaction_state$/;

/** Topics are called by the conversation's prefix, `t`, and their number. */
export function learnTopics(answer: Answer, bindings: Bindings): void {
  for (const { name, topicId } of answer.topics) {
    const number = name?.startsWith(`${bindings.prefix}t`) === true ? name.slice(bindings.prefix.length + 1) : '';
    if (/^\d+$/.test(number) && topicId !== undefined && topicId !== ZERO_ID) bindings.bind(`topicId:${number}`, topicId);
  }
}
