// DescribeConfigs, versions 0-4.
//   v1  sources and synonyms instead of "is default"; v3 types and documentation; v4 flexible encoding

import { Turns } from '../../base/turns.js';
import { describeBroker, describeClusterDefault, describeTopic, type ConfigEntry, type DescribeOptions } from '../../config/describe.js';
import { ErrorCode } from '../../protocol/errors.js';
import { DescribeConfigsRequest, DescribeConfigsResponse, type DescribeConfigsResponseInput } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { topicNameProblem } from '../topics/topic-name.js';

type Asked = DescribeConfigsRequest['resources'][number];
type Answer = NonNullable<DescribeConfigsResponseInput['results']>[number];

const TOPIC = 2;
const BROKER = 4;

export const describeConfigs = defineHandler({
  request: DescribeConfigsRequest,
  response: DescribeConfigsResponse,
  handle: async (request, { apiVersion }, broker) => {
    // Asked twice is answered once, so that an answer is bounded by what there is and not by what is asked.
    const asked = new Map(request.resources.map(each => [`${each.resourceType} ${each.resourceName}`, each]));
    const turns = new Turns(broker.clock, broker.timers);
    const results: Answer[] = [];
    for (const each of asked.values()) {
      await turns.next();
      results.push(answer(each, request.includeSynonyms, apiVersion, broker));
    }
    return { results };
  },
  onError: (request, errorCode) => ({ results: request.resources.map(asked => refused(asked, errorCode, null)) }),
});

function answer(asked: Asked, includeSynonyms: boolean, apiVersion: number, broker: BrokerServices): Answer {
  try {
    const entries = describe(asked, { keys: asked.configurationKeys, includeSynonyms }, broker);
    return { ...refused(asked, ErrorCode.None, null), configs: entries.map(entry => answerEntry(entry, apiVersion)) };
  } catch (error) {
    if (error instanceof RequestError) return refused(asked, error.code, error.message);
    throw error;
  }
}

function describe(asked: Asked, options: DescribeOptions, broker: BrokerServices): ConfigEntry[] {
  const { resourceName: name } = asked;
  const { settings } = broker.config;
  switch (asked.resourceType) {
    case TOPIC: {
      const problem = topicNameProblem(name);
      if (problem !== undefined) throw new RequestError(ErrorCode.InvalidTopicException, problem);
      if (broker.metadata.topic(name) === undefined) throw new RequestError(ErrorCode.UnknownTopicOrPartition, `The topic '${name}' does not exist.`);
      return describeTopic(broker.topicConfigs.overrides(name), settings, options);
    }
    case BROKER:
      if (name === '') return describeClusterDefault(settings, options);
      if (name !== String(broker.brokerId)) throw new RequestError(ErrorCode.InvalidRequest, `Unexpected broker id, expected ${broker.brokerId} or empty string, but received ${name}`);
      return describeBroker(settings, options);
    default:
      throw new RequestError(ErrorCode.InvalidRequest, `Unsupported resource type: ${asked.resourceType}`);
  }
}

function answerEntry({ isDefault, synonyms, ...entry }: ConfigEntry, apiVersion: number): NonNullable<Answer['configs']>[number] {
  return { ...entry, synonyms: [...synonyms], ...(apiVersion === 0 ? { isDefault } : {}) };
}

function refused(asked: Asked, errorCode: number, errorMessage: string | null): Answer {
  return { errorCode, errorMessage, resourceType: asked.resourceType, resourceName: asked.resourceName, configs: [] };
}
