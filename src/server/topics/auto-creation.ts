// A topic nobody made, asked for by name (AutoTopicCreationManager.scala): whichever broker is asked writes it.

import { ErrorCode } from '../../protocol/errors.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { internalTopic } from './internal-topics.js';
import { topicNameProblem } from './topic-name.js';

/** Makes the topic and answers what the client is told meanwhile: it asks again until there is a leader. */
export async function autoCreate(name: string, broker: BrokerServices): Promise<number> {
  if (!broker.config.boolean('auto.create.topics.enable')) {
    return topicNameProblem(name) === undefined ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException;
  }
  const topic = internalTopic(name, broker.config) ?? { name, partitions: -1, replicationFactor: -1, assignments: [], configs: new Map<string, string>() };
  try {
    await broker.topics.create(topic, false);
    return ErrorCode.LeaderNotAvailable;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    // Somebody else was quicker: it will be known soon.
    return error.code === ErrorCode.TopicAlreadyExists ? ErrorCode.UnknownTopicOrPartition : error.code;
  }
}
