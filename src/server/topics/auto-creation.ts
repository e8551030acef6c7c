// A topic nobody made, asked for by name (AutoTopicCreationManager.scala): whichever broker is asked writes it.

import { topicName, type TopicName } from '../../base/topic-name.js';
import { ErrorCode } from '../../protocol/errors.js';
import { RequestError } from '../request-error.js';
import type { BrokerServices } from '../services.js';
import { CLUSTER_METADATA_TOPIC, internalTopic } from './internal-topics.js';

/** What a client is told of a topic that is not there. Where it may be made it is, and the client asks again until there is a leader. */
export async function missingTopic(text: string, mayCreate: boolean, broker: BrokerServices): Promise<number> {
  const name = topicName(text);
  if (name === undefined) return ErrorCode.InvalidTopicException;
  if (!mayCreate || !broker.config.boolean('auto.create.topics.enable')) return ErrorCode.UnknownTopicOrPartition;
  // Kafka makes it, and finds no partition of that name at its next start.
  if (name === CLUSTER_METADATA_TOPIC) return ErrorCode.InvalidTopicException;
  return create(name, broker);
}

async function create(name: TopicName, broker: BrokerServices): Promise<number> {
  const topic = internalTopic(name, broker.config) ?? { name, partitions: -1, replicationFactor: -1, assignments: [], configs: new Map<string, string>() };
  try {
    await broker.topics.create(topic, false);
    return ErrorCode.LeaderNotAvailable;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    // Somebody else was quicker: it will be led soon.
    return error.code === ErrorCode.TopicAlreadyExists ? ErrorCode.LeaderNotAvailable : error.code;
  }
}
