import { expect, test } from 'vitest';
import { topicName, topicNameProblem, topicNames } from '../../src/base/topic-name.js';

const LEGAL = ['a', 'orders', 'a.b', '...', '-', '_', 'A-Z_0.9', 'x'.repeat(249), '__consumer_offsets', 'constructor'];
const ILLEGAL = ['', '.', '..', 'a/b', '/a', 'a/', '../a', 'a b', ' a', 'a\n', 'a\0b', 'é', 'a\u0301', '\u{1f4e6}', 'a:b', 'a\\b', 'x'.repeat(250)];

test('a name is what Kafka takes for one; everything else is none, and why is said', () => {
  for (const text of LEGAL) expect([topicName(text), topicNameProblem(text)], text).toEqual([text, undefined]);
  for (const text of ILLEGAL) {
    expect(topicName(text), text).toBeUndefined();
    expect(topicNameProblem(text), text).toMatch(/^Topic name is invalid: /);
  }
  expect(topicNames([...ILLEGAL, ...LEGAL])).toEqual(LEGAL);
});
