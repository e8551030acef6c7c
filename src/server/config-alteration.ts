// What IncrementalAlterConfigs and AlterConfigs have in common: settings of topics, brokers and loggers are changed, each
// resource by itself. Mistakes are looked for in Kafka's order (ConfigAdminManager.scala, ZkAdminManager.scala), so that of
// several the same is told.

import { topicName, topicNameProblem, type TopicName } from '../base/topic-name.js';
import { Turns } from '../base/turns.js';
import { applyOperations, checkOperations, checkTopicOverrides, Operation, type AlterRefusal, type ConfigOperation } from '../config/alter-topic.js';
import { brokerDefinitions } from '../config/definitions.js';
import { isDynamicPassword, passwordFault, usableTexts } from '../config/dynamic.js';
import type { Texts } from '../config/settings.js';
import { ErrorCode } from '../protocol/errors.js';
import { pathFault } from '../zookeeper/paths.js';
import { brokerIdOf, ConfigResource, invalidRequest, isConfigResource } from './config-resources.js';
import { RequestError } from './request-error.js';
import type { BrokerServices } from './services.js';

/** What is to become of one resource's settings. */
export interface Alteration {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly operations: readonly ConfigOperation[];
}

export interface AlterationOptions {
  readonly validateOnly: boolean;
  /** The older api: what is set takes the place of all there was, and loggers have none. */
  readonly replace: boolean;
}

export interface AlterationAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

const NONE: Texts = new Map();

export async function alterConfigs(alterations: readonly Alteration[], options: AlterationOptions, broker: BrokerServices): Promise<AlterationAnswer[]> {
  const turns = new Turns(broker.clock, broker.timers);
  const counts = new Map<string, number>();
  for (const each of alterations) {
    await turns.next();
    counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
  }
  const answers: AlterationAnswer[] = [];
  for (const each of alterations) {
    await turns.next();
    const twice = counts.get(keyOf(each))! > 1;
    answers.push(twice ? alterationAnswer(each, ErrorCode.InvalidRequest, 'Each resource must appear at most once.') : await alter(each, options, broker));
  }
  return answers;
}

export function alterationAnswer({ resourceType, resourceName }: Pick<Alteration, 'resourceType' | 'resourceName'>, errorCode: number, errorMessage: string | null): AlterationAnswer {
  return { errorCode, errorMessage, resourceType, resourceName };
}

function keyOf({ resourceType, resourceName }: Alteration): string {
  return `${resourceType} ${resourceName}`;
}

async function alter(asked: Alteration, options: AlterationOptions, broker: BrokerServices): Promise<AlterationAnswer> {
  try {
    refuse(checkOperations(asked.operations), asked);
    if (!isConfigResource(asked.resourceType) || (options.replace && asked.resourceType === ConfigResource.brokerLogger)) throw invalidRequest(`Unknown resource type ${asked.resourceType}`);
    await alterKind(asked, options, broker);
    return alterationAnswer(asked, ErrorCode.None, null);
  } catch (error) {
    if (error instanceof RequestError) return alterationAnswer(asked, error.code, error.message);
    throw error;
  }
}

function alterKind(asked: Alteration, options: AlterationOptions, broker: BrokerServices): void | Promise<void> {
  switch (asked.resourceType) {
    case ConfigResource.topic: return alterTopic(asked, options, broker);
    case ConfigResource.broker: return alterBroker(asked, options, broker);
    case ConfigResource.brokerLogger: return alterLoggers(asked, options.validateOnly, broker);
    default: throw invalidRequest('AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS');
  }
}

async function alterTopic(asked: Alteration, { validateOnly, replace }: AlterationOptions, broker: BrokerServices): Promise<void> {
  const { resourceName: text, operations } = asked;
  if (text === '') throw invalidRequest('Default topic resources are not allowed.');
  const name = topicName(text);
  // Kafka looks for the settings before it looks for the topic, and ZooKeeper takes no path that walks.
  if (!replace && name === undefined && pathFault(`/${text}`) !== undefined) throw new RequestError(ErrorCode.InvalidConfig, aboutValue(asked, topicNameProblem(text)!));
  // What ZooKeeper says now, not what this broker last heard: two changes in a row must not lose one.
  const altered = applyOperations(replace || name === undefined ? NONE : await broker.topicConfigs.read(name), operations);
  if ('refusal' in altered) return refuse(altered.refusal, asked);
  if (name === undefined || !(await exists(name, broker))) throw new RequestError(ErrorCode.UnknownTopicOrPartition, `The topic '${text}' does not exist.`);
  refuse(checkTopicOverrides(altered.overrides, broker.config.settings), asked);
  if (!validateOnly) await broker.topics.writeConfig(name, altered.overrides);
}

/** To this broker and to ZooKeeper: one of them may know less. */
async function exists(name: TopicName, broker: BrokerServices): Promise<boolean> {
  return broker.metadata.topic(name) !== undefined && broker.topics.exists(name);
}

async function alterBroker(asked: Alteration, { validateOnly, replace }: AlterationOptions, broker: BrokerServices): Promise<void> {
  const { resourceName: name, operations } = asked;
  if (name !== '') checkBrokerId(name, id => `Unexpected broker id, expected ${id}, but received ${name}`, broker);
  const unknown = operations.find(({ operation }) => !(operation in OPERATIONS));
  if (unknown !== undefined) throw invalidRequest(`Unknown operations type ${unknown.operation}`);
  const whose = name === '' ? 'everybodys' : 'mine';
  const current = replace ? NONE : usableTexts(await broker.brokerConfigs.read(whose), whose === 'mine', []);
  const altered = applyOperations(current, operations, brokerDefinitions);
  if ('refusal' in altered) return refuse(altered.refusal, asked);
  const fault = broker.config.dynamicFault(altered.overrides, whose === 'mine');
  if (fault !== undefined) throw invalidRequest(fault);
  if (validateOnly) return;
  if (operations.some(({ name: key, operation }) => operation !== Operation.delete && isDynamicPassword(key))) throw new RequestError(ErrorCode.InvalidConfig, aboutValue(asked, passwordFault(broker.config.settings)));
  await broker.brokerConfigs.write(whose, altered.overrides);
}

const OPERATIONS: Readonly<Record<number, true>> = Object.fromEntries(Object.values(Operation).map(id => [id, true]));

function alterLoggers({ resourceName, operations }: Alteration, validateOnly: boolean, broker: BrokerServices): void {
  checkBrokerId(resourceName, id => `Unexpected node id. Expected ${id}, but received ${resourceName}`, broker);
  const refusal = broker.loggers.alter(operations, validateOnly);
  if (refusal !== undefined) throw new RequestError(refusal.error === 'INVALID_CONFIG' ? ErrorCode.InvalidConfig : ErrorCode.InvalidRequest, refusal.message);
}

function checkBrokerId(name: string, unexpected: (expected: number) => string, broker: BrokerServices): void {
  const id = brokerIdOf(name);
  if (id === undefined) throw invalidRequest(`Node id must be an integer, but it is: ${name}`);
  if (id !== broker.brokerId) throw invalidRequest(unexpected(broker.brokerId));
}

/** Throws what is wrong, where something is. */
function refuse(refusal: AlterRefusal | undefined, asked: Alteration): void {
  if (refusal === undefined) return;
  const message = refusal.ofValue === true ? aboutValue(asked, refusal.message) : refusal.message;
  throw new RequestError(refusal.error === 'INVALID_CONFIG' ? ErrorCode.InvalidConfig : ErrorCode.InvalidRequest, message);
}

function aboutValue({ resourceType, resourceName }: Alteration, what: string): string {
  const type = resourceType === ConfigResource.topic ? 'TOPIC' : 'BROKER';
  return `Invalid config value for resource ConfigResource(type=${type}, name='${resourceName}'): ${what}`;
}
