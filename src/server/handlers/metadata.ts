// Metadata, versions 0-12: brokers, topics and who leads what.
//   v1  null asks for all topics, an empty list for none; rack, controller, internal topics
//   v4  auto creation can be declined; v5 offline replicas; v7 leader epochs; v8 authorized operations, those of the
//   cluster until v10; v9 flexible encoding; v10 topic ids; v12 topics may be asked for by id
// The answer names unknown ids first, then topics, then what is no topic (yet).

import { eachInTurns, Turns } from '../../base/turns.js';
import { ErrorCode } from '../../protocol/errors.js';
import { MetadataRequest, MetadataResponse, type MetadataResponseInput } from '../../protocol/messages.js';
import type { LiveBroker, PartitionState, TopicState } from '../../replication/metadata-cache.js';
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED, TOPIC_OPERATIONS } from '../authorized-operations.js';
import { defineHandler, type RequestContext } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { missingTopic } from '../topics/auto-creation.js';
import { isInternalTopic } from '../topics/internal-topics.js';

type TopicAnswer = NonNullable<MetadataResponseInput['topics']>[number];

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

export const metadata = defineHandler({
  request: MetadataRequest,
  response: MetadataResponse,
  handle: async (request, context, broker) => ({
    brokers: [...broker.metadata.brokers()].flatMap(each => brokerAnswer(each, context)),
    clusterId: broker.clusterId,
    controllerId: broker.metadata.controllerId,
    topics: await topicAnswers(request, context, broker),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : OPERATIONS_NOT_ASKED,
  }),
  onError: (request, errorCode) => ({
    topics: (request.topics ?? []).map(({ name, topicId }) => ({ errorCode, name: name ?? '', topicId, topicAuthorizedOperations: OPERATIONS_NOT_ASKED })),
    clusterAuthorizedOperations: OPERATIONS_NOT_ASKED,
  }),
});

async function topicAnswers(request: MetadataRequest, context: RequestContext, broker: BrokerServices): Promise<TopicAnswer[]> {
  const turns = new Turns(broker.clock, broker.timers);
  const operations = request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : OPERATIONS_NOT_ASKED;
  const known = (topics: Iterable<TopicState>): Promise<TopicAnswer[]> => inTurn(topics, turns, topic => topicAnswer(topic, operations, turns, context, broker));
  if (request.topics === null || (context.apiVersion === 0 && request.topics.length === 0)) return known([...broker.metadata.topics()]);
  const asked = await askedOf(request.topics, turns, context);
  if ('ids' in asked) {
    const { there, missing } = await lookUp(asked.ids, turns, id => broker.metadata.topic(broker.metadata.topicName(id) ?? ''));
    // Who names an id that nobody has is told neither a name nor operations.
    return [...missing.map(id => refused(null, id, ErrorCode.UnknownTopicId, OPERATIONS_NOT_ASKED)), ...await known(there)];
  }
  const { there, missing } = await lookUp(asked.names, turns, name => broker.metadata.topic(name));
  const mayCreate = context.apiVersion < 4 || request.allowAutoTopicCreation;
  return [...await known(there), ...await inTurn(missing, turns, async name => refused(name, ZERO_ID, await missingTopic(name, mayCreate, broker), operations))];
}

type Asked = { readonly ids: ReadonlySet<string> } | { readonly names: ReadonlySet<string> };

/** Each once, however often it was asked for. An id anywhere, and names ask for nothing, also beside it (KafkaApis.handleTopicMetadataRequest). */
async function askedOf(topics: NonNullable<MetadataRequest['topics']>, turns: Turns, { apiVersion }: RequestContext): Promise<Asked> {
  const [ids, names] = [new Set<string>(), new Set<string>()];
  let nameless = false;
  for (const { name, topicId } of topics) {
    if (apiVersion < 12 && name === null) throw new RequestError(ErrorCode.InvalidRequest, `Topic name can not be null for version ${apiVersion}`);
    if (apiVersion < 12 && topicId !== ZERO_ID) throw new RequestError(ErrorCode.InvalidRequest, `Topic IDs are not supported in requests for version ${apiVersion}`);
    if (topicId !== ZERO_ID) ids.add(topicId);
    else if (name === null) nameless = true;
    else names.add(name);
    if (turns.isOver) await turns.next();
  }
  if (ids.size > 0) return { ids };
  if (nameless) throw new RequestError(ErrorCode.InvalidRequest, 'A topic is asked for by its name or by its id');
  return { names };
}

async function lookUp(keys: Iterable<string>, turns: Turns, find: (key: string) => TopicState | undefined): Promise<{ there: TopicState[]; missing: string[] }> {
  const [there, missing]: [TopicState[], string[]] = [[], []];
  for (const key of keys) {
    const topic = find(key);
    if (topic === undefined) missing.push(key);
    else there.push(topic);
    if (turns.isOver) await turns.next();
  }
  return { there, missing };
}

/** One after the other: what is made for one must not be in the way of the next. */
async function inTurn<Item, Answer>(items: Iterable<Item>, turns: Turns, answer: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const item of items) {
    await turns.next();
    answers.push(await answer(item));
  }
  return answers;
}

function refused(name: string | null, topicId: string, errorCode: number, operations: number): TopicAnswer {
  return { errorCode, name, topicId, isInternal: name !== null && isInternalTopic(name), partitions: [], topicAuthorizedOperations: operations };
}

function brokerAnswer(broker: LiveBroker, { connection }: RequestContext): { nodeId: number; host: string; port: number; rack: string | null }[] {
  const endpoint = broker.endpoints.find(({ listener }) => listener === connection.listener);
  return endpoint === undefined ? [] : [{ nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack }];
}

async function topicAnswer(topic: TopicState, operations: number, turns: Turns, context: RequestContext, broker: BrokerServices): Promise<TopicAnswer> {
  const inOrder = [...topic.partitions.values()].sort((a, b) => a.partition - b.partition);
  return {
    errorCode: ErrorCode.None,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: await eachInTurns(inOrder, turns, state => partitionAnswer(state, context, broker)),
    topicAuthorizedOperations: operations,
  };
}

function partitionAnswer(state: PartitionState, { apiVersion, connection }: RequestContext, broker: BrokerServices): NonNullable<TopicAnswer['partitions']>[number] {
  const reachable = (id: number): boolean => broker.metadata.broker(id)?.endpoints.some(({ listener }) => listener === connection.listener) ?? false;
  const alive = (id: number): boolean => broker.metadata.broker(id) !== undefined;
  // Version 0 lists only replicas that are alive, and says so.
  const listed = (ids: readonly number[]): number[] => (apiVersion === 0 ? ids.filter(reachable) : [...ids]);
  const leaderMissing = !alive(state.leader);
  let errorCode: number = ErrorCode.None;
  if (leaderMissing) errorCode = ErrorCode.LeaderNotAvailable;
  else if (!reachable(state.leader)) errorCode = apiVersion >= 6 ? ErrorCode.ListenerNotFound : ErrorCode.LeaderNotAvailable;
  else if (apiVersion === 0 && ![...state.replicas, ...state.isr].every(reachable)) errorCode = ErrorCode.ReplicaNotAvailable;
  return {
    errorCode,
    partitionIndex: state.partition,
    leaderId: leaderMissing || !reachable(state.leader) ? -1 : state.leader,
    leaderEpoch: state.leaderEpoch,
    replicaNodes: listed(state.replicas),
    isrNodes: listed(state.isr),
    offlineReplicas: state.replicas.filter(id => !reachable(id) || state.offlineReplicas.includes(id)),
  };
}
