// IncrementalAlterConfigs, versions 0-1: settings of topics, one by one (KIP-339). Those of brokers come later and are
// refused.
//   v1  flexible encoding

import { alterTopicOverrides } from '../../config/alter-topic.js';
import { ErrorCode } from '../../protocol/errors.js';
import { IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, type IncrementalAlterConfigsResponseInput } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';

type Asked = IncrementalAlterConfigsRequest['resources'][number];
type Answer = NonNullable<IncrementalAlterConfigsResponseInput['responses']>[number];

const TOPIC = 2;

export const incrementalAlterConfigs = defineHandler({
  request: IncrementalAlterConfigsRequest,
  response: IncrementalAlterConfigsResponse,
  handle: async (request, _context, broker) => {
    const answers: Answer[] = [];
    for (const asked of request.resources) {
      const twice = request.resources.filter(each => each.resourceType === asked.resourceType && each.resourceName === asked.resourceName).length > 1;
      answers.push(twice ? answer(asked, ErrorCode.InvalidRequest, 'Each resource must appear at most once.') : await alter(asked, request.validateOnly, broker));
    }
    return { responses: answers };
  },
  onError: (request, errorCode) => ({ responses: request.resources.map(asked => answer(asked, errorCode, null)) }),
});

async function alter(asked: Asked, validateOnly: boolean, broker: BrokerServices): Promise<Answer> {
  try {
    if (asked.resourceType !== TOPIC) throw new RequestError(ErrorCode.InvalidRequest, `Configurations of resource type ${asked.resourceType} cannot be altered by this broker.`);
    const name = asked.resourceName;
    if (!(await broker.topics.exists(name))) throw new RequestError(ErrorCode.UnknownTopicOrPartition, `The topic '${name}' does not exist.`);
    // What ZooKeeper says now, not what this broker last heard: two changes in a row must not lose one.
    const current = await broker.topicConfigs.read(name);
    const altered = alterTopicOverrides(current, asked.configs.map(each => ({ name: each.name, operation: each.configOperation, value: each.value })), broker.config.settings);
    if ('refusal' in altered) throw new RequestError(altered.refusal.error === 'INVALID_CONFIG' ? ErrorCode.InvalidConfig : ErrorCode.InvalidRequest, altered.refusal.message);
    if (!validateOnly) await broker.topics.writeConfig(name, altered.overrides);
    return answer(asked, ErrorCode.None, null);
  } catch (error) {
    if (error instanceof RequestError) return answer(asked, error.code, error.message);
    throw error;
  }
}

function answer(asked: Asked, errorCode: number, errorMessage: string | null): Answer {
  return { errorCode, errorMessage, resourceType: asked.resourceType, resourceName: asked.resourceName };
}
