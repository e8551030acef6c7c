import { topicName, type TopicName } from '../../src/base/topic-name.js';

/** A topic's name where a story needs one outside a request. */
export function named(text: string): TopicName {
  const name = topicName(text);
  if (name === undefined) throw new Error(`'${text}' can name no topic`);
  return name;
}
