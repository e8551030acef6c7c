// Topic names (Topic.java).
//
// A topic's name becomes a znode and a directory. What a client, a controller or a file calls a topic is text; only what
// passed topicName() is a TopicName, and only of a TopicName a path can be made. It holds no slash, no dots alone, nothing
// that a file system or ZooKeeper reads as anything but a name.

declare const checked: unique symbol;

export type TopicName = string & { readonly [checked]: 'topic name' };

const LEGAL = /^[a-zA-Z0-9._-]+$/;
const LONGEST = 249;

/** `text` as the name of a topic, or undefined where it cannot be one. */
export function topicName(text: string): TopicName | undefined {
  return topicNameProblem(text) === undefined ? text as TopicName : undefined;
}

/** Why `text` cannot name a topic, or undefined. */
export function topicNameProblem(text: string): string | undefined {
  if (text === '') return 'Topic name is invalid: the empty string is not allowed';
  if (text === '.') return "Topic name is invalid: '.' is not allowed";
  if (text === '..') return "Topic name is invalid: '..' is not allowed";
  if (text.length > LONGEST) return `Topic name is invalid: the length of '${text}' is longer than the max allowed length ${LONGEST}`;
  if (!LEGAL.test(text)) return `Topic name is invalid: '${text}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  return undefined;
}

/** Those of `texts` that can name topics. */
export function topicNames(texts: readonly string[]): TopicName[] {
  return texts.flatMap(text => topicName(text) ?? []);
}

/** Metrics cannot tell '.' from '_', so topics whose names differ in nothing else must not stand side by side. */
export function metricName(topic: string): string {
  return topic.replaceAll('.', '_');
}
