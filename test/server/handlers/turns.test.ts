import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.js';
import { systemTimers, type Timers } from '../../../src/base/timers.js';
import { ErrorCode } from '../../../src/protocol/errors.js';
import type {
  DeleteGroupsResponse, DeleteTopicsResponse, DescribeGroupsResponse, FindCoordinatorResponse, IncrementalAlterConfigsResponse, ListOffsetsResponse, MetadataResponse,
  OffsetCommitResponse, OffsetFetchResponse, OffsetForLeaderEpochResponse,
} from '../../../src/protocol/messages.js';
import { MetadataCache } from '../../../src/replication/metadata-cache.js';
import type { Handler } from '../../../src/server/handler.js';
import { deleteGroups } from '../../../src/server/handlers/delete-groups.js';
import { deleteTopics } from '../../../src/server/handlers/delete-topics.js';
import { describeGroups } from '../../../src/server/handlers/describe-groups.js';
import { findCoordinator } from '../../../src/server/handlers/find-coordinator.js';
import { incrementalAlterConfigs } from '../../../src/server/handlers/incremental-alter-configs.js';
import { listOffsets } from '../../../src/server/handlers/list-offsets.js';
import { metadata } from '../../../src/server/handlers/metadata.js';
import { offsetCommit } from '../../../src/server/handlers/offset-commit.js';
import { offsetFetch } from '../../../src/server/handlers/offset-fetch.js';
import { offsetForLeaderEpoch } from '../../../src/server/handlers/offset-for-leader-epoch.js';
import { RequestError } from '../../../src/server/request-error.js';
import type { BrokerServices } from '../../../src/server/services.js';
import { settled } from '../../coordinator/support/manual-time.js';
import { Story } from '../../coordinator/support/story.js';
import { ask } from './support.js';
import { named } from '../../support/names.js';

// Requests of very many rows: no quadratic work, and nobody else waits for all of it.

const WIDE = 2000;
const every = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

/** A broker with one wide topic and a clock that goes by looks: as it comes, each is the end of a turn. */
async function begin(msPerLook = 5): Promise<{ story: Story; turnsOf: <Answer>(handler: Handler, version: number, request: object) => Promise<[Answer, number]> }> {
  const story = await Story.begin();
  let now = 0;
  let turns = 0;
  const clock: Clock = { now: () => now, monotonic: () => (now += msPerLook) };
  const timers: Timers = { ...systemTimers, after: (_ms, action) => {
    turns++;
    const immediate = setImmediate(action);
    return { cancel: () => clearImmediate(immediate) };
  } };
  const cache = new MetadataCache();
  cache.update({
    controllerId: 0,
    brokers: [{ id: 0, rack: null, endpoints: [{ listener: 'PLAINTEXT', host: 'here', port: 1, securityProtocol: 0 }] }],
    topics: [{ name: named('wide'), id: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: every(WIDE, partition => ({ partition, leader: 0, leaderEpoch: 0, isr: [0], replicas: [0], offlineReplicas: [], zkVersion: 0, controllerEpoch: 1 })) }],
  });
  const broker = {
    clock, timers, metadata: cache, groups: story.coordinator, clusterId: 'c',
    replicas: { find: () => undefined },
    internalTopics: { create: () => {} },
    controller: { isActive: true },
    config: { boolean: () => true },
    brokerId: MANY,
    topicConfigs: { read: async () => new Map() },
    topics: { delete: async () => { throw new RequestError(ErrorCode.UnknownTopicOrPartition, ''); }, exists: async () => false },
  } as unknown as BrokerServices;
  return {
    story,
    turnsOf: async <Answer>(handler: Handler, version: number, request: object): Promise<[Answer, number]> => {
      const before = turns;
      return [await ask<Answer>(handler, version, request, broker), turns - before];
    },
  };
}

/** In so many rows quadratic work takes tens of seconds. */
const MANY = 200_000;

test('ListOffsets of very many partitions: one named twice anywhere in the request is refused, the others are answered in order and in turns', async () => {
  const { turnsOf } = await begin();
  const rows = (count: number, from = 0): object[] => every(count, index => ({ partitionIndex: from + index, timestamp: -1 }));
  const [{ topics }, turns] = await turnsOf<ListOffsetsResponse>(listOffsets, 6, { replicaId: -1, topics: [{ name: 'nowhere', partitions: rows(MANY) }] });
  expect(turns).toBeGreaterThan(MANY / 1000);
  expect(topics[0]!.partitions.every(({ partitionIndex, errorCode }, index) => partitionIndex === index && errorCode === ErrorCode.UnknownTopicOrPartition)).toBe(true);
  const [some] = await turnsOf<ListOffsetsResponse>(listOffsets, 6, { replicaId: -1, topics: [
    { name: 'wide', partitions: [...rows(3), ...rows(1)] }, { name: 'nowhere', partitions: rows(2) }, { name: 'wide', partitions: rows(3, 2) }, { name: 'none', partitions: [] },
  ] });
  const [twice, led, unknown] = [ErrorCode.InvalidRequest, ErrorCode.NotLeaderOrFollower, ErrorCode.UnknownTopicOrPartition];
  expect(some.topics.map(({ name, partitions }) => [name, partitions.map(each => [each.partitionIndex, each.errorCode])])).toEqual([
    ['wide', [[0, twice], [1, led], [2, twice], [0, twice]]], ['nowhere', [[0, unknown], [1, unknown]]], ['wide', [[2, twice], [3, led], [4, led]]], ['none', []],
  ]);
});

test('IncrementalAlterConfigs of very many resources: one named twice is refused', async () => {
  const { turnsOf } = await begin(0.02);
  const resources = [...every(MANY, index => ({ resourceType: 4, resourceName: `${index}`, configs: [] })), ...['t', 't', '7'].map(resourceName => ({ resourceType: 2, resourceName, configs: [] }))];
  const [{ responses }, turns] = await turnsOf<IncrementalAlterConfigsResponse>(incrementalAlterConfigs, 1, { resources, validateOnly: true });
  expect(turns).toBeGreaterThan(MANY / 1000);
  expect(responses.slice(0, MANY).every(({ errorMessage }) => errorMessage!.startsWith('Unexpected broker id'))).toBe(true);
  expect(responses.slice(MANY).map(({ errorCode }) => errorCode)).toEqual([ErrorCode.InvalidRequest, ErrorCode.InvalidRequest, ErrorCode.UnknownTopicOrPartition]);
}, 60_000);

test('OffsetCommit of very many rows for one topic, of which each comes on its own', async () => {
  const { turnsOf, story } = await begin();
  const commit = (topics: object[]): Promise<[OffsetCommitResponse, number]> => turnsOf(offsetCommit, 8, { groupId: 'g', generationIdOrMemberEpoch: -1, topics });
  const [refused] = await commit(every(MANY, index => ({ name: 'nowhere', partitions: [{ partitionIndex: index, committedOffset: 1, committedMetadata: '' }] })));
  expect(refused.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([['nowhere', MANY]]);
  // More than a call takes as arguments.
  const [taken] = await commit([{ name: 'orders', partitions: every(MANY, index => ({ partitionIndex: index % 8, committedOffset: index, committedMetadata: '' })) }]);
  expect(taken.topics[0]!.partitions.every(({ errorCode }) => errorCode === ErrorCode.None)).toBe(true);
  expect(story.offsets('g')[7]).toBe(`orders-7=${MANY - 1}`);
}, 60_000);

test('what is asked of the wide topic is answered in turns', async () => {
  const { turnsOf } = await begin();
  const [{ topics: [known] }, turns] = await turnsOf<MetadataResponse>(metadata, 9, { topics: [{ name: 'wide' }] });
  expect(known!.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual(every(WIDE, index => index));
  expect(turns, 'Metadata').toBeGreaterThan(4);
  const [epochs, taken] = await turnsOf<OffsetForLeaderEpochResponse>(offsetForLeaderEpoch, 4, { replicaId: -1, topics: ['wide', 'nowhere'].map(topic => ({ topic, partitions: every(WIDE, partition => ({ partition, leaderEpoch: 0 })) })) });
  expect(epochs.topics.map(({ topic, partitions }) => [topic, partitions.length, partitions[WIDE - 1]!.partition, partitions[7]!.errorCode])).toEqual([['wide', WIDE, WIDE - 1, ErrorCode.NotLeaderOrFollower], ['nowhere', WIDE, WIDE - 1, ErrorCode.UnknownTopicOrPartition]]);
  expect(taken, 'OffsetForLeaderEpoch').toBeGreaterThan(8);
});

test('what is asked of very many groups and topics is answered in turns, and what is named over and over not without end', async () => {
  const { turnsOf, story } = await begin();
  await story.commit('g0', { 'orders-1': 5, 'returns-2': 6 }).promise;
  const names = every(WIDE, index => `g${index}`);
  const [deleted, deleting] = await turnsOf<DeleteGroupsResponse>(deleteGroups, 2, { groupsNames: ['x', ...names.slice(1), 'x'] });
  expect(deleted.results.map(({ groupId }) => groupId)).toEqual(['x', ...names.slice(1)]);
  expect(deleted.results.every(({ errorCode }) => errorCode === ErrorCode.GroupIdNotFound)).toBe(true);
  const [described, describing] = await turnsOf<DescribeGroupsResponse>(describeGroups, 5, { groups: [...names, ...names] });
  expect(described.groups.map(({ groupId, groupState }) => [groupId, groupState])).toEqual([...names, ...names.slice(0, 1000)].map(name => [name, name === 'g0' ? 'Empty' : 'Dead']));
  const [found, finding] = await turnsOf<FindCoordinatorResponse>(findCoordinator, 4, { keyType: 0, coordinatorKeys: names });
  expect(found.coordinators.map(({ key }) => key)).toEqual(names);
  const [gone, going] = await turnsOf<DeleteTopicsResponse>(deleteTopics, 5, { topicNames: names, timeoutMs: 1000 });
  expect(gone.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual(names.map(name => [name, ErrorCode.UnknownTopicOrPartition]));
  expect([deleting > 4, describing > WIDE / 2, finding > 4, going > 4]).toEqual([true, true, true, true]);

  const [all, fetching] = await turnsOf<OffsetFetchResponse>(offsetFetch, 8, { groups: every(WIDE, () => ({ groupId: 'g0', topics: null })) });
  expect(all.groups.map(({ groupId, topics }) => [groupId, topics.length])).toEqual(every(335, () => ['g0', 2]));
  expect(fetching).toBeGreaterThan(WIDE / 2);
  const topics = every(WIDE, index => ({ name: index === 77 ? 'orders' : `t${index}`, partitionIndexes: [1] }));
  const [one, stepping] = await turnsOf<OffsetFetchResponse>(offsetFetch, 7, { groupId: 'g0', topics });
  expect(one.topics.map(({ name, partitions }) => [name, partitions[0]!.committedOffset])).toEqual(topics.map(({ name }) => [name, name === 'orders' ? 5 : -1]));
  expect(stepping).toBeGreaterThan(WIDE / 20);
});

test('a group that another broker takes over while its offsets are told is not told in part', async () => {
  const { turnsOf, story } = await begin();
  await story.commit('g', { 'orders-1': 5 }).promise;
  const asked = turnsOf<OffsetFetchResponse>(offsetFetch, 8, { groups: [{ groupId: 'g', topics: every(WIDE, index => ({ name: `t${index}`, partitionIndexes: [1] })) }] });
  for (let turn = 0; turn < 10; turn++) await settled();
  story.coordinator.onResigned(story.partitionOf('g'));
  const [{ groups }] = await asked;
  expect(groups).toMatchObject([{ groupId: 'g', errorCode: ErrorCode.NotCoordinator, topics: [] }]);
});
