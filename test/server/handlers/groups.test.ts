import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import type {
  DeleteGroupsResponse, DescribeGroupsResponse, HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse, ListGroupsResponse, OffsetCommitResponse,
  OffsetDeleteResponse, OffsetFetchResponse, SyncGroupResponse,
} from '../../../src/protocol/messages.js';
import { deleteGroups } from '../../../src/server/handlers/delete-groups.js';
import { describeGroups } from '../../../src/server/handlers/describe-groups.js';
import { heartbeat } from '../../../src/server/handlers/heartbeat.js';
import { joinGroup } from '../../../src/server/handlers/join-group.js';
import { leaveGroup } from '../../../src/server/handlers/leave-group.js';
import { listGroups } from '../../../src/server/handlers/list-groups.js';
import { offsetCommit } from '../../../src/server/handlers/offset-commit.js';
import { offsetDelete } from '../../../src/server/handlers/offset-delete.js';
import { offsetFetch } from '../../../src/server/handlers/offset-fetch.js';
import { syncGroup } from '../../../src/server/handlers/sync-group.js';
import type { BrokerServices } from '../../../src/server/services.js';
import { consumerSubscription, Story } from '../../coordinator/support/story.js';
import { ask, failing, versions } from './support.js';

// Every version goes through its bytes: what a version cannot carry fails to encode.

async function begin(): Promise<{ story: Story; broker: Partial<BrokerServices> }> {
  const story = await Story.begin({ config: { initialRebalanceDelayMs: 0 } });
  return { story, broker: { groups: story.coordinator, clock: story.time, timers: story.time } };
}

const JOIN = { groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000, protocolType: 'consumer', protocols: [{ name: 'range', metadata: consumerSubscription(['orders']) }] };

describe.each(versions(0, 9))('JoinGroup v%i', version => {
  test('a newcomer becomes the leader of a group of its own', async () => {
    const { story, broker } = await begin();
    let memberId = '';
    if (version >= 4) {
      const required = await ask<JoinGroupResponse>(joinGroup, version, JOIN, broker);
      expect(required).toMatchObject({ errorCode: ErrorCode.MemberIdRequired, generationId: -1, protocolName: version >= 7 ? null : '' });
      memberId = required.memberId;
      expect(memberId).toMatch(/^tester-/);
    }
    const joining = ask<JoinGroupResponse>(joinGroup, version, { ...JOIN, memberId }, broker);
    await story.time.advance(1);
    const joined = await joining;
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', protocolType: version >= 7 ? 'consumer' : null, leader: joined.memberId });
    expect(joined.members).toHaveLength(1);
    expect((await story.describe('g')).members).toMatchObject([{ clientId: 'tester', clientHost: '/127.0.0.1' }]);
  });

  test('a failure is told in a shape of this version', () => {
    expect(failing(joinGroup, version, JOIN, ErrorCode.UnknownServerError)).toMatchObject({ errorCode: -1, generationId: -1, memberId: '', protocolName: version >= 7 ? null : '' });
  });
});

test('JoinGroup v0 has only a session timeout, which is then the rebalance timeout too', async () => {
  const { story, broker } = await begin();
  const join = async (version: number): Promise<JoinGroupResponse> => {
    const joining = ask<JoinGroupResponse>(joinGroup, version, JOIN, broker);
    await story.time.advance(1);
    return joining;
  };
  const { memberId } = await join(0);
  void ask(joinGroup, 0, JOIN, broker);
  await story.time.advance(9_998);
  expect((await story.describe('g')).members).toHaveLength(2);
  await story.time.advance(3);
  expect((await story.describe('g')).members!.map(member => member.memberId)).not.toContain(memberId);
});

async function stable(): Promise<{ story: Story; broker: Partial<BrokerServices>; me: { groupId: string; memberId: string; generationId: number } }> {
  const { story, broker } = await begin();
  const [member] = await story.stableGroup('g', 1);
  return { story, broker, me: { groupId: 'g', memberId: member!.id, generationId: member!.generation } };
}

test.each(versions(0, 5))('SyncGroup v%i brings the share', async version => {
  const { broker, me } = await stable();
  const names = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {};
  const synced = await ask<SyncGroupResponse>(syncGroup, version, { ...me, ...names }, broker);
  expect(synced).toMatchObject({ errorCode: 0, protocolType: version >= 5 ? 'consumer' : null, protocolName: version >= 5 ? 'range' : null });
  expect(Buffer.from(synced.assignment).toString()).toBe('share 0');
  if (version >= 5) expect(await ask(syncGroup, version, me, broker)).toMatchObject({ errorCode: ErrorCode.InconsistentGroupProtocol });
});

test.each(versions(0, 4))('Heartbeat v%i', async version => {
  const { broker, me } = await stable();
  expect((await ask<HeartbeatResponse>(heartbeat, version, me, broker)).errorCode).toBe(0);
  expect((await ask<HeartbeatResponse>(heartbeat, version, { ...me, generationId: 9 }, broker)).errorCode).toBe(ErrorCode.IllegalGeneration);
});

test.each(versions(0, 5))('LeaveGroup v%i', async version => {
  const { story, broker, me } = await stable();
  const request = (memberId: string): object => version < 3 ? { groupId: 'g', memberId } : { groupId: 'g', members: [{ memberId, groupInstanceId: null }] };
  const errorOf = ({ errorCode, members }: LeaveGroupResponse): number => version < 3 ? errorCode : members[0]!.errorCode;
  expect(errorOf(await ask(leaveGroup, version, request('nobody'), broker))).toBe(ErrorCode.UnknownMemberId);
  expect(errorOf(await ask(leaveGroup, version, request(me.memberId), broker))).toBe(0);
  expect(await story.state('g')).toBe('Empty');
});

const COMMIT = { groupId: 'g', topics: [{ name: 'orders', partitions: [{ partitionIndex: 1, committedOffset: 17, committedMetadata: 'note' }] }] };

test.each(versions(0, 9))('OffsetCommit v%i', async version => {
  const { story, broker } = await begin();
  const answer = await ask<OffsetCommitResponse>(offsetCommit, version, COMMIT, broker);
  expect(answer.topics).toEqual([{ name: 'orders', partitions: [{ partitionIndex: 1, errorCode: 0 }] }]);
  if (version === 0) expect([...story.zookeeper]).toEqual([['g/orders/1', 17]]);
  else expect(story.offsets('g')).toEqual(['orders-1=17']);
  expect(failing<OffsetCommitResponse>(offsetCommit, version, COMMIT, -1).topics[0]!.partitions).toEqual([{ partitionIndex: 1, errorCode: -1 }]);
});

describe.each(versions(0, 9))('OffsetFetch v%i', version => {
  const asking = (topics: object[] | null, groupId = 'g'): object => version >= 8 ? { groups: [{ groupId, topics }] } : { groupId, topics };
  const topicsOf = (answer: OffsetFetchResponse) => version >= 8 ? answer.groups[0]!.topics : answer.topics;

  test('finds what was committed, and says where nothing was', async () => {
    const { story, broker } = await begin();
    await story.commit('g', { 'orders-1': 17 }, { metadata: 'note', version: Math.min(version, 1) }).promise;
    const topics = topicsOf(await ask(offsetFetch, version, asking([{ name: 'orders', partitionIndexes: [1, 2] }]), broker));
    const [found, missing] = topics[0]!.partitions;
    expect(found).toMatchObject({ partitionIndex: 1, committedOffset: 17, committedLeaderEpoch: -1, metadata: version === 0 ? '' : 'note', errorCode: 0 });
    expect(missing).toMatchObject({ partitionIndex: 2, committedOffset: -1, metadata: '', errorCode: version === 0 ? ErrorCode.UnknownTopicOrPartition : 0 });
  });

  test.runIf(version >= 2)('null topics are all topics', async () => {
    const { story, broker } = await begin();
    await story.commit('g', { 'orders-1': 17, 'returns-0': 3 }).promise;
    const topics = topicsOf(await ask(offsetFetch, version, asking(null), broker));
    expect(topics.map(({ name }) => name).sort()).toEqual(['orders', 'returns']);
  });

  test.runIf(version >= 1)('an error of the group is told where this version tells it', async () => {
    const story = await Story.begin({ led: [] });
    const answer = await ask<OffsetFetchResponse>(offsetFetch, version, asking([{ name: 'orders', partitionIndexes: [1] }]), { groups: story.coordinator, clock: story.time, timers: story.time });
    if (version >= 8) expect(answer.groups).toEqual([{ groupId: 'g', topics: [], errorCode: ErrorCode.NotCoordinator }]);
    else if (version >= 2) expect(answer).toMatchObject({ errorCode: ErrorCode.NotCoordinator, topics: [] });
    else expect(answer.topics[0]!.partitions).toMatchObject([{ partitionIndex: 1, committedOffset: -1, errorCode: ErrorCode.NotCoordinator }]);
  });
});

test('OffsetFetch v8 answers several groups, each for itself', async () => {
  const { story, broker } = await begin();
  for (const [group, offset] of [['a', 1], ['b', 2]] as const) await story.commit(group, { 'orders-0': offset }).promise;
  const { groups } = await ask<OffsetFetchResponse>(offsetFetch, 8, { groups: ['a', 'b', 'c'].map(groupId => ({ groupId, topics: null })) }, broker);
  expect(groups.map(({ groupId, errorCode, topics }) => [groupId, errorCode, topics[0]?.partitions[0]?.committedOffset])).toEqual([['a', 0, 1], ['b', 0, 2], ['c', 0, undefined]]);
});

test('OffsetFetch v8 answers a group as often as it is named, a partition once, and nothing for a topic without partitions', async () => {
  const { story, broker } = await begin();
  await story.commit('g', { 'orders-0': 1 }).promise;
  const orders = (...partitionIndexes: number[]) => ({ name: 'orders', partitionIndexes });
  const { groups } = await ask<OffsetFetchResponse>(offsetFetch, 8, { groups: [
    { groupId: 'g', topics: null }, { groupId: 'g', topics: null },
    { groupId: 'g', topics: [orders(0, 0), { name: 'returns', partitionIndexes: [] }, orders(1, 0)] },
  ] }, broker);
  expect(groups.map(({ groupId, topics }) => [groupId, topics.map(({ name, partitions }) => [name, partitions.map(each => [each.partitionIndex, each.committedOffset])])])).toEqual([
    ['g', [['orders', [[0, 1]]]]], ['g', [['orders', [[0, 1]]]]], ['g', [['orders', [[0, 1], [1, -1]]]]],
  ]);
});

test('OffsetFetch v0 too answers a partition once', async () => {
  const { story, broker } = await begin();
  await story.commit('g', { 'orders-0': 1 }, { version: 0 }).promise;
  const { topics } = await ask<OffsetFetchResponse>(offsetFetch, 0, { groupId: 'g', topics: [{ name: 'orders', partitionIndexes: [0, 0] }, { name: 'orders', partitionIndexes: [0] }] }, broker);
  expect(topics).toMatchObject([{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }]);
  expect(topics[0]!.partitions).toHaveLength(1);
});

test('DescribeGroups answers a group as often as it is named', async () => {
  const { broker } = await stable();
  const { groups } = await ask<DescribeGroupsResponse>(describeGroups, 5, { groups: ['g', 'other', 'g'] }, broker);
  expect(groups.map(({ groupId, groupState }) => [groupId, groupState])).toEqual([['g', 'Stable'], ['other', 'Dead'], ['g', 'Stable']]);
});

test.each(versions(0, 5))('DescribeGroups v%i', async version => {
  const { broker, me } = await stable();
  const { groups } = await ask<DescribeGroupsResponse>(describeGroups, version, { groups: ['g', 'unheard-of'] }, broker);
  expect(groups).toMatchObject([
    { errorCode: 0, groupId: 'g', groupState: 'Stable', protocolType: 'consumer', protocolData: 'range', members: [{ memberId: me.memberId }], authorizedOperations: -2147483648 },
    { errorCode: 0, groupId: 'unheard-of', groupState: 'Dead', members: [] },
  ]);
  if (version < 3) return;
  const allowed = await ask<DescribeGroupsResponse>(describeGroups, version, { groups: ['g'], includeAuthorizedOperations: true }, broker);
  expect(allowed.groups[0]!.authorizedOperations).toBe(328);
});

test.each(versions(0, 5))('ListGroups v%i', async version => {
  const { story, broker } = await stable();
  await story.commit('simple', { 'orders-0': 1 }).promise;
  const { groups } = await ask<ListGroupsResponse>(listGroups, version, {}, broker);
  const byName = Object.fromEntries(groups.map(group => [group.groupId, group]));
  expect(byName['g']).toMatchObject({ protocolType: 'consumer', groupState: version >= 4 ? 'Stable' : '', groupType: version >= 5 ? 'classic' : '' });
  expect(byName['simple']).toMatchObject({ protocolType: '' });
  if (version >= 4) expect((await ask<ListGroupsResponse>(listGroups, version, { statesFilter: ['Empty'] }, broker)).groups).toHaveLength(1);
});

test.each(versions(0, 2))('DeleteGroups v%i', async version => {
  const { story, broker } = await stable();
  await story.commit('simple', { 'orders-0': 1 }).promise;
  const { results } = await ask<DeleteGroupsResponse>(deleteGroups, version, { groupsNames: ['g', 'simple', 'unheard-of'] }, broker);
  expect(results.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([['g', ErrorCode.NonEmptyGroup], ['simple', 0], ['unheard-of', ErrorCode.GroupIdNotFound]]);
});

test('OffsetDelete v0', async () => {
  const { story, broker } = await begin();
  await story.commit('g', { 'orders-0': 1, 'orders-1': 2 }).promise;
  const answer = await ask<OffsetDeleteResponse>(offsetDelete, 0, { groupId: 'g', topics: [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }] }, broker);
  expect(answer).toMatchObject({ errorCode: 0, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, errorCode: 0 }] }] });
  expect(story.offsets('g')).toEqual(['orders-1=2']);
});
