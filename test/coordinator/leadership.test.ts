import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { positiveHash } from '../../src/base/java-hash.js';
import { silentLogger } from '../../src/base/logger.js';
import { load } from '../../src/coordinator/runtime/loader.js';
import { Turns } from '../../src/base/turns.js';
import { settled } from './support/manual-time.js';
import { commitErrors, PARTITIONS, sharesFor, Story } from './support/story.js';

test('groups are spread over partitions as Java hashes their names', () => {
  // Known values of String.hashCode, and the two it cannot make positive.
  expect(positiveHash('')).toBe(0);
  expect(positiveHash('hello')).toBe(99162322);
  expect(positiveHash('console-consumer-12345') % 50).toBe(hashModByHand('console-consumer-12345', 50));
  expect(positiveHash('polygenelubricants')).toBe(0);
  expect(positiveHash('größe')).toBe(positiveHash('gr\u00f6\u00dfe'));
});

function hashModByHand(text: string, count: number): number {
  let hash = 0n;
  for (const char of text) hash = BigInt.asIntN(32, hash * 31n + BigInt(char.charCodeAt(0)));
  return Number((hash < 0n ? -hash : hash) % BigInt(count));
}

test('a partition that is led elsewhere is not coordinated here', async () => {
  const story = await Story.begin({ led: [] });
  const member = story.member('g');
  expect((await member.joinOnce()).errorCode).toBe(ErrorCode.NotCoordinator);
  expect(await member.heartbeat()).toBe(ErrorCode.NotCoordinator);
  expect((await member.sync().promise).errorCode).toBe(ErrorCode.NotCoordinator);
  expect((await member.leave()).errorCode).toBe(ErrorCode.NotCoordinator);
  expect(commitErrors(await story.commit('g', { 'orders-0': 1 }).promise)).toEqual([ErrorCode.NotCoordinator]);
  expect(story.coordinator.offsets.fetchOffsets('g', null, false).errorCode).toBe(ErrorCode.NotCoordinator);
  expect(await story.describe('g')).toMatchObject({ errorCode: ErrorCode.NotCoordinator, groupState: '', members: [] });
  expect(await story.coordinator.admin.deleteGroups({ groupsNames: ['g'] })).toEqual({ results: [{ groupId: 'g', errorCode: ErrorCode.NotCoordinator }] });
});

test('while a partition loads, callers are asked to wait, heartbeats succeed blindly, and a sync has to join again', async () => {
  const story = new Story();
  story.log.holdReads();
  const loading = story.lead([0, 1, 2, 3]);
  const member = story.member('g');
  expect((await member.joinOnce()).errorCode).toBe(ErrorCode.CoordinatorLoadInProgress);
  expect(await member.heartbeat()).toBe(ErrorCode.None);
  expect((await member.sync().promise).errorCode).toBe(ErrorCode.RebalanceInProgress);
  expect(commitErrors(await story.commit('g', { 'orders-0': 1 }).promise)).toEqual([ErrorCode.CoordinatorLoadInProgress]);
  expect((await story.coordinator.admin.listGroups({ statesFilter: [], typesFilter: [] })).errorCode).toBe(ErrorCode.CoordinatorLoadInProgress);
  await story.log.releaseReads();
  await loading;
  expect(commitErrors(await story.commit('g', { 'orders-0': 1 }).promise)).toEqual([0]);
});

test('a partition serves when what it read is committed; others are read, and serve, meanwhile', async () => {
  const story = new Story();
  story.log.holdCommitted();
  const held = story.partitionOf('g');
  const loading = story.lead([held]);
  await settled();
  expect(commitErrors(await story.commit('g', { 'orders-0': 1 }).promise)).toEqual([ErrorCode.CoordinatorLoadInProgress]);
  await story.log.releaseCommitted();
  await loading;
  expect(commitErrors(await story.commit('g', { 'orders-0': 1 }).promise)).toEqual([0]);
});

test('giving a partition up answers whoever waits, stops its clocks, and leaves other partitions alone', async () => {
  const story = await Story.begin();
  const members = await story.stableGroup('g', 2);
  const [leader, follower] = members;
  await story.commit('h', { 'orders-0': 1 }).promise;
  await Promise.all([leader!.join().promise, follower!.join().promise]);
  story.log.hold();
  const waiting = [follower!.sync(), leader!.sync(sharesFor(members))];
  await settled();
  story.coordinator.onResigned(story.partitionOf('g'), story.epoch + 1);
  await settled();
  expect(waiting.map(({ answer }) => answer?.errorCode)).toEqual([ErrorCode.NotCoordinator, ErrorCode.NotCoordinator]);
  // The verdict on the plan comes too late to matter.
  await story.log.commitHeld();
  expect(await leader!.heartbeat()).toBe(ErrorCode.NotCoordinator);
  expect(story.partitionOf('h')).not.toBe(story.partitionOf('g'));
  expect(story.offsets('h')).toEqual(['orders-0=1']);
});

test('commits on their way when leadership is lost are answered, and what was committed is there for the next leader', async () => {
  const story = await Story.begin();
  story.log.hold();
  const commit = story.commit('g', { 'orders-0': 1 });
  await settled();
  story.coordinator.onResigned(story.partitionOf('g'), story.epoch + 1);
  await settled();
  expect(commitErrors(commit.answer)).toEqual([ErrorCode.NotCoordinator]);
  await story.log.commitHeld();
  await story.coordinator.onElected(story.partitionOf('g'), story.epoch + 2);
  expect(story.offsets('g')).toEqual(['orders-0=1']);
});

test('late news of older leader epochs is ignored', async () => {
  const story = await Story.begin();
  const partition = story.partitionOf('g');
  await story.commit('g', { 'orders-0': 1 }).promise;
  await story.coordinator.onElected(partition, 10);
  story.coordinator.onResigned(partition, 9);
  expect(story.offsets('g')).toEqual(['orders-0=1']);
  story.coordinator.onResigned(partition, 11);
  await story.coordinator.onElected(partition, 10);
  expect((await story.describe('g')).errorCode).toBe(ErrorCode.NotCoordinator);
  await story.coordinator.onElected(partition, 12);
  expect(story.offsets('g')).toEqual(['orders-0=1']);
});

test('a leader that stays leader in a new epoch keeps its groups as they are', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2);
  const parked = first!.join();
  await settled();
  await story.coordinator.onElected(story.partitionOf('g'), 50);
  expect(parked.answer).toBeNull();
  await second!.join().promise;
  expect((await parked.promise).errorCode).toBe(ErrorCode.None);
});

test('a partition given up while it loads does not come back by itself, nor start anybody\'s session', async () => {
  const story = await Story.begin();
  await story.stableGroup('g', 2);
  const partition = story.partitionOf('g');
  story.coordinator.onResigned(partition, story.epoch + 1);
  const timers = story.time.pending;
  story.log.holdReads();
  const loading = story.coordinator.onElected(partition, story.epoch + 2);
  story.coordinator.onResigned(partition, story.epoch + 3);
  await story.log.releaseReads();
  await loading;
  expect(story.time.pending).toBe(timers);
  expect((await story.describe('g')).errorCode).toBe(ErrorCode.NotCoordinator);
});

test('replay gives others a turn: a long log is loaded in many steps', async () => {
  const story = await Story.begin();
  for (let i = 0; i < 40; i++) await Promise.all(Array.from({ length: 50 }, (_, j) => story.commit('g', { [`orders-${j % 8}`]: i * 50 + j }).promise));
  // Every look at the clock costs this one a millisecond, so every step is spent at once.
  let steps = 0;
  let elapsed = 0;
  const slow = Object.assign(Object.create(story.time) as typeof story.time, {
    monotonic: () => elapsed++,
    now: () => story.time.now(),
    after: (_ms: number, action: () => void) => { steps++; setImmediate(action); return { cancel: () => {} }; },
  });
  let replayed = 0;
  const machine = { replay: () => { replayed++; return true; }, endTransaction: () => {} } as unknown as Parameters<typeof load>[0]['machine'];
  const end = await load({
    partition: story.partitionOf('g'), machine, log: story.log, inflate: () => Promise.reject(new Error()), turns: new Turns(slow, slow, 1),
    logger: silentLogger, bufferBytes: 4_096, cancelled: () => false,
  });
  expect({ whole: end !== undefined, replayed, partitions: PARTITIONS }).toEqual({ whole: true, replayed: 2_000, partitions: 4 });
  expect(steps).toBe(Math.floor(2_000 / 64));
});
