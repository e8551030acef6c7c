// IncrementalAlterConfigs, versions 0-1: settings of topics, one by one (KIP-339). Those of brokers come later and are
// refused.
//   v1  flexible encoding
// Mistakes are looked for in Kafka's order (ConfigAdminManager.scala, ZkAdminManager.scala), so that of several the same is told.

import { topicName, topicNameProblem, type TopicName } from '../../base/topic-name.js';
import { Turns } from '../../base/turns.js';
import { applyOperations, checkOperations, checkTopicOverrides, type AlterRefusal, type ConfigOperation } from '../../config/alter-topic.js';
import { ErrorCode } from '../../protocol/errors.js';
import { IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, type IncrementalAlterConfigsResponseInput } from '../../protocol/messages.js';
import { pathFault } from '../../zookeeper/paths.js';
import { brokerIdOf, ConfigResource, invalidRequest, isConfigResource } from '../config-resources.js';
import { defineHandler } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';

type Asked = IncrementalAlterConfigsRequest['resources'][number];
type Answer = NonNullable<IncrementalAlterConfigsResponseInput['responses']>[number];

const DELETE = 1;

export const incrementalAlterConfigs = defineHandler({
  request: IncrementalAlterConfigsRequest,
  response: IncrementalAlterConfigsResponse,
  handle: async (request, _context, broker) => {
    const turns = new Turns(broker.clock, broker.timers);
    const counts = new Map<string, number>();
    for (const asked of request.resources) {
      await turns.next();
      counts.set(keyOf(asked), (counts.get(keyOf(asked)) ?? 0) + 1);
    }
    const answers: Answer[] = [];
    for (const asked of request.resources) {
      await turns.next();
      const twice = counts.get(keyOf(asked))! > 1;
      answers.push(twice ? answer(asked, ErrorCode.InvalidRequest, 'Each resource must appear at most once.') : await alter(asked, request.validateOnly, broker));
    }
    return { responses: answers };
  },
  onError: (request, errorCode) => ({ responses: request.resources.map(asked => answer(asked, errorCode, null)) }),
});

function keyOf({ resourceType, resourceName }: Asked): string {
  return `${resourceType} ${resourceName}`;
}

async function alter(asked: Asked, validateOnly: boolean, broker: BrokerServices): Promise<Answer> {
  try {
    const operations = asked.configs.map(each => ({ name: each.name, operation: each.configOperation, value: each.value }));
    refuse(checkOperations(operations), asked);
    if (!isConfigResource(asked.resourceType)) throw invalidRequest(`Unknown resource type ${asked.resourceType}`);
    if (asked.resourceType === ConfigResource.topic) await alterTopic(asked, operations, validateOnly, broker);
    else refuseOthers(asked, operations, broker);
    return answer(asked, ErrorCode.None, null);
  } catch (error) {
    if (error instanceof RequestError) return answer(asked, error.code, error.message);
    throw error;
  }
}

async function alterTopic(asked: Asked, operations: readonly ConfigOperation[], validateOnly: boolean, broker: BrokerServices): Promise<void> {
  const { resourceName: text } = asked;
  if (text === '') throw invalidRequest('Default topic resources are not allowed.');
  const name = topicName(text);
  // Kafka looks for the settings before it looks for the topic, and ZooKeeper takes no path that walks.
  if (name === undefined && pathFault(`/${text}`) !== undefined) throw new RequestError(ErrorCode.InvalidConfig, aboutValue(asked, topicNameProblem(text)!));
  // What ZooKeeper says now, not what this broker last heard: two changes in a row must not lose one.
  const altered = applyOperations(name === undefined ? new Map() : await broker.topicConfigs.read(name), operations);
  if ('refusal' in altered) return refuse(altered.refusal, asked);
  if (name === undefined || !(await exists(name, broker))) throw new RequestError(ErrorCode.UnknownTopicOrPartition, `The topic '${text}' does not exist.`);
  refuse(checkTopicOverrides(altered.overrides, broker.config.settings), asked);
  if (!validateOnly) await broker.topics.writeConfig(name, altered.overrides);
}

/** To this broker and to ZooKeeper: one of them may know less. */
async function exists(name: TopicName, broker: BrokerServices): Promise<boolean> {
  return broker.metadata.topic(name) !== undefined && broker.topics.exists(name);
}

function refuseOthers(asked: Asked, operations: readonly ConfigOperation[], broker: BrokerServices): void {
  const { resourceType, resourceName: name } = asked;
  if (resourceType === ConfigResource.clientMetrics) throw invalidRequest('AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS');
  if (resourceType === ConfigResource.brokerLogger || name !== '') {
    const id = brokerIdOf(name);
    if (id === undefined) throw invalidRequest(`Node id must be an integer, but it is: ${name}`);
    if (id !== broker.brokerId) throw invalidRequest(`Unexpected broker id, expected ${broker.brokerId}, but received ${name}`);
  }
  if (resourceType === ConfigResource.broker) throw invalidRequest('Configurations of brokers cannot be altered by this broker.');
  for (const { name: logger, operation } of operations) {
    if (operation > DELETE) throw invalidRequest(`Loggers take no operation ${operation}.`);
    throw new RequestError(ErrorCode.InvalidConfig, `Logger ${logger} does not exist!`);
  }
}

/** Throws what is wrong, where something is. */
function refuse(refusal: AlterRefusal | undefined, asked: Asked): void {
  if (refusal === undefined) return;
  const message = refusal.ofValue === true ? aboutValue(asked, refusal.message) : refusal.message;
  throw new RequestError(refusal.error === 'INVALID_CONFIG' ? ErrorCode.InvalidConfig : ErrorCode.InvalidRequest, message);
}

function aboutValue({ resourceName }: Asked, what: string): string {
  return `Invalid config value for resource ConfigResource(type=TOPIC, name='${resourceName}'): ${what}`;
}

function answer(asked: Asked, errorCode: number, errorMessage: string | null): Answer {
  return { errorCode, errorMessage, resourceType: asked.resourceType, resourceName: asked.resourceName };
}
