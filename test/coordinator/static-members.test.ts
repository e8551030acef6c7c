import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { settled } from './support/manual-time.js';
import { sharesFor, Story } from './support/story.js';
import type { TestMember } from './support/story.js';

async function twoStaticMembers(story: Story, options: object = {}): Promise<[TestMember, TestMember]> {
  const members: [TestMember, TestMember] = [
    story.member('g', { instanceId: 'one', ...options }), story.member('g', { instanceId: 'two', ...options }),
  ];
  const joins = members.map(member => member.join());
  await story.time.advance(6_001);
  await Promise.all(joins.map(({ promise }) => promise));
  const [leader, follower] = members;
  const waiting = follower.sync();
  await leader.sync(sharesFor(members)).promise;
  await waiting.promise;
  return members;
}

test('static members need no id in advance, and their ids begin with their instance ids', async () => {
  const story = await Story.begin();
  const [leader] = await twoStaticMembers(story);
  expect(leader.id).toMatch(/^one-[0-9a-f-]{36}$/);
  expect(await story.state('g')).toBe('Stable');
});

test('a follower that restarts takes its old place without a rebalance, and its former self is fenced', async () => {
  const story = await Story.begin();
  const [, follower] = await twoStaticMembers(story);
  const restarted = story.member('g', { instanceId: 'two' });
  expect(await restarted.joinOnce()).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: false, members: [] });
  await restarted.join().promise;
  expect((await restarted.sync().promise).assignment!.toString()).toBe('share 1');
  expect(await follower.heartbeat()).toBe(ErrorCode.FencedInstanceId);
  expect((await follower.join().promise).errorCode).toBe(ErrorCode.FencedInstanceId);
  expect(await story.state('g')).toBe('Stable');
  await story.restart();
  expect(await restarted.heartbeat()).toBe(ErrorCode.None);
});

test('a leader that restarts is told to skip planning since v9; before, that somebody else leads', async () => {
  const story = await Story.begin();
  const [leader] = await twoStaticMembers(story);
  const modern = story.member('g', { instanceId: 'one' });
  const told = await modern.join().promise;
  expect(told).toMatchObject({ errorCode: 0, skipAssignment: true, leader: modern.id, memberId: modern.id });
  expect(told.members).toHaveLength(2);
  const old = story.member('g', { instanceId: 'one', joinVersion: 8 });
  expect(await old.join().promise).toMatchObject({ errorCode: 0, skipAssignment: false, leader: modern.id, members: [] });
  expect(await leader.heartbeat()).toBe(ErrorCode.FencedInstanceId);
});

test('a leader that joins again keeps leading, also under the new id it got by a restart', async () => {
  const story = await Story.begin();
  const [, follower] = await twoStaticMembers(story);
  const leader = story.member('g', { instanceId: 'one' });
  await leader.join().promise;
  const joining = leader.join();
  await settled();
  await follower.join().promise;
  await joining.promise;
  expect([leader.generation, leader.leads, follower.leads]).toEqual([2, true, false]);
});

test('a restart under another protocol makes a rebalance; so does one while a plan is awaited', async () => {
  const story = await Story.begin();
  const [leader, follower] = await twoStaticMembers(story, { protocols: ['range', 'robin'] });
  const changed = story.member('g', { instanceId: 'two', protocols: ['robin'] });
  const joining = changed.join();
  await settled();
  expect(await story.state('g')).toBe('PreparingRebalance');
  await leader.join().promise;
  expect(await joining.promise).toMatchObject({ errorCode: 0, generationId: 2, protocolName: 'robin' });
  const again = story.member('g', { instanceId: 'two', protocols: ['robin'] });
  const rejoining = again.join();
  await settled();
  expect(await story.state('g')).toBe('PreparingRebalance');
  expect(await follower.heartbeat()).toBe(ErrorCode.FencedInstanceId);
  await leader.join().promise;
  await rejoining.promise;
  expect(again.generation).toBe(3);
});

test('the log refuses the new id: the old one stays', async () => {
  const story = await Story.begin();
  const [, follower] = await twoStaticMembers(story);
  story.log.hold();
  const restarted = story.member('g', { instanceId: 'two' });
  const joining = restarted.join();
  await settled();
  await story.log.refuseHeld(ErrorCode.NotEnoughReplicas);
  expect(joining.answer).toMatchObject({ errorCode: ErrorCode.CoordinatorNotAvailable, memberId: '' });
  expect(await follower.heartbeat()).toBe(ErrorCode.None);
});

test('a static member that misses a rebalance stays until its session ends', async () => {
  const story = await Story.begin();
  const [leader] = await twoStaticMembers(story, { rebalanceTimeoutMs: 10_000, sessionTimeoutMs: 60_000 });
  const joining = leader.join();
  await story.time.advance(10_001);
  expect(joining.answer).toMatchObject({ generationId: 2 });
  expect(joining.answer!.members).toHaveLength(2);
});

test('an administrator removes a static member by its instance id alone', async () => {
  const story = await Story.begin();
  const [leader, follower] = await twoStaticMembers(story);
  const leave = (groupInstanceId: string) => story.coordinator.members.leaveGroup(
    { groupId: 'g', memberId: '', members: [{ memberId: '', groupInstanceId, reason: null }] }, { ...leader.client, apiVersion: 5 });
  expect((await leave('nobody')).members).toMatchObject([{ errorCode: ErrorCode.UnknownMemberId }]);
  expect((await leave('two')).members).toMatchObject([{ errorCode: 0, memberId: '', groupInstanceId: 'two' }]);
  expect(await follower.heartbeat()).toBe(ErrorCode.UnknownMemberId);
});
