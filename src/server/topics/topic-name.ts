// Topic names (Topic.java).

const LEGAL = /^[a-zA-Z0-9._-]+$/;
const LONGEST = 249;

/** Why `name` cannot name a topic, or undefined. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed';
  if (name === '.') return "Topic name is invalid: '.' is not allowed";
  if (name === '..') return "Topic name is invalid: '..' is not allowed";
  if (name.length > LONGEST) return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${LONGEST}`;
  if (!LEGAL.test(name)) return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  return undefined;
}

/** Metrics cannot tell '.' from '_', so topics whose names differ in nothing else must not stand side by side. */
export function metricName(topic: string): string {
  return topic.replaceAll('.', '_');
}
