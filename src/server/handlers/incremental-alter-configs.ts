// IncrementalAlterConfigs, versions 0-1: settings of topics, one by one (KIP-339). Those of brokers come later and are
// refused.
//   v1  flexible encoding

import { alterTopicOverrides } from '../../config/alter-topic.js';
import { Turns } from '../../base/turns.js';
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
