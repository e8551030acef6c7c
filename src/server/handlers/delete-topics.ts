// DeleteTopics, versions 0-6.
//   v4  flexible encoding; v5 room for error messages; v6 topics may be named by id
// Answers when the topics have left this broker's metadata, or the time is up.

import { eachInTurns, Turns } from '../../base/turns.js';
import { ErrorCode } from '../../protocol/errors.js';
import { DeleteTopicsRequest, DeleteTopicsResponse, type DeleteTopicsResponseInput } from '../../protocol/messages.js';
import { defineHandler, type RequestContext } from '../handler.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { whenTopicsGone } from '../topics/await-metadata.js';

type Answer = NonNullable<DeleteTopicsResponseInput['responses']>[number];

interface Asked {
  readonly name: string | null;
  readonly topicId: string;
}

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

export const deleteTopics = defineHandler({
  request: DeleteTopicsRequest,
  response: DeleteTopicsResponse,
  handle: async (request, context, broker) => {
    const asked = askedOf(request, context);
    if (!broker.controller.isActive) return { responses: asked.map(each => answer(each, ErrorCode.NotController)) };
    if (!broker.config.boolean('delete.topic.enable')) {
      return { responses: asked.map(each => answer(each, context.apiVersion < 3 ? ErrorCode.InvalidRequest : ErrorCode.TopicDeletionDisabled)) };
    }
    if (asked.some(({ name, topicId }) => name !== null && topicId !== ZERO_ID)) throw new RequestError(ErrorCode.InvalidRequest, 'Topic name and topic ID can not both be specified.');
    const answers = await eachInTurns(asked, new Turns(broker.clock, broker.timers), each => deleteOne(each, broker));
    const going = answers.flatMap(each => (each.errorCode === ErrorCode.None ? [each.name!] : []));
    const late = await whenTopicsGone(going, request.timeoutMs, broker);
    // Who hears of the deletion reads no offsets of the topic.
    await broker.groups.partitionsForgotten();
    // Of a name that stands there twice one row is told, as Kafka looks one up.
    for (const name of late) answers.find(each => each.name === name)!.errorCode = ErrorCode.RequestTimedOut;
    return { responses: answers };
  },
  onError: (request, errorCode, context) => ({ responses: askedOf(request, context).map(each => answer(each, errorCode)) }),
});

function askedOf(request: DeleteTopicsRequest, { apiVersion }: RequestContext): Asked[] {
  return apiVersion >= 6 ? request.topics : request.topicNames.map(name => ({ name, topicId: ZERO_ID }));
}

async function deleteOne(asked: Asked, broker: BrokerServices): Promise<Answer> {
  const { topicId } = asked;
  // Nobody may delete what has no name.
  if (asked.name === null && topicId === ZERO_ID) return answer(asked, ErrorCode.TopicAuthorizationFailed);
  const name = asked.name ?? broker.metadata.topicName(topicId) ?? broker.controller.nameOfDeleted(topicId);
  if (name === undefined) return answer(asked, ErrorCode.UnknownTopicId);
  // By name it stays without its id in the answer.
  const row = { name, topicId };
  const topic = broker.metadata.topic(name);
  if (topic === undefined) return answer(row, ErrorCode.UnknownTopicOrPartition);
  try {
    await broker.topics.delete(topic.name);
    return answer(row, ErrorCode.None);
  } catch (error) {
    if (error instanceof RequestError) return answer(row, error.code);
    throw error;
  }
}

/** There is room for a message, and Kafka's ZooKeeper mode says none. */
function answer({ name, topicId }: Asked, errorCode: number): Answer {
  return { name, topicId, errorCode, errorMessage: null };
}
