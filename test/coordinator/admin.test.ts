import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { encodeRecord } from '../../src/coordinator/group/records.js';
import { BatchBuilder } from '../../src/protocol/records/index.js';
import { settled } from './support/manual-time.js';
import { commitErrors, consumerSubscription, Story, watch } from './support/story.js';

const remove = (story: Story, ...groupsNames: string[]) => watch(story.coordinator.admin.deleteGroups({ groupsNames }));
const errorsOf = (answer: { results?: readonly { errorCode?: number | undefined }[] | undefined } | null) => answer?.results?.map(({ errorCode }) => errorCode);

test('a stable group is described with its members, their subscriptions and shares; another only with who is there', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2);
  expect(await story.describe('g')).toMatchObject({
    errorCode: 0, groupId: 'g', groupState: 'Stable', protocolType: 'consumer', protocolData: 'range',
    members: [
      { memberId: first!.id, clientId: 'client-0', clientHost: '/127.0.0.1', groupInstanceId: null, memberMetadata: consumerSubscription(['orders']), memberAssignment: Buffer.from('share 0') },
      { memberId: second!.id },
    ],
  });
  const joining = first!.join();
  await settled();
  const rebalancing = await story.describe('g');
  expect(rebalancing).toMatchObject({ groupState: 'PreparingRebalance', protocolData: '' });
  expect(rebalancing.members!.map(({ memberAssignment }) => memberAssignment!.length)).toEqual([0, 0]);
  await second!.join().promise;
  await joining.promise;
});

test('a group nobody knows is described as dead', async () => {
  const story = await Story.begin();
  expect(await story.describe('unheard-of')).toEqual({ groupId: 'unheard-of', errorCode: 0, groupState: 'Dead', protocolType: '', protocolData: '', members: [] });
});

test('groups are listed, all or by state and type, whatever the case of the letters', async () => {
  const story = await Story.begin();
  await story.stableGroup('stable', 1);
  await story.commit('simple', { 'orders-0': 1 }).promise;
  const list = async (statesFilter: string[], typesFilter: string[] = []) => {
    const { groups } = await story.coordinator.admin.listGroups({ statesFilter, typesFilter });
    return groups!.map(({ groupId }) => groupId).sort();
  };
  expect(await list([])).toEqual(['simple', 'stable']);
  expect(await list(['sTABLE'])).toEqual(['stable']);
  expect(await list(['Empty', 'Dead'])).toEqual(['simple']);
  expect(await list([], ['Classic'])).toEqual(['simple', 'stable']);
  expect(await list([], ['consumer'])).toEqual([]);
  const { groups } = await story.coordinator.admin.listGroups({ statesFilter: ['Stable'], typesFilter: [] });
  expect(groups).toEqual([{ groupId: 'stable', protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' }]);
});

test('an empty group can be deleted, with all its offsets, for good', async () => {
  const story = await Story.begin();
  const [member] = await story.stableGroup('g', 1);
  await member!.commit({ 'orders-0': 1, 'orders-1': 2 }).promise;
  expect(errorsOf(await remove(story, 'g', 'unheard-of').promise)).toEqual([ErrorCode.NonEmptyGroup, ErrorCode.GroupIdNotFound]);
  await member!.leave();
  expect(errorsOf(await remove(story, 'g', 'g').promise)).toEqual([0]);
  expect(story.offsets('g')).toEqual([]);
  await story.restart();
  expect(story.offsets('g')).toEqual([]);
  expect((await story.coordinator.admin.listGroups({ statesFilter: [], typesFilter: [] })).groups).toEqual([]);
});

test('a group is gone as soon as it is deleted; who comes while its tombstones are on their way begins a new one', async () => {
  const story = await Story.begin();
  const [member] = await story.stableGroup('g', 1);
  await member!.commit({ 'orders-0': 1, 'orders-1': 2 }).promise;
  await member!.leave();
  story.log.hold();
  const deletion = remove(story, 'g');
  await settled();
  expect(await story.state('g')).toBe('Dead');
  expect((await story.describe('g')).protocolType).toBe('');
  expect(await member!.heartbeat()).toBe(ErrorCode.UnknownMemberId);
  expect((await story.coordinator.admin.listGroups({ statesFilter: [], typesFilter: [] })).groups).toEqual([]);
  const commit = story.commit('g', { 'orders-1': 7 });
  await story.log.commitHeld();
  expect(story.offsets('g')).toEqual([]);
  await story.log.commitHeld();
  expect([errorsOf(deletion.answer), commitErrors(commit.answer)]).toEqual([[0], [0]]);
  expect(story.offsets('g')).toEqual(['orders-1=7']);
  await story.restart();
  expect(story.offsets('g')).toEqual(['orders-1=7']);
});

test('a group that nobody but a pending member is for goes with any deleted topic; the member begins again', async () => {
  const story = await Story.begin();
  const member = story.member('g');
  const { memberId } = await member.joinOnce();
  member.id = memberId!;
  expect(await story.state('g')).toBe('Empty');
  story.coordinator.onPartitionsDeleted([{ topic: 'nowhere', partition: 0 }]);
  await story.time.advance(1);
  expect(await story.state('g')).toBe('Dead');
  expect((await member.joinOnce()).errorCode).toBe(ErrorCode.UnknownMemberId);
});

test('OffsetDelete takes an empty group along only if it names something', async () => {
  const story = await Story.begin();
  await story.member('g').joinOnce();
  const deletion = (...partitions: number[]) => story.coordinator.offsets.offsetDelete({ groupId: 'g', topics: [{ name: 'orders', partitions: partitions.map(partitionIndex => ({ partitionIndex })) }] });
  expect(await deletion()).toEqual({ topics: [] });
  expect(await story.state('g')).toBe('Empty');
  expect(await deletion(0, 0)).toEqual({ topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, errorCode: 0 }] }] });
  expect(await story.state('g')).toBe('Dead');
});

test('OffsetDelete answers what is there once, and what is not as often as it is named', async () => {
  const story = await Story.begin();
  await story.commit('g', { 'orders-0': 1, 'orders-1': 1 }).promise;
  const index = (partitionIndex: number) => ({ partitionIndex });
  const { topics } = await story.coordinator.offsets.offsetDelete({ groupId: 'g', topics: [
    { name: 'orders', partitions: [index(0), index(99), index(0)] }, { name: 'nowhere', partitions: [] }, { name: 'orders', partitions: [index(0), index(99)] },
  ] });
  expect(topics!.map(({ name, partitions }) => [name, partitions!.map(each => [each.partitionIndex, each.errorCode])])).toEqual([
    ['orders', [[0, 0], [99, ErrorCode.UnknownTopicOrPartition], [99, ErrorCode.UnknownTopicOrPartition]]], ['nowhere', []],
  ]);
});

test('a commit on its way when the group is deleted is deleted too', async () => {
  const story = await Story.begin();
  await story.commit('g', { 'orders-0': 1 }).promise;
  story.log.hold();
  const commit = story.commit('g', { 'orders-1': 2 });
  const deletion = remove(story, 'g');
  await settled();
  await story.log.commitHeld();
  expect(commitErrors(commit.answer)).toEqual([0]);
  expect(errorsOf(deletion.answer)).toEqual([0]);
  expect(story.offsets('g')).toEqual([]);
  await story.restart();
  expect(story.offsets('g')).toEqual([]);
});

test('a deletion that the log refuses leaves the group as it was', async () => {
  const story = await Story.begin();
  await story.commit('g', { 'orders-0': 1 }).promise;
  story.log.hold();
  const deletion = remove(story, 'g');
  await settled();
  await story.log.refuseHeld(ErrorCode.NotEnoughReplicas);
  expect(errorsOf(deletion.answer)).toEqual([ErrorCode.CoordinatorNotAvailable]);
  expect(story.offsets('g')).toEqual(['orders-0=1']);
  expect(await story.state('g')).toBe('Empty');
});

test('a group that only has offsets in an open transaction can be deleted, and the transaction does not bring it back', async () => {
  const story = new Story();
  const partition = story.partitionOf('g');
  const batch = new BatchBuilder({ producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: true });
  const { key, value } = encodeRecord({
    kind: 'offset', group: 'g', topic: 'orders', partition: 0,
    value: { offset: 5, leaderEpoch: -1, metadata: '', commitTimestamp: 1, expireTimestamp: -1 },
  });
  story.log.plant(partition, batch.append({ key, value, timestamp: 1 }).build());
  await story.lead([0, 1, 2, 3]);
  expect(await story.state('g')).toBe('Empty');
  expect(errorsOf(await remove(story, 'g').promise)).toEqual([0]);
  story.coordinator.onTransactionEnded(partition, 7, true);
  expect(await story.state('g')).toBe('Dead');
});

test('offsets of topics that a live group consumes cannot be deleted; others can', async () => {
  const story = await Story.begin();
  const [member] = await story.stableGroup('g', 1, { subscription: consumerSubscription(['orders']) });
  await member!.commit({ 'orders-0': 1, 'returns-0': 2 }).promise;
  const answer = await story.coordinator.offsets.offsetDelete({ groupId: 'g', topics: [
    { name: 'orders', partitions: [{ partitionIndex: 0 }] },
    { name: 'returns', partitions: [{ partitionIndex: 0 }, { partitionIndex: 99 }] },
  ] });
  expect(answer.topics).toEqual([
    { name: 'orders', partitions: [{ partitionIndex: 0, errorCode: ErrorCode.GroupSubscribedToTopic }] },
    { name: 'returns', partitions: [{ partitionIndex: 0, errorCode: 0 }, { partitionIndex: 99, errorCode: ErrorCode.UnknownTopicOrPartition }] },
  ]);
  expect(story.offsets('g')).toEqual(['orders-0=1']);
  const refused = (group: string) => story.coordinator.offsets.offsetDelete({ groupId: group, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }] });
  expect(await refused('unheard-of')).toEqual({ errorCode: ErrorCode.GroupIdNotFound });
  await story.stableGroup('connect', 1, { protocolType: 'connect' });
  expect(await refused('connect')).toEqual({ errorCode: ErrorCode.NonEmptyGroup });
});
