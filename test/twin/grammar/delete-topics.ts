import { ErrorCode } from '../../../src/protocol/errors.js';
import type { Grammar, Settling } from '../grammar.js';
import { idOf, nameOf, ZERO_ID, type World } from '../world.js';

interface Answer {
  readonly responses: readonly { readonly name: string | null; readonly errorCode: number }[];
}

/** Nobody else speaks on it. */
const ASKING = 98;

export const deleteTopics: Grammar = {
  api: 'DeleteTopics',
  weights: { admin: 5, reading: 1, configs: 1, offsets: 1 },
  say(world, version) {
    const { chance } = world;
    const known = chance.percent(70);
    const asked = chance.some(chance.weighted([[1, 6], [2, 2], [0, known ? 0 : 1]]), () => named(world, version, known));
    const topics = chance.percent(8) ? asked.concat(asked) : asked;
    return { body: { topics, topicNames: topics.map(({ topicNames }) => topicNames), timeoutMs: chance.weighted([[20_000, 12], [0, 1], [-1, 1]]) }, faithful: known };
  },
  /** A topic that has left a broker's metadata is marked for deletion a while longer, and cannot be made meanwhile. */
  settles({ responses }: Answer): Settling | undefined {
    const names = new Set(responses.flatMap(({ name, errorCode }) => (name !== null && (errorCode === ErrorCode.None || errorCode === ErrorCode.RequestTimedOut) ? [name] : [])));
    if (names.size === 0) return undefined;
    return {
      ask: {
        api: 'CreateTopics', version: 5, connection: ASKING, clientId: 'twin',
        body: { topics: [...names].map(name => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] })), timeoutMs: 0, validateOnly: true },
      },
      over: ({ topics }: { topics: readonly { readonly errorCode: number }[] }) => topics.every(({ errorCode }) => errorCode !== ErrorCode.TopicAlreadyExists),
    };
  },
  unordered: { responses: ['name', 'topicId', 'errorCode'] },
};

function named(world: World, version: number, known: boolean): { name: string | null; topicId: string; topicNames: string } {
  const { chance } = world;
  const topic = world.anyTopic();
  if (known) topic.exists = false;
  const name = known ? nameOf(topic) : world.topicName();
  if (version < 6 || chance.percent(60)) return { name, topicId: ZERO_ID, topicNames: name };
  return { name: known || chance.percent(80) ? null : name, topicId: known ? idOf(topic) : world.topicId(), topicNames: name };
}
