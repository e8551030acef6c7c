import type { Bindings } from '../symbols.js';
import type { Grammar, Said } from '../grammar.js';
import { ref } from '../symbols.js';
import { ASSIGNED_REPLICA, idOf, nameOf, STRANGE_ID, type SessionInWorld, type TopicInWorld, type World } from '../world.js';

interface Answer {
  readonly responses: readonly { readonly topic: string; readonly topicId: string; readonly partitions: readonly object[] }[];
}

export const fetch: Grammar = {
  api: 'Fetch',
  weights: { records: 8, reading: 40, configs: 2 },
  say(world, version) {
    const { chance } = world;
    const patience = chance.weighted([[0, 12], [-1, 1], [200, 1]]);
    const common = {
      replicaId: chance.weighted([[-1, 30], [-2, 1], [0, 1], [ASSIGNED_REPLICA, 3], [5, 1]]),
      replicaState: { replicaId: chance.weighted([[-1, 30], [0, 1], [ASSIGNED_REPLICA, 3], [5, 1]]), replicaEpoch: -1 },
      maxWaitMs: patience, minBytes: chance.weighted([[1, 10], [0, 2], [100, 1], [5_000, 1]]),
      maxBytes: chance.weighted([[50_000_000, 10], [1, 1], [0, 1], [chance.between(50, 4000), 4]]),
      isolationLevel: chance.weighted([[0, 16], [1, 6], [2, 1]]),
      rackId: chance.pick(['', 'r1']),
      clusterId: null,
    };
    // Others go on beside one that waits, and some of them with what it waits for.
    const waits = patience <= 0 ? {} : chance.percent(70) ? { patience } : { patience, pending: true, connection: world.newConnection() };
    const session = version >= 7 && chance.percent(60) ? sessionFor(world, version) : undefined;
    if (session !== undefined) return { ...waits, ...inSession(world, session, common) };
    const topics = chance.weighted([['everything', 2], [patience > 0 ? 'nothing new' : 'some', 5]]);
    const opens = version >= 7 && chance.percent(60);
    const n = world.sessions.length;
    if (opens) world.sessions.push({ n, ids: version >= 13, epoch: 1 });
    const body = {
      ...common, sessionId: 0, sessionEpoch: opens ? 0 : -1, forgottenTopicsData: [],
      topics: topics === 'everything' ? everything(world) : topics === 'nothing new' ? nothingNew(world) : asked(world, chance.weighted([[0, 1], [1, 6], [2, 5], [3, 3]])),
    };
    return opens ? { ...(patience > 0 ? { patience } : {}), body, binds: `session:${n}`, faithful: chance.percent(80) } : { ...waits, body };
  },
  /** One partition after the other, by name: in which order they are told is nobody's business, which of them got what is. */
  within(answer: Answer) {
    const partitions = answer.responses.flatMap(({ topic, topicId, partitions }) => partitions.map(each => ({ topic, topicId, ...each })));
    return { ...answer, responses: partitions };
  },
  unordered: { responses: ['topic', 'topicId', 'partitionIndex'] },
  learn(answer: { sessionId: number }, bindings: Bindings, binds: string) {
    if (answer.sessionId > 0) bindings.bind(binds, answer.sessionId);
  },
};

/** Mostly one that the version may go on with: by names or by ids. */
function sessionFor({ sessions, chance }: World, version: number): SessionInWorld | undefined {
  const fitting = sessions.filter(({ ids }) => ids === version >= 13);
  const among = fitting.length > 0 && chance.percent(92) ? fitting : sessions;
  return among.length === 0 || (among !== fitting && chance.percent(70)) ? undefined : chance.pick(among);
}

function inSession(world: World, session: SessionInWorld, common: object): Said {
  const { chance } = world;
  const epoch = chance.weighted([[session.epoch, 14], [session.epoch + 1, 1], [0, 1], [-1, 1]]);
  if (epoch === session.epoch) session.epoch++;
  const forgotten = chance.percent(15) ? chance.some(chance.between(1, 2), () => forget(world)) : [];
  return {
    body: {
      ...common, sessionId: ref(`session:${session.n}`, 1), sessionEpoch: epoch,
      topics: chance.percent(55) ? [] : asked(world, 1), forgottenTopicsData: forgotten,
    },
  };
}

function asked(world: World, count: number): object[] {
  return world.chance.some(count, () => askedTopic(world));
}

/** All partitions from their beginning: with a tight limit of all, who is served when. */
function everything({ topics }: World): object[] {
  return topics.map(topic => ({
    topic: nameOf(topic), topicId: idOf(topic),
    partitions: Array.from({ length: topic.partitions }, (_, partition) => ({ partition, currentLeaderEpoch: -1, fetchOffset: 0, lastFetchedEpoch: -1, logStartOffset: -1, partitionMaxBytes: 1_048_576 })),
  }));
}

/** The ends of all partitions, and maybe something that there is not: is it waited for? */
function nothingNew(world: World): object[] {
  const ends = (everything(world) as { partitions: { partition: number; fetchOffset: number }[] }[]).map((asked, at) => ({
    ...asked, partitions: asked.partitions.map(each => ({ ...each, fetchOffset: world.topics[at]!.ends[each.partition] ?? 0 })),
  }));
  return world.chance.percent(50) ? ends : [...ends, { topic: ref('topic:8', ''), topicId: STRANGE_ID, partitions: [{ partition: 0, currentLeaderEpoch: -1, fetchOffset: 0, lastFetchedEpoch: -1, logStartOffset: -1, partitionMaxBytes: 1_048_576 }] }];
}

function askedTopic(world: World): object {
  const { chance } = world;
  const topic = world.liveTopic() ?? world.anyTopic();
  const missing = chance.percent(6);
  return {
    topic: missing ? world.topicName() : nameOf(topic),
    topicId: missing ? world.topicId() : idOf(topic),
    partitions: chance.some(chance.weighted([[1, 3], [2, 3], [3, 1]]), index => askedPartition(world, topic, chance.percent(85) ? index : world.partition(topic))),
  };
}

function askedPartition(world: World, topic: TopicInWorld, partition: number): object {
  const { chance } = world;
  return {
    partition,
    currentLeaderEpoch: world.leaderEpoch(),
    fetchOffset: world.offset(topic, partition),
    lastFetchedEpoch: chance.weighted([[-1, 12], [0, 3], [1, 1], [-2, 1]]),
    logStartOffset: chance.pick([-1, 0]),
    partitionMaxBytes: chance.weighted([[1_048_576, 10], [chance.between(1, 400), 4], [0, 1], [-1, 1]]),
  };
}

function forget(world: World): object {
  const topic = world.anyTopic();
  return { topic: nameOf(topic), topicId: idOf(topic), partitions: world.chance.some(world.chance.between(1, 3), () => world.partition(topic)) };
}
