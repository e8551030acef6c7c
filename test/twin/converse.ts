// Makes a conversation up, from a seed.

import { Chance } from './chance.js';
import { spoilt, toTheBoundary } from './boundary.js';
import type { Conversation, Step } from './conversation.js';
import { THEMES, type Grammar, type Theme } from './grammar.js';
import { grammarOf, grammars } from './grammars.js';
import { apiNamed } from './play.js';
import { requestModel } from './schema-model.js';
import { ref } from './symbols.js';
import { ASSIGNED_REPLICA, World, ZERO_ID, nameOf } from './world.js';

/** Ids that no broker has given out, so that they mean the same to both. */
const CHOSEN_PRODUCER = 5_000_000;
/** Shared by everybody who has no connection of his own. */
const CONNECTIONS = 3;
const READER_CONNECTION = 99;
/** Whose requests are the second reader's. */
export const READER = 'reader';

export function converse(seed: number, only?: string): Conversation {
  const chance = new Chance(seed);
  const world = new World(chance);
  const theme = only === undefined ? chance.pick(THEMES) : themeOf(only, chance);
  const steps = prologue(world);
  const length = chance.between(6, 26);
  while (steps.length < length) {
    const step = next(world, theme, only);
    const before = steps.at(-1)!;
    // What follows a produce would see its records in Kafka, which does one thing at a time; here it may not (docs/differences.md).
    const piped = mayPipe(before) && mayPipe(step) && (before.api !== 'Produce' || step.api === 'Produce') && chance.percent(10);
    if (piped) steps[steps.length - 1] = { ...before, inFlight: true };
    steps.push(piped ? { ...step, connection: before.connection } : step);
  }
  return { seed, steps, epilogue: secondReader(world.topics.length, world.groups), topics: world.topics.length };
}

/** What says the same whether or not the answer to what was asked before has come. */
const PIPED = new Set(['Produce', 'Fetch', 'ListOffsets', 'OffsetForLeaderEpoch', 'OffsetCommit', 'OffsetFetch', 'Heartbeat', 'DescribeGroups', 'ListGroups', 'DescribeConfigs', 'FindCoordinator']);

function mayPipe({ api, connection, binds, pending, unanswered, patience, mangling }: Step): boolean {
  return PIPED.has(api) && connection < CONNECTIONS && binds === undefined && pending !== true && unanswered !== true && patience === undefined && mangling === undefined;
}

function themeOf(api: string, chance: Chance): Theme {
  return chance.weighted(Object.entries(grammarOf(api).weights) as [Theme, number][]);
}

function prologue(world: World): Step[] {
  const { chance } = world;
  const made = chance.some(chance.between(1, 3), () => world.addTopic(chance.between(1, 3), chance.percent(12)));
  if (chance.percent(70)) world.producers.push({ n: 0, chosen: CHOSEN_PRODUCER, epoch: chance.int(3), next: new Map() });
  return [{
    api: 'CreateTopics', version: chance.between(5, 7), connection: 0, clientId: 'twin', binds: 'topics',
    body: {
      topics: made.map(topic => ({
        name: nameOf(topic), ...(chance.percent(96) ? spread(topic.partitions) : assigned(topic.partitions)),
        configs: topic.compacted ? [{ name: 'cleanup.policy', value: 'compact' }] : [],
      })),
      timeoutMs: 20_000,
    },
  }, asksForTopics(world.topics.map(nameOf))];
}

const spread = (partitions: number): object => ({ numPartitions: partitions, replicationFactor: 1, assignments: [] });

/** Led by the broker that lives, with a replica on one that does not. */
function assigned(partitions: number): object {
  const assignments = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, brokerIds: [0, ASSIGNED_REPLICA] }));
  return { numPartitions: -1, replicationFactor: -1, assignments };
}

function asksForTopics(topics: readonly string[]): Step {
  return {
    api: 'Metadata', version: 12, connection: 0, clientId: 'twin', binds: 'topics',
    body: { topics: topics.map(name => ({ topicId: ZERO_ID, name })), allowAutoTopicCreation: false },
  };
}

function next(world: World, theme: Theme, only: string | undefined): Step {
  const { chance } = world;
  const grammar = only !== undefined && chance.percent(40) ? grammarOf(only) : chance.weighted(grammars.flatMap<[Grammar, number]>(each => {
    const weight = each.weights[theme] ?? 0;
    return weight === 0 ? [] : [[each, weight]];
  }));
  const api = apiNamed.get(grammar.api)!;
  const [first, last] = api.zkVersions!;
  const version = chance.between(first, last);
  const { body, faithful, connection = chance.int(CONNECTIONS), ...said } = grammar.say(world, version);
  const step: Step = {
    api: grammar.api, version, connection, clientId: chance.weighted<string | null>([['twin', 30], [null, 1], ['', 1], ['é b', 1]]), body, ...said,
  };
  if (faithful === true || chance.percent(78)) return step;
  if (chance.percent(10) && step.unanswered !== true) {
    // Who spoils a frame speaks on a connection of his own: what it does to others behind it on the wire is another matter.
    const mangling = spoilt(chance, last);
    return { ...step, connection: world.newConnection(), mangling };
  }
  return answered({ ...step, body: toTheBoundary(requestModel(api.key), body, version, chance) });
}

/** Whether there is an answer goes by what is really asked. */
function answered(step: Step): Step {
  const unanswered = step.api === 'Produce' && (step.body as { acks?: number }).acks === 0;
  return { ...step, unanswered, pending: step.pending === true && !unanswered };
}

/** What somebody who comes later sees: topics with what is in them, groups with what they have committed. */
export function secondReader(topicCount: number, groupCount: number): Step[] {
  const reader = { connection: READER_CONNECTION, clientId: READER };
  const topics = Array.from({ length: topicCount }, (_, n) => ref(`topic:${n}`, ''));
  const groups = Array.from({ length: groupCount }, (_, n) => ref(`group:${n}`, ''));
  const partitions = [0, 1, 2, 3];
  return [
    { ...asksForTopics(topics), ...reader },
    ...[-2, -1, -3].map(timestamp => ({
      ...reader, api: 'ListOffsets', version: 9, body: { replicaId: -1, topics: topics.map(name => ({ name, partitions: partitions.map(partitionIndex => ({ partitionIndex, currentLeaderEpoch: -1, timestamp })) })) },
    })),
    ...[0, 1].map(isolationLevel => ({
      ...reader, api: 'Fetch', version: 12,
      body: {
        replicaId: -1, maxWaitMs: 0, minBytes: 1, isolationLevel, sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [], rackId: '',
        topics: topics.map(topic => ({ topic, partitions: partitions.map(partition => ({ partition, currentLeaderEpoch: -1, fetchOffset: 0, partitionMaxBytes: 10_000_000 })) })),
      },
    })),
    { ...reader, api: 'DescribeConfigs', version: 4, body: { resources: topics.map(resourceName => ({ resourceType: 2, resourceName, configurationKeys: null })), includeSynonyms: true } },
    { ...reader, api: 'DescribeGroups', version: 5, body: { groups, includeAuthorizedOperations: true } },
    { ...reader, api: 'OffsetFetch', version: 8, body: { groups: groups.map(groupId => ({ groupId, topics: null })), requireStable: false } },
    { ...reader, api: 'ListGroups', version: 5, body: { statesFilter: [], typesFilter: [] } },
  ];
}

/** What was set of the brokers while they ran is taken back, for those who come next; and then it takes a moment. */
export function brokersAsBefore(): Step[] {
  const resources = ['0', ''].map(resourceName => ({ resourceType: 4, resourceName, configs: [] }));
  const said = { connection: 9, clientId: 'twin' };
  return [
    { ...said, api: 'AlterConfigs', version: 1, body: { resources, validateOnly: false } },
    { ...said, api: 'ApiVersions', version: 0, body: {} },
  ];
}

/** Takes the conversation's topics away again. */
export function farewell(): Step {
  const topicNames = Array.from({ length: 15 }, (_, n) => ref(`topic:${n}`, ''));
  return { api: 'DeleteTopics', version: 5, connection: 9, clientId: 'twin', body: { topicNames, timeoutMs: 20_000 } };
}
