import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { BatchBuilder, endTxnMarkerBatch } from '../../src/protocol/records/index.js';
import { settled } from './support/manual-time.js';
import { bytes, commitErrors, consumerSubscription, int16, int32, sharesFor, Story } from './support/story.js';

// Expected bytes are laid out here by hand, not with the codecs under test.

function text(value: string): Buffer {
  return Buffer.concat([int16(value.length), bytes(value)]);
}

function blob(value: Uint8Array): Buffer {
  return Buffer.concat([int32(value.length), value]);
}

function int64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer;
}

const offsetKey = (version: number, group: string, topic: string, partition: number): Buffer =>
  Buffer.concat([int16(version), text(group), text(topic), int32(partition)]);
const groupKey = (group: string): Buffer => Buffer.concat([int16(2), text(group)]);
const offsetValue = (offset: number, metadata: string, at: number): Buffer =>
  Buffer.concat([int16(3), int64(offset), int32(-1), text(metadata), int64(at)]);

interface Planted { readonly key: Buffer; readonly value: Buffer | null }

function batchOf(records: readonly Planted[], options: ConstructorParameters<typeof BatchBuilder>[0] = {}): Buffer {
  const builder = new BatchBuilder(options);
  for (const record of records) builder.append({ ...record, timestamp: 1 });
  return builder.build();
}

test('a commit is written as Kafka 3.9 writes it: key version 1, value version 3', async () => {
  const story = await Story.begin();
  await story.commit('g', { 'orders-5': 42 }, { metadata: 'so far' }).promise;
  expect(story.log.rawRecords(story.partitionOf('g'))).toEqual([
    { key: offsetKey(1, 'g', 'orders', 5), value: offsetValue(42, 'so far', story.time.now()), timestamp: story.time.now() },
  ]);
});

test('a commit with a retention of its own is written with value version 1', async () => {
  const story = await Story.begin();
  await story.commit('g', { 'orders-0': 42 }, { version: 4, retentionMs: 5_000 }).promise;
  const now = story.time.now();
  const value = Buffer.concat([int16(1), int64(42), text(''), int64(now), int64(now + 5_000)]);
  expect(story.log.rawRecords(story.partitionOf('g'))[0]!.value).toEqual(value);
});

test('a plan is written as Kafka 3.9 writes it: key version 2, value version 3', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2, { instanceId: null });
  const joinEnded = story.time.now() - 1;
  const member = (id: string, client: string, share: string): Buffer => Buffer.concat([
    text(id), int16(-1), text(client), text('/127.0.0.1'), int32(60_000), int32(10_000), blob(consumerSubscription(['orders'])), blob(bytes(share)),
  ]);
  const value = Buffer.concat([
    int16(3), text('consumer'), int32(1), text('range'), text(first!.id), int64(joinEnded),
    int32(2), member(first!.id, 'client-0', 'share 0'), member(second!.id, 'client-1', 'share 1'),
  ]);
  expect(story.log.rawRecords(story.partitionOf('g'))).toMatchObject([{ key: groupKey('g'), value }]);
});

test('an empty group is written without protocol, leader and members', async () => {
  const story = await Story.begin();
  const [only] = await story.stableGroup('g', 1);
  await only!.leave();
  const value = Buffer.concat([int16(3), text('consumer'), int32(2), int16(-1), int16(-1), int64(story.time.now()), int32(0)]);
  expect(story.log.rawRecords(story.partitionOf('g')).at(-1)).toMatchObject({ key: groupKey('g'), value });
});

test('after a restart everything is as it was: members, shares, generations, offsets', async () => {
  const story = await Story.begin();
  const members = await story.stableGroup('g', 2);
  await members[0]!.commit({ 'orders-0': 10, 'orders-1': 11 }).promise;
  await members[0]!.commit({ 'orders-0': 12 }).promise;
  await story.commit('simple', { 'returns-3': 7 }).promise;
  const [gone] = await story.stableGroup('emptied', 1);
  await gone!.leave();
  const look = async () => [await story.describe('g'), await story.describe('simple'), await story.describe('emptied'), story.offsets('g'), story.offsets('simple')];
  const before = await look();

  await story.restart();
  expect(await look()).toEqual(before);
  expect(story.offsets('g')).toEqual(['orders-0=12', 'orders-1=11']);
  // Members go on as if nothing had happened, and are missed if they do not.
  for (const member of members) expect(await member.heartbeat()).toBe(ErrorCode.None);
  expect((await members[1]!.sync().promise).assignment!.toString()).toBe('share 1');
  await story.time.advance(10_001);
  expect(await story.state('g')).toBe('Empty');
});

test('members that a restart has found in the log and that never come back are missed when their sessions end', async () => {
  const story = await Story.begin();
  await story.stableGroup('g', 2, { sessionTimeoutMs: 10_000 });
  await story.restart();
  await story.time.advance(9_999);
  expect(await story.state('g')).toBe('Stable');
  await story.time.advance(60_001);
  expect(await story.state('g')).toBe('Empty');
});

test('a rebalance under way at the crash is forgotten; the last committed generation counts', async () => {
  const story = await Story.begin();
  const [first, second] = await story.stableGroup('g', 2);
  const joining = [first!.join(), second!.join()];
  await Promise.all(joining.map(({ promise }) => promise));
  expect(first!.generation).toBe(2);
  await story.restart();
  expect(await first!.heartbeat()).toBe(ErrorCode.IllegalGeneration);
  expect(await story.state('g')).toBe('Stable');
});

test('records of Kafka are read in all their versions, and kinds nobody here knows are skipped', async () => {
  const story = new Story();
  const partition = story.partitionOf('g');
  const v0Offset = Buffer.concat([int16(0), int64(5), text('old'), int64(1)]);
  const v1Offset = Buffer.concat([int16(1), int64(6), text(''), int64(1), int64(9_999_999_999_999)]);
  const v2Offset = Buffer.concat([int16(2), int64(7), text(''), int64(1)]);
  // Version 4 is flexible: compact strings, tagged fields at the end (an unknown one here).
  const v4Offset = Buffer.concat([int16(4), int64(8), int32(3), Buffer.from([3]), bytes('hi'), int64(1), Buffer.from([1, 9, 2, 0, 0])]);
  const v0Group = Buffer.concat([
    int16(0), text('consumer'), int32(4), text('range'), text('m1'), int32(1),
    text('m1'), text('c'), text('/10.0.0.1'), int32(12_000), blob(consumerSubscription(['orders'])), blob(bytes('x')),
  ]);
  story.log.plant(partition, batchOf([
    { key: offsetKey(0, 'g', 'orders', 0), value: v0Offset },
    { key: offsetKey(1, 'g', 'orders', 1), value: v1Offset },
    { key: offsetKey(1, 'g', 'orders', 2), value: v2Offset },
    { key: offsetKey(1, 'g', 'orders', 3), value: v4Offset },
    { key: Buffer.concat([int16(3), text('kip-848')]), value: Buffer.from([0, 0, 0, 0, 0, 1, 0]) },
    { key: groupKey('g'), value: v0Group },
  ]));
  story.log.plant(partition, batchOf([{ key: offsetKey(1, 'g', 'orders', 0), value: null }]));

  await story.lead([partition]);
  expect(story.offsets('g')).toEqual(['orders-1=6', 'orders-2=7', 'orders-3=8']);
  expect(await story.describe('g')).toMatchObject({
    errorCode: 0, groupState: 'Stable', protocolType: 'consumer', protocolData: 'range',
    members: [{ memberId: 'm1', clientId: 'c', clientHost: '/10.0.0.1' }],
  });
});

test('a value from a later Kafka stops the load: better no coordinator than one with old offsets', async () => {
  const story = new Story();
  const partition = story.partitionOf('g');
  story.log.plant(partition, batchOf([{ key: offsetKey(1, 'g', 'orders', 0), value: Buffer.concat([int16(5), int64(1)]) }]));
  await story.lead([partition]);
  expect((await story.describe('g')).errorCode).toBe(ErrorCode.NotCoordinator);
});

test('offsets of a transaction appear with its commit marker and not with an abort', async () => {
  const story = new Story();
  const partition = story.partitionOf('g');
  const inTransaction = (producerId: number, place: number, offset: number): Buffer =>
    batchOf([{ key: offsetKey(1, 'g', 'orders', place), value: offsetValue(offset, '', 1) }], { producerId, producerEpoch: 0, baseSequence: 0, transactional: true });
  const marker = (producerId: number, type: 'commit' | 'abort'): Buffer => endTxnMarkerBatch({ type, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 1 });
  story.log.plant(partition, inTransaction(100, 0, 10));
  story.log.plant(partition, inTransaction(200, 1, 20));
  story.log.plant(partition, inTransaction(300, 2, 30));
  story.log.plant(partition, inTransaction(400, 3, 40));
  story.log.plant(partition, batchOf([{ key: offsetKey(1, 'g', 'orders', 3), value: offsetValue(41, '', 1) }]));
  for (const [producer, type] of [[100, 'commit'], [200, 'abort'], [400, 'commit']] as const) story.log.plant(partition, marker(producer, type));

  await story.lead([partition]);
  // 400 committed, but a plain commit came after its offset.
  expect(story.offsets('g')).toEqual(['orders-0=10', 'orders-3=41']);
  const fetch = (stable: boolean) => story.coordinator.offsets.fetchOffsets('g', [{ name: 'orders', partitionIndexes: [2] }], stable).topics[0]!.partitions[0];
  expect(fetch(false)).toMatchObject({ committedOffset: -1, errorCode: 0 });
  expect(fetch(true)).toMatchObject({ committedOffset: -1, errorCode: ErrorCode.UnstableOffsetCommit });
  story.coordinator.onTransactionEnded(partition, 300, true);
  expect(fetch(true)).toMatchObject({ committedOffset: 30, errorCode: 0 });
});

test('nothing is visible before it is committed, and the answer comes no sooner', async () => {
  const story = await Story.begin();
  await story.commit('g', { 'orders-0': 1 }).promise;
  story.log.hold();
  const commit = story.commit('g', { 'orders-0': 2, 'orders-1': 3 });
  await settled();
  expect(commit.answer).toBeNull();
  expect(story.offsets('g')).toEqual(['orders-0=1']);
  expect(story.offsets('g', true)).toEqual([`orders-0=error ${ErrorCode.UnstableOffsetCommit}`]);
  await story.log.commitHeld();
  expect(commitErrors(commit.answer)).toEqual([0, 0]);
  expect(story.offsets('g', true)).toEqual(['orders-0=2', 'orders-1=3']);
});

test('a refused append changes nothing, and its error is told in the coordinator\'s terms', async () => {
  const story = await Story.begin();
  await story.commit('g', { 'orders-0': 1 }).promise;
  story.log.hold();
  const said: [number, number][] = [
    [ErrorCode.NotLeaderOrFollower, ErrorCode.NotCoordinator],
    [ErrorCode.KafkaStorageError, ErrorCode.NotCoordinator],
    [ErrorCode.NotEnoughReplicas, ErrorCode.CoordinatorNotAvailable],
    [ErrorCode.NotEnoughReplicasAfterAppend, ErrorCode.CoordinatorNotAvailable],
    [ErrorCode.UnknownTopicOrPartition, ErrorCode.CoordinatorNotAvailable],
    [ErrorCode.MessageTooLarge, ErrorCode.InvalidCommitOffsetSize],
    [ErrorCode.RequestTimedOut, ErrorCode.RequestTimedOut],
  ];
  for (const [refused, heard] of said) {
    const commit = story.commit('g', { 'orders-0': 99, 'orders-1': 99 });
    await settled();
    await story.log.refuseHeld(refused as ErrorCode);
    expect(commitErrors(commit.answer)).toEqual([heard, heard]);
  }
  expect(story.offsets('g', true)).toEqual(['orders-0=1']);
});

test('a plan that the log refuses sends everyone back to join, and nobody gets a share', async () => {
  const story = await Story.begin();
  const members = await story.stableGroup('g', 2);
  const [leader, follower] = members;
  await Promise.all([leader!.join().promise, follower!.join().promise]);
  story.log.hold();
  const syncs = [follower!.sync(), leader!.sync(sharesFor(members))];
  await settled();
  await story.log.refuseHeld(ErrorCode.NotEnoughReplicas);
  expect(syncs.map(({ answer }) => answer?.errorCode)).toEqual([ErrorCode.CoordinatorNotAvailable, ErrorCode.CoordinatorNotAvailable]);
  expect(await story.state('g')).toBe('PreparingRebalance');

  story.log.release();
  await Promise.all([leader!.join().promise, follower!.join().promise]);
  const again = follower!.sync();
  await leader!.sync(sharesFor(members)).promise;
  expect((await again.promise).assignment!.toString()).toBe('share 1');
});

test('a member joins while the plan is on its way: the plan is overtaken, and does no harm when it is committed', async () => {
  const story = await Story.begin();
  const members = await story.stableGroup('g', 2);
  const [leader, follower] = members;
  await Promise.all([leader!.join().promise, follower!.join().promise]);
  story.log.hold();
  const syncs = [follower!.sync(), leader!.sync(sharesFor(members))];
  await settled();
  const newcomer = story.member('g').join();
  await settled();
  expect(syncs.map(({ answer }) => answer?.errorCode)).toEqual([ErrorCode.RebalanceInProgress, ErrorCode.RebalanceInProgress]);
  await story.log.commitHeld();
  expect(await story.state('g')).toBe('PreparingRebalance');
  await Promise.all([leader!.join().promise, follower!.join().promise, newcomer.promise]);
  expect(await story.state('g')).toBe('CompletingRebalance');
  expect(leader!.generation).toBe(3);
});

test('a plan that is committed when the next generation already awaits its own changes nothing', async () => {
  const story = await Story.begin();
  const [only] = await story.stableGroup('g', 1);
  await only!.join().promise;
  story.log.hold();
  const old = only!.sync({ [only!.id]: 'old plan' });
  await settled();
  await only!.join().promise;
  only!.options = { ...only!.options, subscription: consumerSubscription(['returns']) };
  await only!.join().promise;
  expect((await old.promise).errorCode).toBe(ErrorCode.RebalanceInProgress);
  const next = only!.sync({ [only!.id]: 'new plan' });
  await settled();
  expect(story.log.held).toBe(2);
  await story.log.commitHeld(1);
  expect(await story.state('g')).toBe('CompletingRebalance');
  await story.log.commitHeld();
  expect((await next.promise).assignment!.toString()).toBe('new plan');
});

test('a leader that repeats its sync does not write its plan twice', async () => {
  const story = await Story.begin();
  const [leader] = await story.stableGroup('g', 1);
  await leader!.join().promise;
  story.log.hold();
  const abandoned = leader!.sync({ [leader!.id]: 'once' });
  await settled();
  const repeated = leader!.sync({ [leader!.id]: 'twice' });
  await settled();
  expect(story.log.held).toBe(1);
  await story.log.commitHeld();
  expect((await abandoned.promise).errorCode).toBe(ErrorCode.RebalanceInProgress);
  expect((await repeated.promise).assignment!.toString()).toBe('once');
});

test('a client waits no longer than the commit timeout; what is committed later still counts', async () => {
  const story = await Story.begin();
  story.log.hold();
  const commit = story.commit('g', { 'orders-0': 5 });
  await story.time.advance(4_999);
  expect(commit.answer).toBeNull();
  await story.time.advance(1);
  expect(commitErrors(commit.answer)).toEqual([ErrorCode.RequestTimedOut]);
  expect(story.offsets('g')).toEqual([]);
  await story.log.commitHeld();
  expect(story.offsets('g', true)).toEqual(['orders-0=5']);
});

test('a plan that takes too long sends everyone back to join', async () => {
  const story = await Story.begin();
  const [leader] = await story.stableGroup('g', 1);
  await leader!.join().promise;
  story.log.hold();
  const sync = leader!.sync({ [leader!.id]: 'late' });
  await story.time.advance(5_000);
  expect(sync.answer?.errorCode).toBe(ErrorCode.RebalanceInProgress);
  await story.log.commitHeld();
  story.log.release();
  await leader!.join().promise;
  expect(leader!.generation).toBe(3);
});

test('verdicts that arrive out of order are applied in the order of the log', async () => {
  const story = await Story.begin();
  story.log.hold();
  const commits = [];
  for (const offset of [1, 2, 3]) {
    commits.push(story.commit('g', { 'orders-0': offset }));
    await settled();
  }
  expect(story.log.held).toBe(3);
  await story.log.commitHeldOutOfOrder();
  expect(commits.map(({ answer }) => commitErrors(answer))).toEqual([[0], [0], [0]]);
  expect(story.offsets('g')).toEqual(['orders-0=3']);
});

test('commits of one turn of the event loop share a batch; a batch does not grow beyond its bound', async () => {
  const story = await Story.begin();
  const partition = story.partitionOf('g');
  await Promise.all(Array.from({ length: 100 }, (_, i) => story.commit('g', { [`orders-${i % 8}`]: i }).promise));
  expect(story.log.batchCount(partition)).toBe(1);
  expect(story.log.records(partition)).toHaveLength(100);
  await Promise.all(Array.from({ length: 100 }, (_, i) => story.commit('g', { 'orders-0': i }, { metadata: 'x'.repeat(1_000) }).promise));
  expect(story.log.batchCount(partition)).toBe(1 + 7);
});

test('what fits no record is refused, and only that', async () => {
  const story = await Story.begin();
  const monster = 'x'.repeat(40_000);
  story.topics.add(monster);
  const [bad, good] = [story.commit('g', { [`${monster}-0`]: 1 }), story.commit('g', { 'orders-0': 1 })];
  expect(commitErrors(await bad.promise)).toEqual([ErrorCode.UnknownServerError]);
  expect(commitErrors(await good.promise)).toEqual([0]);
  expect(story.offsets('g', true)).toEqual(['orders-0=1']);
});
