// CreatePartitions, versions 0-3.
//   v2  flexible encoding; v3 clients know THROTTLING_QUOTA_EXCEEDED

import { topicName } from '../../base/topic-name.js';
import { ErrorCode } from '../../protocol/errors.js';
import { CreatePartitionsRequest, CreatePartitionsResponse, type CreatePartitionsResponseInput } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { whenTopicsLed } from '../topics/await-metadata.js';

type Asked = CreatePartitionsRequest['topics'][number];
type Answer = NonNullable<CreatePartitionsResponseInput['results']>[number];

/** Topics that are looked up and written side by side. */
const AT_ONCE = 64;

export const createPartitions = defineHandler({
  request: CreatePartitionsRequest,
  response: CreatePartitionsResponse,
  handle: async (request, _context, broker) => {
    if (!broker.controller.isActive) return { results: request.topics.map(({ name }) => answer(name, ErrorCode.NotController)) };
    const counts = new Map<string, number>();
    for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
    const asked = request.topics.filter(({ name }) => counts.get(name) === 1);
    const results: Answer[] = [];
    for (let from = 0; from < asked.length; from += AT_ONCE) results.push(...await Promise.all(asked.slice(from, from + AT_ONCE).map(each => grow(each, request.validateOnly, broker))));
    if (!request.validateOnly) await awaitGrowth(asked, results, request.timeoutMs, broker);
    // Asked twice is refused once (KafkaApis.handleCreatePartitionsRequest).
    for (const [name, count] of counts) if (count > 1) results.push(answer(name, ErrorCode.InvalidRequest, 'Duplicate topic in request.'));
    return { results };
  },
  onError: (request, errorCode) => ({ results: request.topics.map(({ name }) => answer(name, errorCode)) }),
});

async function grow(asked: Asked, validateOnly: boolean, broker: BrokerServices): Promise<Answer> {
  try {
    const name = topicName(asked.name);
    if (name === undefined) throw new RequestError(ErrorCode.UnknownTopicOrPartition, `The topic '${asked.name}' does not exist.`);
    if (broker.controller.isDeleting(name)) throw new RequestError(ErrorCode.InvalidTopicException, 'The topic is queued for deletion.');
    await broker.topics.grow(name, asked.count, asked.assignments?.map(({ brokerIds }) => brokerIds) ?? null, validateOnly);
    return answer(asked.name, ErrorCode.None);
  } catch (error) {
    // Of an error that is none of the protocol's nothing is said.
    if (error instanceof RequestError) return answer(asked.name, error.code, error.code === ErrorCode.UnknownServerError ? null : error.message);
    throw error;
  }
}

async function awaitGrowth(topics: readonly Asked[], results: readonly Answer[], timeoutMs: number, broker: BrokerServices): Promise<void> {
  const growing = topics.filter((_asked, at) => results[at]!.errorCode === ErrorCode.None);
  const late = await whenTopicsLed(growing.map(({ name, count }) => ({ name, partitions: count })), timeoutMs, broker);
  for (const result of results) if (result.errorCode === ErrorCode.None && late.has(result.name!)) result.errorCode = ErrorCode.RequestTimedOut;
}

function answer(name: string, errorCode: number, errorMessage: string | null = null): Answer {
  return { name, errorCode, errorMessage };
}
