import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { settled } from './support/manual-time.js';
import { sharesFor, Story } from './support/story.js';

// Asked of Kafka 3.9.1.
test.each([
  ['range', 'roundrobin', 'roundrobin'], ['range', 'sticky', 'range'], ['sticky', 'cooperative-sticky', 'cooperative-sticky'],
  ['roundrobin', 'cooperative-sticky', 'cooperative-sticky'], ['alpha', 'beta', 'alpha'], ['uniform', 'zz', 'uniform'],
])('with one vote each for %s and %s it is %s, whoever came first', async (one, other, chosen) => {
  for (const order of [[one, other], [other, one]]) {
    const story = await Story.begin();
    const joins = [order, order.toReversed()].map(protocols => story.member('g', { protocols, joinVersion: 3 }).join());
    await story.time.advance(6_001);
    for (const { answer } of joins) expect(answer).toMatchObject({ errorCode: 0, protocolName: chosen });
  }
});

test('when all have left while somebody is still to come with an id, that one is let in, whatever it follows', async () => {
  const story = await Story.begin();
  const [first] = await story.stableGroup('g', 1);
  const late = story.member('g', { protocols: ['range'] });
  late.id = (await late.joinOnce()).memberId!;
  // It comes back, and waits for the one with an id.
  const again = first!.join();
  await settled();
  await first!.leave();
  expect((await again.promise).errorCode).toBe(ErrorCode.UnknownMemberId);
  expect(await story.state('g')).toBe('PreparingRebalance');
  late.options = { ...late.options, protocols: ['sticky'] };
  expect(await late.join().promise).toMatchObject({ errorCode: 0, protocolName: 'sticky', leader: late.id });
});

test('two members join, the first leads, and each gets the share that the leader planned for it', async () => {
  const story = await Story.begin();
  const [first, second] = [story.member('g', { clientId: 'a' }), story.member('g', { clientId: 'b' })];
  const joins = [first.join(), second.join()];
  await story.time.advance(2_999);
  expect(joins.map(({ answer }) => answer)).toEqual([null, null]);

  await story.time.advance(3_001);
  const [leading, following] = await Promise.all(joins.map(({ promise }) => promise));
  expect(leading).toMatchObject({ errorCode: 0, generationId: 1, protocolType: 'consumer', protocolName: 'range', leader: first.id, memberId: first.id, skipAssignment: false });
  expect(leading!.members!.map(({ memberId }) => memberId)).toEqual([first.id, second.id]);
  expect(following).toMatchObject({ errorCode: 0, generationId: 1, leader: first.id, memberId: second.id, members: [] });
  expect(first.id).toMatch(/^a-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);

  const waiting = second.sync();
  await settled();
  expect(waiting.answer).toBeNull();
  const planned = await first.sync(sharesFor([first, second])).promise;
  expect(planned).toMatchObject({ errorCode: 0, protocolType: 'consumer', protocolName: 'range' });
  expect(planned.assignment!.toString()).toBe('share 0');
  expect((await waiting.promise).assignment!.toString()).toBe('share 1');
  expect(await story.state('g')).toBe('Stable');
});

test('the first rebalance waits for more members in equal steps, no longer than the rebalance timeout', async () => {
  const story = await Story.begin({ config: { initialRebalanceDelayMs: 1_000 } });
  const options = { rebalanceTimeoutMs: 2_500 };
  const first = story.member('g', options).join();
  await story.time.advance(900);
  const second = story.member('g', options).join();
  await story.time.advance(900);
  const third = story.member('g', options).join();
  // 1000 + 1000 + 500, however many come.
  await story.time.advance(600);
  const fourth = story.member('g', options).join();
  await story.time.advance(99);
  expect(first.answer).toBeNull();
  await story.time.advance(1);
  expect([first, second, third, fourth].map(({ answer }) => answer?.generationId)).toEqual([1, 1, 1, 1]);
});

test('a third member makes the others join again, and the old generation is told by its heartbeats', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2);
  const third = story.member('g');
  const joining = third.join();
  await settled();
  expect(await story.state('g')).toBe('PreparingRebalance');
  expect(await first!.heartbeat()).toBe(ErrorCode.RebalanceInProgress);
  expect((await second!.sync().promise).errorCode).toBe(ErrorCode.RebalanceInProgress);

  const again = [first!.join(), second!.join()];
  await Promise.all([...again, joining].map(({ promise }) => promise));
  expect([first, second, third].map(member => member!.generation)).toEqual([2, 2, 2]);
  expect(first!.leads).toBe(true);
});

test('the leader leaves, and one of those who remain leads the next generation', async () => {
  const story = await Story.begin();
  const [first, second, third] = await story.stableGroup('g', 3);
  expect(await first!.leave()).toEqual({ errorCode: 0, members: [{ memberId: first!.id, groupInstanceId: null, errorCode: 0 }] });
  expect(await second!.heartbeat()).toBe(ErrorCode.RebalanceInProgress);
  await Promise.all([second!.join().promise, third!.join().promise]);
  expect([second!.leads, third!.leads].filter(Boolean)).toHaveLength(1);
  expect(await first!.heartbeat()).toBe(ErrorCode.UnknownMemberId);
});

test('a member that falls silent is removed when its session ends; one that heartbeats is not', async () => {
  const story = await Story.begin();
  const [alive, silent] = await story.stableGroup('g', 2, { sessionTimeoutMs: 10_000 });
  for (let i = 0; i < 3; i++) {
    await story.time.advance(3_333);
    expect(await alive!.heartbeat()).toBe(ErrorCode.None);
  }
  await story.time.advance(2);
  expect(await alive!.heartbeat()).toBe(ErrorCode.RebalanceInProgress);
  await alive!.join().promise;
  expect(alive).toMatchObject({ generation: 2, leads: true });
  expect(await silent!.heartbeat()).toBe(ErrorCode.UnknownMemberId);
});

test('whoever does not come back within the rebalance timeout is out', async () => {
  const story = await Story.begin();
  const [comes, staysAway] = await story.stableGroup('g', 2, { rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 30_000 });
  const newcomer = story.member('g', { rebalanceTimeoutMs: 20_000 });
  const joins = [comes!.join(), newcomer.join()];
  await story.time.advance(19_999);
  expect(joins[0]!.answer).toBeNull();
  await story.time.advance(1);
  expect(joins.map(({ answer }) => answer?.generationId)).toEqual([2, 2]);
  expect(await staysAway!.heartbeat()).toBe(ErrorCode.UnknownMemberId);
});

test('a leader that never plans is removed after the rebalance timeout, and those who waited start over', async () => {
  const story = await Story.begin();
  const members = [story.member('g', { clientId: 'a' }), story.member('g', { clientId: 'b' })];
  const options = { rebalanceTimeoutMs: 15_000, sessionTimeoutMs: 20_000 };
  for (const member of members) Object.assign(member, { options: { ...member.options, ...options } });
  const joins = members.map(member => member.join());
  await story.time.advance(6_001);
  await Promise.all(joins.map(({ promise }) => promise));
  const [leader, follower] = members;
  const waiting = follower!.sync();
  await story.time.advance(15_001);
  expect(waiting.answer).toMatchObject({ errorCode: ErrorCode.RebalanceInProgress });
  expect(await leader!.heartbeat()).toBe(ErrorCode.UnknownMemberId);
  await follower!.join().promise;
  expect(follower).toMatchObject({ leads: true, generation: 2 });
});

test('a member left out of the plan gets an empty share', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2);
  const joins = [first!.join(), second!.join()];
  await Promise.all(joins.map(({ promise }) => promise));
  const left = second!.sync();
  await first!.sync({ [first!.id]: 'everything' }).promise;
  expect((await left.promise).assignment).toHaveLength(0);
});

test('a follower that joins again unchanged gets the generation as it is; a changed one, or the leader, starts a rebalance', async () => {
  const story = await Story.begin();
  const [leader, follower] = await story.stableGroup('g', 2);
  expect(await follower!.join().promise).toMatchObject({ errorCode: 0, generationId: 1, members: [] });
  expect(await story.state('g')).toBe('Stable');

  const again = leader!.join();
  await settled();
  expect(await story.state('g')).toBe('PreparingRebalance');
  await follower!.join().promise;
  await again.promise;
  expect(leader!.generation).toBe(2);
});

test('the answer to a join got lost: joining again gives it once more, to the leader with the members', async () => {
  const story = await Story.begin();
  const [leader, follower] = await story.stableGroup('g', 2);
  await Promise.all([leader!.join().promise, follower!.join().promise]);
  expect(await story.state('g')).toBe('CompletingRebalance');
  const repeated = await leader!.join().promise;
  expect(repeated).toMatchObject({ generationId: 2, leader: leader!.id });
  expect(repeated.members).toHaveLength(2);
});

test('the protocol is the one with most votes among those that all support', async () => {
  const story = await Story.begin();
  const wishes = [['sticky', 'range', 'robin'], ['robin', 'range'], ['robin', 'range']];
  const members = wishes.map(protocols => story.member('g', { protocols }));
  const joins = members.map(member => member.join());
  await story.time.advance(6_001);
  for (const { answer } of joins) expect(answer).toMatchObject({ errorCode: 0, protocolName: 'robin' });
});

test('strangers to the protocol are refused', async () => {
  const story = await Story.begin();
  await story.stableGroup('g', 1);
  const join = (options: object) => story.member('g', options).joinOnce().then(({ errorCode }) => errorCode);
  expect(await join({ protocols: ['sticky'] })).toBe(ErrorCode.InconsistentGroupProtocol);
  expect(await join({ protocolType: 'connect' })).toBe(ErrorCode.InconsistentGroupProtocol);
  expect(await join({ sessionTimeoutMs: 5_999 })).toBe(ErrorCode.InvalidSessionTimeout);
  expect(await join({ sessionTimeoutMs: 1_800_001 })).toBe(ErrorCode.InvalidSessionTimeout);
  expect((await story.member('new', { protocols: [] }).joinOnce()).errorCode).toBe(ErrorCode.InconsistentGroupProtocol);
  expect((await story.member('', {}).joinOnce()).errorCode).toBe(ErrorCode.InvalidGroupId);
});

test('an id that the group never gave out is unknown to it', async () => {
  const story = await Story.begin();
  const stranger = story.member('g');
  stranger.id = 'client-made-up';
  expect(await stranger.joinOnce()).toMatchObject({ errorCode: ErrorCode.UnknownMemberId, memberId: 'client-made-up', generationId: -1 });
  await story.stableGroup('g', 1);
  expect((await stranger.joinOnce()).errorCode).toBe(ErrorCode.UnknownMemberId);
  expect(await stranger.heartbeat()).toBe(ErrorCode.UnknownMemberId);
  expect(await story.state('g')).toBe('Stable');
});

test('before v4 newcomers are members at once; from v4 on they first get an id, which expires', async () => {
  const story = await Story.begin();
  const old = story.member('old', { joinVersion: 3 });
  const joining = old.join();
  await story.time.advance(3_001);
  expect(joining.answer).toMatchObject({ errorCode: 0, generationId: 1 });

  const young = story.member('young', { sessionTimeoutMs: 10_000 });
  const required = await young.joinOnce();
  expect(required).toMatchObject({ errorCode: ErrorCode.MemberIdRequired, generationId: -1 });
  await story.time.advance(10_001);
  young.id = required.memberId!;
  expect((await young.joinOnce()).errorCode).toBe(ErrorCode.UnknownMemberId);
});

test('a pending member holds up the rebalance until it joins, leaves or expires', async () => {
  const story = await Story.begin();
  const [first] = await story.stableGroup('g', 1, { sessionTimeoutMs: 20_000 });
  const pending = story.member('g', { sessionTimeoutMs: 8_000 });
  pending.id = (await pending.joinOnce()).memberId!;
  const again = first!.join();
  await story.time.advance(7_999);
  expect(again.answer).toBeNull();
  await story.time.advance(1);
  expect(again.answer).toMatchObject({ errorCode: 0, generationId: 2 });
});

test('a full group turns newcomers away and keeps its members', async () => {
  const story = await Story.begin({ config: { maxSize: 2 } });
  const [first, second] = await story.stableGroup('g', 2);
  expect(await story.member('g').joinOnce()).toMatchObject({ errorCode: ErrorCode.GroupMaxSizeReached, memberId: '' });
  expect(await first!.heartbeat()).toBe(ErrorCode.None);
  expect(await second!.heartbeat()).toBe(ErrorCode.None);
});

test('requests of another generation are refused, and so is a sync under another protocol', async () => {
  const story = await Story.begin();
  const [member] = await story.stableGroup('g', 1);
  member!.generation = 7;
  expect(await member!.heartbeat()).toBe(ErrorCode.IllegalGeneration);
  expect((await member!.sync().promise).errorCode).toBe(ErrorCode.IllegalGeneration);
  member!.generation = 1;
  member!.options = { ...member!.options, protocols: ['sticky'] };
  expect((await member!.sync().promise).errorCode).toBe(ErrorCode.InconsistentGroupProtocol);
  member!.options = { ...member!.options, protocols: ['range'] };
  expect((await member!.sync({}, 4).promise).errorCode).toBe(ErrorCode.None);
});

test('a member that repeats its join gets the answer; the request it gave up is not left hanging', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2);
  const abandoned = first!.join();
  await settled();
  const repeated = first!.join();
  expect((await abandoned.promise).errorCode).toBe(ErrorCode.RebalanceInProgress);
  await second!.join().promise;
  expect((await repeated.promise).errorCode).toBe(ErrorCode.None);
});

test('everybody leaves: the group is empty, keeps counting generations, and can be joined again', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2);
  await first!.leave();
  await second!.leave();
  expect(await story.state('g')).toBe('Empty');
  const back = story.member('g');
  const joining = back.join();
  await story.time.advance(3_001);
  expect(joining.answer).toMatchObject({ errorCode: 0, generationId: 3 });
});

test('before v3 a leave names one member and its error is the answer', async () => {
  const story = await Story.begin();
  const [member] = await story.stableGroup('g', 1);
  const leave = (memberId: string) => story.coordinator.members.leaveGroup({ groupId: 'g', memberId, members: [] }, { ...member!.client, apiVersion: 2 });
  expect(await leave('nobody')).toEqual({ errorCode: ErrorCode.UnknownMemberId });
  expect(await leave(member!.id)).toEqual({ errorCode: ErrorCode.None });
  expect(await story.state('g')).toBe('Empty');
});

test('closing answers everyone who waits and leaves no timer behind', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2);
  const parked = first!.join();
  const syncing = await story.stableGroup('h', 2);
  await Promise.all(syncing.map(member => member.join().promise));
  const waiting = syncing[1]!.sync();
  await settled();
  story.coordinator.close();
  expect((await parked.promise).errorCode).toBe(ErrorCode.NotCoordinator);
  expect((await waiting.promise).errorCode).toBe(ErrorCode.NotCoordinator);
  expect(await second!.heartbeat()).toBe(ErrorCode.CoordinatorNotAvailable);
  expect(story.time.pending).toBe(0);
});

test('whoever waits for the others need not heartbeat, however short its session', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2, { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 60_000 });
  const parked = first!.join();
  for (let i = 0; i < 10; i++) {
    await story.time.advance(5_000);
    expect(await second!.heartbeat()).toBe(ErrorCode.RebalanceInProgress);
  }
  expect(parked.answer).toBeNull();
  await second!.join().promise;
  expect(parked.answer).toMatchObject({ errorCode: 0, generationId: 2 });

  const waiting = second!.sync();
  for (let i = 0; i < 10; i++) {
    await story.time.advance(5_000);
    expect(await first!.heartbeat()).toBe(ErrorCode.None);
  }
  expect(waiting.answer).toBeNull();
  await first!.sync(sharesFor([first!, second!])).promise;
  expect((await waiting.promise).errorCode).toBe(ErrorCode.None);
});

test('a new member does not wait for ever: after five minutes it has to start over', async () => {
  const story = await Story.begin();
  const patient = { sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 1_200_000 };
  const [first] = await story.stableGroup('g', 1, patient);
  const newcomer = story.member('g', patient).join();
  await story.time.advance(299_999);
  expect(newcomer.answer).toBeNull();
  await story.time.advance(1);
  expect(newcomer.answer).toMatchObject({ errorCode: ErrorCode.UnknownMemberId, memberId: '' });
  await first!.join().promise;
  expect(first!.generation).toBe(2);
});
