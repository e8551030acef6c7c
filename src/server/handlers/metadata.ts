// Metadata, versions 0-12: brokers, topics and who leads what.
//   v1  null asks for all topics, an empty list for none; rack, controller, internal topics
//   v4  auto creation can be declined; v5 offline replicas; v7 leader epochs; v8 authorized operations
//   v9  flexible encoding; v10 topic ids; v12 topics may be asked for by id

import { eachInTurns, Turns } from '../../base/turns.js';
import { ErrorCode } from '../../protocol/errors.js';
import { MetadataRequest, MetadataResponse, type MetadataResponseInput } from '../../protocol/messages.js';
import type { LiveBroker, PartitionState, TopicState } from '../../replication/metadata-cache.js';
import { defineHandler, type RequestContext } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { autoCreate } from '../topics/auto-creation.js';
import { isInternalTopic } from '../topics/internal-topics.js';

type TopicAnswer = NonNullable<MetadataResponseInput['topics']>[number];

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const NOT_ASKED = -2147483648;

export const metadata = defineHandler({
  request: MetadataRequest,
  response: MetadataResponse,
  handle: async (request, context, broker) => ({
    brokers: [...broker.metadata.brokers()].flatMap(each => brokerAnswer(each, context)),
    clusterId: broker.clusterId,
    controllerId: broker.metadata.controllerId,
    topics: await topicAnswers(request, context, broker),
    clusterAuthorizedOperations: NOT_ASKED,
  }),
  onError: (request, errorCode) => ({
    topics: (request.topics ?? []).map(({ name, topicId }) => ({ errorCode, name: name ?? '', topicId, topicAuthorizedOperations: NOT_ASKED })),
    clusterAuthorizedOperations: NOT_ASKED,
  }),
});

async function topicAnswers(request: MetadataRequest, context: RequestContext, broker: BrokerServices): Promise<TopicAnswer[]> {
  const { apiVersion } = context;
  const all = request.topics === null || (apiVersion === 0 && request.topics.length === 0);
  const turns = new Turns(broker.clock, broker.timers);
  const answers: TopicAnswer[] = [];
  if (all) {
    for (const topic of [...broker.metadata.topics()]) {
      await turns.next();
      answers.push(await topicAnswer(topic, turns, context, broker));
    }
    return answers;
  }
  const asked = request.topics ?? [];
  if (apiVersion < 12 && asked.some(({ name, topicId }) => name === null || topicId !== ZERO_ID)) {
    throw new RequestError(ErrorCode.InvalidRequest, 'Topic IDs are not supported before version 12, and a topic needs a name');
  }
  const seen = new Set<string>();
  for (const { name, topicId } of asked) {
    await turns.next();
    // Asked twice is answered once, as Kafka's sets of names and ids have it.
    const key = name ?? `id ${topicId}`;
    if (seen.has(key)) continue;
    seen.add(key);
    answers.push(await answerAsked(name, topicId, turns, request, context, broker));
  }
  return answers;
}

async function answerAsked(name: string | null, topicId: string, turns: Turns, request: MetadataRequest, context: RequestContext, broker: BrokerServices): Promise<TopicAnswer> {
  const known = name ?? broker.metadata.topicName(topicId);
  if (known === undefined) return refused('', topicId, ErrorCode.UnknownTopicId);
  const topic = broker.metadata.topic(known);
  if (topic !== undefined) return topicAnswer(topic, turns, context, broker);
  return missing(known, context.apiVersion < 4 || request.allowAutoTopicCreation, broker);
}

async function missing(name: string, mayCreate: boolean, broker: BrokerServices): Promise<TopicAnswer> {
  const code = mayCreate ? await autoCreate(name, broker) : ErrorCode.UnknownTopicOrPartition;
  return refused(name, ZERO_ID, code);
}

function refused(name: string, topicId: string, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId, isInternal: isInternalTopic(name), partitions: [], topicAuthorizedOperations: NOT_ASKED };
}

function brokerAnswer(broker: LiveBroker, { connection }: RequestContext): { nodeId: number; host: string; port: number; rack: string | null }[] {
  const endpoint = broker.endpoints.find(({ listener }) => listener === connection.listener);
  return endpoint === undefined ? [] : [{ nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack }];
}

async function topicAnswer(topic: TopicState, turns: Turns, context: RequestContext, broker: BrokerServices): Promise<TopicAnswer> {
  const inOrder = [...topic.partitions.values()].sort((a, b) => a.partition - b.partition);
  return {
    errorCode: ErrorCode.None,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: await eachInTurns(inOrder, turns, state => partitionAnswer(state, context, broker)),
    topicAuthorizedOperations: NOT_ASKED,
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
