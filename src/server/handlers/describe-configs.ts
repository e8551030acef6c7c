// DescribeConfigs, versions 0-4.
//   v1  sources and synonyms instead of "is default"; v3 types and documentation; v4 flexible encoding
// A topic's settings are read in ZooKeeper for each request, so that what was altered a moment ago is what is told.

import { sideBySide } from '../../base/side-by-side.js';
import { topicNameProblem } from '../../base/topic-name.js';
import { Turns } from '../../base/turns.js';
import { describeBroker, describeClusterDefault, describeLoggers, describeTopic, type ConfigEntry, type DescribeOptions } from '../../config/describe.js';
import { ErrorCode } from '../../protocol/errors.js';
import { DescribeConfigsRequest, DescribeConfigsResponse, type DescribeConfigsResponseInput } from '../../protocol/messages.js';
import { brokerIdOf, ConfigResource, invalidRequest, isConfigResource } from '../config-resources.js';
import { defineHandler } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';

type Asked = DescribeConfigsRequest['resources'][number];
type Answer = NonNullable<DescribeConfigsResponseInput['results']>[number];

/** What Kafka says of INVALID_REQUEST where it refuses a request as a whole (Errors.java). */
const MALFORMED = 'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.';

/** Resources that are answered once more because they were asked for once more: a short name has a long answer. */
const MOST_REPEATS = 100;
/** Topics that are read side by side. */
const AT_ONCE = 64;

export const describeConfigs = defineHandler({
  request: DescribeConfigsRequest,
  response: DescribeConfigsResponse,
  handle: async (request, _context, broker) => {
    // One resource of no known type, and nobody is answered anything else.
    if (!request.resources.every(({ resourceType }) => isConfigResource(resourceType))) return { results: request.resources.map(asked => refused(asked, ErrorCode.InvalidRequest, MALFORMED)) };
    const turns = new Turns(broker.clock, broker.timers);
    const results: Answer[] = [];
    await sideBySide(withinReason(request.resources).entries(), AT_ONCE, async ([at, each]) => {
      await turns.next();
      results[at] = await answer(each, request.includeSynonyms, broker);
    });
    return { results };
  },
  onError: (request, errorCode) => ({ results: request.resources.map(asked => refused(asked, errorCode, null)) }),
});

/** Without the repeats beyond the limit, so that an answer is bounded by what there is and not by what is asked. */
function withinReason(resources: readonly Asked[]): Asked[] {
  const seen = new Set<string>();
  let repeats = 0;
  return resources.filter(({ resourceType, resourceName }) => {
    const key = `${resourceType} ${resourceName}`;
    if (seen.has(key)) return ++repeats <= MOST_REPEATS;
    seen.add(key);
    return true;
  });
}

async function answer(asked: Asked, includeSynonyms: boolean, broker: BrokerServices): Promise<Answer> {
  try {
    const entries = await describe(asked, { keys: asked.configurationKeys, includeSynonyms }, broker);
    // No message is an empty one here, and none is said of a topic that is not there.
    if (entries === undefined) return refused(asked, ErrorCode.UnknownTopicOrPartition, '');
    return { ...refused(asked, ErrorCode.None, ''), configs: entries.map(({ synonyms, ...entry }) => ({ ...entry, synonyms: [...synonyms] })) };
  } catch (error) {
    if (error instanceof RequestError) return refused(asked, error.code, error.message);
    throw error;
  }
}

/** Undefined: a topic that this broker knows nothing of. */
async function describe(asked: Asked, options: DescribeOptions, broker: BrokerServices): Promise<ConfigEntry[] | undefined> {
  const { resourceName: name } = asked;
  const { settings } = broker.config;
  switch (asked.resourceType) {
    case ConfigResource.topic: {
      const problem = topicNameProblem(name);
      if (problem !== undefined) throw new RequestError(ErrorCode.InvalidTopicException, problem);
      const topic = broker.metadata.topic(name);
      return topic === undefined ? undefined : describeTopic(await broker.topicConfigs.read(topic.name), settings, options);
    }
    case ConfigResource.broker:
      if (name === '') return describeClusterDefault(settings, options);
      checkBrokerId(name, broker, `expected ${broker.brokerId} or empty string,`);
      return describeBroker(settings, options);
    case ConfigResource.brokerLogger:
      if (name === '') throw invalidRequest('Broker id must not be empty');
      checkBrokerId(name, broker, `expected ${broker.brokerId}`);
      return describeLoggers(broker.loggers.all(), options);
    default:
      throw invalidRequest(name === '' ? 'Client metrics subscription name must not be empty' : 'Config type client-metrics is only supported on KRaft clusters');
  }
}

function checkBrokerId(name: string, broker: BrokerServices, expected: string): void {
  const id = brokerIdOf(name);
  if (id === undefined) throw invalidRequest(`Broker id must be an integer, but it is: ${name}`);
  if (id !== broker.brokerId) throw invalidRequest(`Unexpected broker id, ${expected} but received ${name}`);
}

function refused(asked: Asked, errorCode: number, errorMessage: string | null): Answer {
  return { errorCode, errorMessage, resourceType: asked.resourceType, resourceName: asked.resourceName, configs: [] };
}
