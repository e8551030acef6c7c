import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { settled } from './support/manual-time.js';
import { commitErrors, consumerSubscription, Story, watch } from './support/story.js';

const DAY = 24 * 3_600_000;

test('anyone may commit for a group without members; where there are members, only they may', async () => {
  const story = await Story.begin();
  expect(commitErrors(await story.commit('g', { 'orders-0': 1 }).promise)).toEqual([0]);
  expect(commitErrors(await story.commit('g', { 'orders-0': 1 }, { generation: 3, memberId: 'm' }).promise)).toEqual([ErrorCode.UnknownMemberId]);
  expect(commitErrors(await story.commit('unheard-of', { 'orders-0': 1 }, { generation: 3, memberId: 'm' }).promise)).toEqual([ErrorCode.IllegalGeneration]);

  const [member] = await story.stableGroup('g', 1);
  expect(commitErrors(await story.commit('g', { 'orders-0': 2 }).promise)).toEqual([ErrorCode.UnknownMemberId]);
  expect(commitErrors(await member!.commit({ 'orders-0': 3 }).promise)).toEqual([0]);
  member!.generation = 0;
  expect(commitErrors(await member!.commit({ 'orders-0': 4 }).promise)).toEqual([ErrorCode.IllegalGeneration]);
  expect(story.offsets('g')).toEqual(['orders-0=3']);
});

test('the old generation may commit while the new one gathers, not while it waits for its plan', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2);
  const joining = first!.join();
  await settled();
  expect(commitErrors(await second!.commit({ 'orders-1': 5 }).promise)).toEqual([0]);
  await second!.join().promise;
  await joining.promise;
  expect(commitErrors(await second!.commit({ 'orders-1': 6 }).promise)).toEqual([ErrorCode.RebalanceInProgress]);
  expect(story.offsets('g')).toEqual(['orders-1=5']);
});

test('a commit counts as a heartbeat', async () => {
  const story = await Story.begin();
  const [member] = await story.stableGroup('g', 1, { sessionTimeoutMs: 10_000 });
  for (let i = 0; i < 4; i++) {
    await story.time.advance(9_000);
    expect(commitErrors(await member!.commit({ 'orders-0': i }).promise)).toEqual([0]);
  }
  expect(await story.state('g')).toBe('Stable');
});

test('each partition has its own error: unknown ones, and metadata too long, do not hinder the rest', async () => {
  const story = await Story.begin();
  const commit = await story.commit('g', { 'orders-0': 1, 'orders-99': 2, 'nowhere-0': 3 }).promise;
  expect(commit.topics).toEqual([
    { name: 'orders', partitions: [{ partitionIndex: 0, errorCode: 0 }, { partitionIndex: 99, errorCode: ErrorCode.UnknownTopicOrPartition }] },
    { name: 'nowhere', partitions: [{ partitionIndex: 0, errorCode: ErrorCode.UnknownTopicOrPartition }] },
  ]);
  const long = await story.commit('g', { 'orders-1': 1 }, { metadata: 'm'.repeat(4_097) }).promise;
  expect(commitErrors(long)).toEqual([ErrorCode.OffsetMetadataTooLarge]);
  expect(commitErrors(await story.commit('g', { 'orders-2': 1 }, { metadata: 'm'.repeat(4_096) }).promise)).toEqual([0]);
  expect(story.offsets('g')).toEqual(['orders-0=1', 'orders-2=1']);
});

test.each([0, 1, 9])('v%i: of a partition that a commit names twice the last counts; a topic is answered once', async version => {
  const story = await Story.begin();
  const partition = (partitionIndex: number, committedOffset: number) => ({ partitionIndex, committedOffset, committedLeaderEpoch: -1, commitTimestamp: -1, committedMetadata: '' });
  const { topics } = await story.coordinator.offsets.offsetCommit({
    groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null, retentionTimeMs: -1,
    topics: [
      { name: 'orders', partitions: [partition(0, 1), partition(99, 1), partition(0, 2)] }, { name: 'returns', partitions: [] },
      { name: 'nowhere', partitions: [] }, { name: 'orders', partitions: [partition(0, 3), partition(99, 1)] },
    ],
  }, { apiVersion: version, clientId: 'committer', clientHost: '/127.0.0.1' });
  const unknown = [99, ErrorCode.UnknownTopicOrPartition];
  // ZooKeeper is asked for each.
  const stored = Array.from({ length: version === 0 ? 3 : 1 }, () => [0, 0]);
  expect(topics!.map(({ name, partitions }) => [name, partitions!.map(each => [each.partitionIndex, each.errorCode])])).toEqual([['orders', [...stored, unknown, unknown]], ['nowhere', []]]);
  if (version === 0) expect([...story.zookeeper.values()]).toEqual([3]);
  else expect(story.offsets('g')).toEqual(['orders-0=3']);
});

test('when what was deleted is forgotten, nobody reads its offsets; a log that refuses holds nobody up', async () => {
  const story = await Story.begin();
  for (const group of ['a', 'b', 'c']) await story.commit(group, { 'orders-0': 1, 'returns-0': 2 }).promise;
  story.log.hold();
  story.coordinator.onPartitionsDeleted([{ topic: 'orders', partition: 0 }]);
  const forgotten = watch(story.coordinator.partitionsForgotten().then(() => true));
  await story.time.advance(10);
  expect(forgotten.answer).toBeNull();
  await story.log.commitHeld();
  await forgotten.promise;
  expect(['a', 'b', 'c'].map(group => story.offsets(group))).toEqual([['returns-0=2'], ['returns-0=2'], ['returns-0=2']]);

  story.coordinator.onPartitionsDeleted([{ topic: 'returns', partition: 0 }]);
  const refused = story.coordinator.partitionsForgotten();
  await story.time.advance(10);
  await story.log.refuseHeld(ErrorCode.NotEnoughReplicas);
  await refused;
  expect(story.offsets('a')).toEqual(['returns-0=2']);
});

test('what nobody committed reads as -1, in groups nobody knows too', async () => {
  const story = await Story.begin();
  const nothing = { partitionIndex: 3, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 0 };
  const fetch = (group: string) => story.coordinator.offsets.fetchOffsets(group, [{ name: 'orders', partitionIndexes: [3] }], true);
  expect(fetch('unheard-of')).toEqual({ groupId: 'unheard-of', errorCode: 0, topics: [{ name: 'orders', partitions: [nothing] }] });
  await story.commit('g', { 'orders-0': 1 }).promise;
  expect(fetch('g').topics).toEqual([{ name: 'orders', partitions: [nothing] }]);
  expect(story.coordinator.offsets.fetchOffsets('unheard-of', null, true).topics).toEqual([]);
});

test('version 0 keeps its offsets in ZooKeeper', async () => {
  const story = await Story.begin({ led: [] });
  expect(commitErrors(await story.commit('g', { 'orders-0': 5, 'nowhere-0': 1 }, { version: 0 }).promise)).toEqual([0, ErrorCode.UnknownTopicOrPartition]);
  expect(commitErrors(await story.commit('..', { 'orders-0': 5 }, { version: 0 }).promise), 'a group that ZooKeeper has no place for').toEqual([ErrorCode.InvalidGroupId]);
  expect([...story.zookeeper]).toEqual([['g/orders/0', 5]]);
  const [topic] = await story.coordinator.offsets.fetchLegacyOffsets('g', [{ name: 'orders', partitionIndexes: [0, 1] }]);
  expect(topic!.partitions).toMatchObject([{ committedOffset: 5, errorCode: 0 }, { committedOffset: -1, errorCode: ErrorCode.UnknownTopicOrPartition }]);
});

test('offsets of a group that only stores them expire by their own age, and the group with them', async () => {
  const story = await Story.begin();
  await story.commit('g', { 'orders-0': 1 }).promise;
  await story.time.advance(3 * DAY);
  await story.commit('g', { 'orders-1': 2 }).promise;
  await story.time.advance(4 * DAY + 600_000);
  expect(story.offsets('g')).toEqual(['orders-1=2']);
  await story.time.advance(3 * DAY);
  expect(story.offsets('g')).toEqual([]);
  expect((await story.describe('g')).groupState).toBe('Dead');
  await story.restart();
  expect((await story.coordinator.admin.listGroups({ statesFilter: [], typesFilter: [] })).groups).toEqual([]);
});

test('offsets of a group with members are kept, except of topics that nobody subscribes to any more', async () => {
  const story = await Story.begin();
  const [member] = await story.stableGroup('g', 1, { subscription: consumerSubscription(['orders']), sessionTimeoutMs: 1_800_000 });
  await member!.commit({ 'orders-0': 1, 'returns-0': 2 }).promise;
  for (let half = 0; half < 7 * 48 + 2; half++) {
    await story.time.advance(1_799_000);
    expect(await member!.heartbeat()).toBe(0);
  }
  expect(story.offsets('g')).toEqual(['orders-0=1']);
});

test('when its members have gone, a group keeps its offsets for the retention time, then goes with a tombstone', async () => {
  const story = await Story.begin();
  const [member] = await story.stableGroup('g', 1);
  await member!.commit({ 'orders-0': 1 }).promise;
  await story.time.advance(6 * DAY);
  expect(await story.state('g')).toBe('Empty');
  await story.time.advance(DAY - 600_000);
  expect(story.offsets('g')).toEqual(['orders-0=1']);
  await story.time.advance(1_200_000);
  expect(story.offsets('g')).toEqual([]);
  expect(story.log.records(story.partitionOf('g')).slice(-2)).toEqual([
    { kind: 'offset', group: 'g', topic: 'orders', partition: 0, value: null },
    { kind: 'generation', group: 'g', value: null },
  ]);
});

test('an offset with an expiry time of its own goes by that', async () => {
  const story = await Story.begin();
  await story.commit('g', { 'orders-0': 1 }, { version: 2, retentionMs: 3_600_000 }).promise;
  await story.commit('g', { 'orders-1': 1 }).promise;
  await story.time.advance(3_600_000 - 600_001);
  expect(story.offsets('g')).toHaveLength(2);
  await story.time.advance(1_200_001);
  expect(story.offsets('g')).toEqual(['orders-1=1']);
});

test('an offset that is to be kept for ever has expired, as in 64 bits the sum comes out negative', async () => {
  const story = await Story.begin();
  const { topics } = await story.commit('g', { 'orders-0': 7 }, { version: 2, retentionMs: 2 ** 63 }).promise;
  expect(topics).toMatchObject([{ partitions: [{ errorCode: 0 }] }]);
  expect(story.offsets('g')).toEqual(['orders-0=7']);
  await story.time.advance(600_001);
  expect(story.offsets('g')).toEqual([]);
});

test('a deleted topic takes its offsets along, in all groups', async () => {
  const story = await Story.begin();
  for (const group of ['a', 'b', 'c']) await story.commit(group, { 'orders-0': 1, 'returns-0': 2 }).promise;
  await story.commit('d', { 'orders-0': 1 }).promise;
  story.coordinator.onPartitionsDeleted([{ topic: 'orders', partition: 0 }]);
  await settled();
  for (const group of ['a', 'b', 'c']) expect(story.offsets(group)).toEqual(['returns-0=2']);
  expect(await story.state('d')).toBe('Dead');
  await story.restart();
  expect(story.offsets('b')).toEqual(['returns-0=2']);
});
