// A topic nobody made, asked for by name (AutoTopicCreationManager.scala): whichever broker is asked writes it.

import { ErrorCode } from '../../protocol/errors.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { isInternalTopic } from './internal-topics.js';
import { topicNameProblem } from './topic-name.js';

/** Makes the topic and answers what the client is told meanwhile: it asks again until there is a leader. */
export async function autoCreate(name: string, broker: BrokerServices): Promise<number> {
  if (!isInternalTopic(name) && !broker.config.boolean('auto.create.topics.enable')) {
    return topicNameProblem(name) === undefined ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException;
  }
  try {
    if (isInternalTopic(name)) await broker.internalTopics.create(name);
    else await broker.topics.create({ name, partitions: -1, replicationFactor: -1, assignments: [], configs: new Map() }, false);
    return ErrorCode.LeaderNotAvailable;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    // Somebody else was quicker: it will be known soon.
    if (error.code === ErrorCode.TopicAlreadyExists) return ErrorCode.UnknownTopicOrPartition;
    return error.code;
  }
}
