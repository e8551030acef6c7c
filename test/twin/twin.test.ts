// The twin's own parts, without Apache Kafka: two Odradeks are each other's twin.

import { expect, test } from 'vitest';
import { apis } from '../../src/protocol/apis.js';
import { TestBroker } from '../support/broker.js';
import { compareSteps, diff, type Difference } from './compare.js';
import type { Conversation } from './conversation.js';
import { converse } from './converse.js';
import { grammars } from './grammars.js';
import { MadeUp, normal } from './normal.js';
import { Player } from './play.js';
import { shrink } from './shrink.js';
import { story } from './story.js';
import { Bindings, ref } from './symbols.js';

let played = 0;

async function differences(conversation: Conversation, one: TestBroker, other: TestBroker): Promise<Difference[]> {
  const prefix = `w7-${played++}-`;
  const side = async (broker: TestBroker): Promise<{ heard: Awaited<ReturnType<Player['play']>>; made: MadeUp }> => {
    const player = new Player(broker.port, new Bindings(prefix));
    const made = new MadeUp(broker.port, broker.clusterId, prefix);
    const heard = await player.play(conversation.steps);
    made.learn(player.bindings.history);
    await player.close();
    return { heard, made };
  };
  const [ours, kafka] = await Promise.all([side(one), side(other)]);
  return compareSteps(conversation.steps, { ours: ours.heard, kafka: kafka.heard }, { ours: ours.made, kafka: kafka.made });
}

test('a seed is a conversation', () => {
  expect(converse(4711)).toEqual(converse(4711));
  expect(converse(4711)).not.toEqual(converse(4712));
});

test('every version of every api that has a grammar is spoken sooner or later', () => {
  const spoken = new Set<string>();
  for (let seed = 0; seed < 2000; seed++) for (const { api, version } of converse(seed).steps) spoken.add(`${api} v${version}`);
  const all = grammars.flatMap(({ api }) => {
    const [first, last] = apis.find(({ name }) => name === api)!.zkVersions!;
    return Array.from({ length: last - first + 1 }, (_, index) => `${api} v${first + index}`);
  });
  expect(all.filter(each => !spoken.has(each))).toEqual([]);
});

test('two brokers that are alike show no difference', async () => {
  const [one, other] = [await TestBroker.start(), await TestBroker.start()];
  for (let seed = 1; seed <= 4; seed++) {
    const found = await differences(converse(seed, seed % 2 === 0 ? 'Fetch' : 'Produce'), one, other);
    expect(found.map(({ at, path, ours, kafka }) => ({ at, path, ours, kafka })), `seed ${seed}`).toEqual([]);
  }
});

test('a broker that takes smaller batches is found out, and the shortest conversation that shows it is told', async () => {
  const [one, other] = [await TestBroker.start({ settings: { 'message.max.bytes': 300 } }), await TestBroker.start()];
  const tells = async (conversation: Conversation): Promise<boolean> => (await differences(conversation, one, other)).some(({ ours }) => ours === 10);
  let seed = 1;
  while (!await tells(converse(seed, 'Produce'))) seed++;
  const short = await shrink(converse(seed, 'Produce'), tells);
  expect(short.steps.map(({ api }) => api).filter(api => api !== 'CreateTopics')).toEqual(['Produce']);
  const told = story(short, await differences(short, one, other));
  expect(told).toContain('Odradek: 10');
  expect(told).toContain(`seed ${seed}`);
});

test('what a broker makes up is called by its place: the same twice, another if it is another', () => {
  const one = 'twin-1f0e3dad-9990-4345-b743-9f8ffabdffc4';
  const two = 'twin-98f13708-2101-44c4-be56-8cddc3a0c9ec';
  const answer = (first: string, second: string): unknown => normal([{ memberId: first }, { memberId: second }], new MadeUp(1, '', ''), undefined);
  expect(diff(answer(one, two), answer(two, one))).toEqual([]);
  expect(diff(answer(one, one), answer(one, two))).not.toEqual([]);
  expect(diff(normal({ port: 9092 }, new MadeUp(9092, '', ''), undefined), normal({ port: 9093 }, new MadeUp(9093, '', ''), undefined))).toEqual([]);
});

test('a reference stands for what its side was given, and for its substitute where nothing was', () => {
  const bindings = new Bindings('w1-');
  const body = { groupId: ref('group:2', ''), members: [{ memberId: ref('member:0', 'nobody') }] };
  expect(bindings.resolve(body)).toEqual({ groupId: 'w1-g2', members: [{ memberId: 'nobody' }] });
  bindings.bind('member:0', 'twin-1');
  expect(bindings.resolve(body)).toEqual({ groupId: 'w1-g2', members: [{ memberId: 'twin-1' }] });
});
