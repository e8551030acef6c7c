// The checker, proven: histories with one fault planted in each, and one with none.
import { describe, expect, test } from 'vitest';
import { check, summary, type Kind } from './checker.js';
import { FINAL_READER, parseHistory, History, type Entry } from './history.js';

/** A history told in short sentences. Ops are numbered as they come. */
class Story {
  readonly entries: Entry[] = [];
  #op = 0;

  send(...values: string[]): number {
    this.#op += 1;
    this.entries.push({ did: 'send', op: this.#op, by: 'w', partition: 't-0', values });
    return this.#op;
  }

  sent(offset: number, ...values: string[]): this {
    const op = this.send(...values);
    this.entries.push({ did: 'sent', op, offset });
    return this;
  }

  refused(...values: string[]): this {
    this.entries.push({ did: 'refused', op: this.send(...values), why: 'too large' });
    return this;
  }

  unknown(...values: string[]): this {
    this.entries.push({ did: 'lost-sight', op: this.send(...values), why: 'timed out' });
    return this;
  }

  reads(by: string, from: number, ...records: (readonly [number, string])[]): this {
    this.entries.push({ did: 'read', by, partition: 't-0', from, records });
    return this;
  }

  /** What the log holds in the end, from offset 0 on. */
  ends(...values: string[]): this {
    return this.reads(FINAL_READER, 0, ...values.map((value, offset) => [offset, value] as const));
  }

  commits(offset: number): this {
    this.#op += 1;
    this.entries.push({ did: 'commit', op: this.#op, by: 'm', group: 'g', partition: 't-0', offset }, { did: 'committed', op: this.#op });
    return this;
  }

  asksCommitted(): number {
    this.#op += 1;
    this.entries.push({ did: 'ask-committed', op: this.#op, by: 'n', group: 'g', partition: 't-0' });
    return this.#op;
  }

  toldCommitted(offset: number, op = this.asksCommitted()): this {
    this.entries.push({ did: 'told-committed', op, offset });
    return this;
  }

  get finds(): string[] { return check(this.entries).map(({ kind, text }) => `${kind}: ${text}`); }
}

describe('what is right is not complained of', () => {
  test('acknowledged, unknown and refused values, readers, commits', () => {
    const story = new Story().sent(0, 'w#0', 'w#1').unknown('w#2').refused('w#3').unknown('w#4').sent(3, 'w#5')
      .reads('r', 0, [0, 'w#0'], [1, 'w#1']).reads('r', 2, [2, 'w#2']).commits(2).toldCommitted(2)
      .ends('w#0', 'w#1', 'w#2', 'w#5');
    expect(story.finds).toEqual([]);
  });

  test('a commit that came after the question need not be told', () => {
    const story = new Story().commits(1);
    const op = story.asksCommitted();
    expect(story.commits(2).toldCommitted(1, op).finds).toEqual([]);
  });

  test('a commit of unknown fate may be told or not', () => {
    const story = new Story();
    story.entries.push({ did: 'commit', op: 99, by: 'm', group: 'g', partition: 't-0', offset: 7 });
    expect(story.toldCommitted(7).toldCommitted(-1).finds).toEqual([]);
  });
});

test.each<[Kind, Story, string]>([
  ['lost', new Story().sent(0, 'w#0').sent(1, 'w#1', 'w#2').ends('w#0', 'w#1'), 'w#2, acknowledged at 1'],
  ['doubled', new Story().sent(0, 'w#0').ends('w#0', 'w#0'), 'w#0 at 0 and 1'],
  ['out of order', new Story().unknown('w#0').sent(0, 'w#1').ends('w#1', 'w#0'), 'w#0 at 1 behind w#1'],
  ['two values at one offset', new Story().unknown('w#0').unknown('w#1').reads('r', 0, [0, 'w#0']).ends('w#1'), 'r read w#0 at 0, where w#1 stands'],
  ['two values at one offset', new Story().unknown('w#0').unknown('w#1').reads('r', 0, [0, 'w#0']).reads('s', 0, [0, 'w#1']).ends(), 's read w#1 at 0, where w#0 stands'],
  ['misplaced', new Story().sent(1, 'w#0').unknown('w#1').ends('w#0', 'w#1'), 'w#0 was acknowledged at 1, where w#1 stands'],
  ['vanished', new Story().sent(0, 'w#0').unknown('w#1').reads('r', 1, [1, 'w#1']).ends('w#0'), 'r read w#1 at 1'],
  ['never sent', new Story().sent(0, 'w#0').ends('w#0', 'x#9'), 'x#9 at 1'],
  ['refused but written', new Story().refused('w#0').ends('w#0'), 'w#0 at 0'],
  ['skipped', new Story().sent(0, 'w#0', 'w#1', 'w#2').reads('r', 0, [0, 'w#0'], [2, 'w#2']).ends('w#0', 'w#1', 'w#2'), 'r asked from 0 and got 2 where 1 was due'],
  ['offset went back', new Story().sent(0, 'w#0', 'w#1').reads('r', 0, [0, 'w#0'], [1, 'w#1'], [1, 'w#1']).ends('w#0', 'w#1'), 'r asked from 0 and got 1 where 2 was due'],
  ['commit went back', new Story().commits(5).toldCommitted(3), 'n was told 3 of g/t-0, where 5 had been committed'],
  ['commit went back', new Story().commits(5).toldCommitted(-1), 'n was told -1 of g/t-0, where 5 had been committed'],
  ['not read in the end', new Story().sent(0, 'w#0'), 'w#0 was acknowledged there'],
])('%s', (kind, story, text) => {
  expect(story.finds.filter(found => found.startsWith(kind))).toEqual([`${kind}: ${text}`]);
});

test('who does not tell of everything it sends is believed, and held to its order and to what it was told', () => {
  const story = new Story().sent(0, '7.0').sent(2, '7.2').ends('7.0', '7.1', '7.2');
  story.entries.push({ did: 'foreign', topic: 't' });
  expect(story.finds).toEqual([]);
  const wrong = new Story().sent(1, '7.0').sent(2, '7.9').ends('7.1', '7.0');
  wrong.entries.push({ did: 'foreign', topic: 't' });
  expect(wrong.finds).toEqual(['lost: 7.9, acknowledged at 2', 'out of order: 7.0 at 1 behind 7#1']);
});

test('what a client complains of is a finding', () => {
  const story = new Story();
  story.entries.push({ did: 'complain', by: 'w', partition: 't-0', what: 'the broker has forgotten its sequence' });
  expect(story.finds).toEqual(['complaint: w: the broker has forgotten its sequence']);
});

test('a history is data: written line by line, it is the same when read back', () => {
  let text = '';
  let now = 0;
  const history = new History(() => now, line => { text += line; });
  const op = history.nextOp();
  history.note({ did: 'send', op, by: 'w', partition: 't-0', values: ['w#0'] });
  now = 17.4;
  history.note({ did: 'sent', op, offset: 3 });
  expect(parseHistory(text)).toEqual(history.entries);
  expect(parseHistory(text).at(-1)).toEqual({ at: 17, did: 'sent', op: 1, offset: 3 });
});

test('a summary shows a few of each kind', () => {
  const story = new Story();
  story.sent(0, 'w#0', 'w#1', 'w#2').ends();
  story.reads(FINAL_READER, 0);
  expect(summary(check(story.entries), 2)).toBe(['lost: 3', '  t-0: w#0, acknowledged at 0', '  t-0: w#1, acknowledged at 0', '  ...'].join('\n'));
});
