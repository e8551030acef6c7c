// CreateTopics, versions 0-7.
//   v1  validate only, error messages; v4 counts may be left to the broker; v5 the answer tells what was made
//   v7  topic ids
// Answers when every partition has a leader that this broker knows of, or the time is up.

import { Turns } from '../../base/turns.js';
import { ErrorCode } from '../../protocol/errors.js';
import { CreateTopicsRequest, CreateTopicsResponse, type CreateTopicsResponseInput } from '../../protocol/messages.js';
import { describeTopic } from '../../config/describe.js';
import { defineHandler, type RequestContext } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { whenTopicsLed } from '../topics/await-metadata.js';
import { CLUSTER_METADATA_TOPIC } from '../topics/internal-topics.js';
import type { TakenNames } from '../topics/taken-names.js';
import type { CreatedTopic } from '../topics/topic-admin.js';

type Asked = CreateTopicsRequest['topics'][number];
type Answer = NonNullable<CreateTopicsResponseInput['topics']>[number];

export const createTopics = defineHandler({
  request: CreateTopicsRequest,
  response: CreateTopicsResponse,
  handle: async (request, context, broker) => {
    if (!broker.controller.isActive) return { topics: request.topics.map(({ name }) => refused(name, ErrorCode.NotController, '')) };
    const counts = new Map<string, number>();
    for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
    const answers: Answer[] = [];
    const made: { answer: Answer; partitions: number }[] = [];
    const taken = await broker.topics.takenNames();
    const turns = new Turns(broker.clock, broker.timers);
    for (const asked of request.topics) {
      await turns.next();
      if (asked.name === CLUSTER_METADATA_TOPIC) answers.push(refused(asked.name, ErrorCode.InvalidRequest, `Creation of internal topic ${CLUSTER_METADATA_TOPIC} is prohibited.`));
      else if (counts.get(asked.name)! > 1) answers.push(refused(asked.name, ErrorCode.InvalidRequest, 'Found multiple entries for this topic.'));
      else answers.push(await createOne(asked, request.validateOnly, taken, context, broker, made));
    }
    if (!request.validateOnly && made.length > 0) await awaitLeaders(made, request.timeoutMs, broker);
    return { topics: answers };
  },
  onError: (request, errorCode) => ({ topics: request.topics.map(({ name }) => refused(name, errorCode, null)) }),
});

async function createOne(asked: Asked, validateOnly: boolean, taken: TakenNames, context: RequestContext, broker: BrokerServices, made: { answer: Answer; partitions: number }[]): Promise<Answer> {
  try {
    const created = await broker.topics.create({
      name: asked.name,
      partitions: asked.numPartitions,
      replicationFactor: asked.replicationFactor,
      assignments: asked.assignments.map(each => ({ partition: each.partitionIndex, replicas: each.brokerIds })),
      configs: asked.configs.map(({ name, value }) => [name, value] as const),
    }, validateOnly, taken);
    const answer = success(asked.name, created, context, broker);
    made.push({ answer, partitions: created.assignment.length });
    return answer;
  } catch (error) {
    // Of an error that is none of the protocol's nothing is said.
    if (error instanceof RequestError) return refused(asked.name, error.code, error.code === ErrorCode.UnknownServerError ? null : error.message);
    throw error;
  }
}

/** Those that are not led in time are answered REQUEST_TIMED_OUT, though they exist. */
async function awaitLeaders(made: readonly { answer: Answer; partitions: number }[], timeoutMs: number, broker: BrokerServices): Promise<void> {
  const late = await whenTopicsLed(made.map(({ answer, partitions }) => ({ name: answer.name!, partitions })), timeoutMs, broker);
  for (const { answer } of made) if (late.has(answer.name!)) Object.assign(answer, refused(answer.name!, ErrorCode.RequestTimedOut, null));
}

function success(name: string, created: CreatedTopic, { apiVersion }: RequestContext, broker: BrokerServices): Answer {
  const configs = apiVersion < 5 ? [] : describeTopic(created.configs, broker.config.settings, { keys: null, includeSynonyms: false });
  return {
    name,
    topicId: created.id,
    errorCode: ErrorCode.None,
    errorMessage: null,
    numPartitions: created.assignment.length,
    replicationFactor: created.assignment[0]?.length ?? 0,
    configs: configs.map(entry => ({ name: entry.name, value: entry.value, readOnly: entry.readOnly, configSource: entry.configSource, isSensitive: entry.isSensitive })),
  };
}

function refused(name: string, errorCode: number, errorMessage: string | null): Answer {
  return { name, errorCode, errorMessage, numPartitions: -1, replicationFactor: -1, configs: [] };
}
