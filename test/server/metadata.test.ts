// Metadata: who asks for what, and what he is told (KafkaApis.handleTopicMetadataRequest).
import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { DescribeClusterRequest, DescribeGroupsRequest, type DescribeClusterResponse, type DescribeGroupsResponse, type MetadataRequestInput } from '../../src/protocol/messages.js';
import { TestBroker } from '../support/broker.js';
import type { TestClient } from '../support/client.js';
import { versions } from './handlers/support.js';

const NOBODY = 'bm90LWEtdG9waWMtaWQtMQ';
const ZERO = 'AAAAAAAAAAAAAAAAAAAAAA';
const NOT_ASKED = -2147483648;
const [TOPIC, CLUSTER] = [3576, 8096];

type Asked = NonNullable<MetadataRequestInput['topics']>[number];

async function scene(): Promise<{ client: TestClient; id: string }> {
  const broker = await TestBroker.start();
  const client = await broker.client();
  const id = await client.createTopic('orders');
  await client.createTopic('other');
  return { client, id };
}

/** [name, id, error] of each row, creation declined. */
async function rows(client: TestClient, topics: readonly Asked[], version = 12): Promise<[string | null, string, number][]> {
  return (await client.metadata({ topics, allowAutoTopicCreation: false }, version)).topics.map(({ name, topicId, errorCode }) => [name, topicId, errorCode]);
}

test('an id means the topic, whatever name stands beside it; names beside ids ask for nothing', async () => {
  const { client, id } = await scene();
  const [orders, unknown] = [['orders', id, 0], [null, NOBODY, ErrorCode.UnknownTopicId]];
  expect(await rows(client, [{ name: null, topicId: id }])).toEqual([orders]);
  expect(await rows(client, [{ name: 'nowhere', topicId: id }])).toEqual([orders]);
  expect(await rows(client, [{ name: 'orders', topicId: NOBODY }])).toEqual([unknown]);
  expect(await rows(client, [{ name: 'other' }, { name: null, topicId: id }])).toEqual([orders]);
  expect(await rows(client, [{ name: 'other' }, { name: null, topicId: NOBODY }])).toEqual([unknown]);
  expect(await rows(client, [{ name: null, topicId: id }, { name: null, topicId: NOBODY }, { name: null }, { name: 'x', topicId: id }])).toEqual([unknown, orders]);
});

test('each is answered once: unknown ids, then topics, then what is none', async () => {
  const { client } = await scene();
  const asked = ['none', 'orders', 'a/b', 'none', 'other', 'orders'].map(name => ({ name }));
  expect((await rows(client, asked)).map(([name, , errorCode]) => [name, errorCode])).toEqual([
    ['orders', 0], ['other', 0], ['none', ErrorCode.UnknownTopicOrPartition], ['a/b', ErrorCode.InvalidTopicException],
  ]);
});

test('a name that cannot be is final in every version, with creation or without', async () => {
  const { client } = await scene();
  for (const version of versions(0, 12)) {
    for (const allowAutoTopicCreation of version >= 4 ? [true, false] : [true]) {
      const { topics } = await client.metadata({ topics: ['', 'a b', 'x'.repeat(250)].map(name => ({ name })), ...(version >= 4 ? { allowAutoTopicCreation } : {}) }, version);
      expect(topics.map(({ errorCode }) => errorCode), `v${version}`).toEqual(Array.from({ length: 3 }, () => ErrorCode.InvalidTopicException));
    }
  }
  expect((await rows(client, [{ name: 'x'.repeat(249) }]))[0]![2]).toBe(ErrorCode.UnknownTopicOrPartition);
});

test('who names an id or nothing before version 12, or nothing at all, is refused as a whole', async () => {
  const { client, id } = await scene();
  for (const version of [10, 11]) {
    expect(await rows(client, [{ name: 'orders', topicId: id }, { name: 'other' }], version)).toEqual([['orders', id, ErrorCode.InvalidRequest], ['other', ZERO, ErrorCode.InvalidRequest]]);
    expect(await rows(client, [{ name: null }], version)).toEqual([['', ZERO, ErrorCode.InvalidRequest]]);
  }
  const refused = await client.metadata({ topics: [{ name: null }, { name: 'orders' }] }, 12);
  expect([refused.brokers, refused.controllerId, refused.topics.map(({ name, errorCode }) => [name, errorCode])]).toEqual([[], -1, [['', ErrorCode.InvalidRequest], ['orders', ErrorCode.InvalidRequest]]]);
});

test('Kafka\'s own topics are told as internal, also those that are not there', async () => {
  const { client } = await scene();
  const { topics } = await client.metadata({ topics: ['__consumer_offsets', '__transaction_state', '__share_group_state', '__cluster_metadata', 'orders'].map(name => ({ name })), allowAutoTopicCreation: false });
  expect(topics.filter(({ isInternal }) => isInternal).map(({ name }) => name)).toEqual(['__consumer_offsets', '__transaction_state', '__share_group_state']);
});

test('everything is allowed to who asks what is: topics, and the cluster until version 10', async () => {
  const { client } = await scene();
  for (const version of versions(8, 12)) {
    const topics = [{ name: 'orders' }, { name: 'none' }, { name: 'a b' }];
    const ofCluster = version <= 10 ? { includeClusterAuthorizedOperations: true } : {};
    const told = await client.metadata({ topics, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: true, ...ofCluster }, version);
    expect([told.topics.map(each => each.topicAuthorizedOperations), told.clusterAuthorizedOperations]).toEqual([[TOPIC, TOPIC, TOPIC], version <= 10 ? CLUSTER : NOT_ASKED]);
    const quiet = await client.metadata({ topics, allowAutoTopicCreation: false }, version);
    expect([quiet.topics.map(each => each.topicAuthorizedOperations), quiet.clusterAuthorizedOperations]).toEqual([[NOT_ASKED, NOT_ASKED, NOT_ASKED], NOT_ASKED]);
  }
  const all = await client.metadata({ topics: null, includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true }, 9);
  expect([all.topics.map(each => each.topicAuthorizedOperations), all.clusterAuthorizedOperations]).toEqual([[TOPIC, TOPIC], CLUSTER]);
  const byId = await client.metadata({ topics: [{ name: null, topicId: NOBODY }], includeTopicAuthorizedOperations: true });
  expect(byId.topics[0]!.topicAuthorizedOperations).toBe(NOT_ASKED);
});

test('so are DescribeCluster and DescribeGroups; an endpoint of another kind is refused', async () => {
  const { client } = await scene();
  const cluster = (version: number, asked: object): Promise<DescribeClusterResponse> => client.ask(DescribeClusterRequest, asked, version);
  for (const version of [0, 1]) {
    expect((await cluster(version, { includeClusterAuthorizedOperations: true })).clusterAuthorizedOperations).toBe(CLUSTER);
    expect((await cluster(version, {})).clusterAuthorizedOperations).toBe(NOT_ASKED);
  }
  const wrong = async (endpointType: number): Promise<[number, string | null]> => {
    const { errorCode, errorMessage } = await cluster(1, { endpointType, includeClusterAuthorizedOperations: true });
    return [errorCode, errorMessage];
  };
  expect(await wrong(2)).toEqual([ErrorCode.MismatchedEndpointType, 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER']);
  expect(await wrong(3)).toEqual([ErrorCode.UnsupportedEndpointType, 'Unsupported endpoint type 3']);
  for (const version of versions(3, 5)) {
    const told = async (includeAuthorizedOperations: boolean): Promise<[number, number]> => {
      const [group] = (await client.ask<DescribeGroupsResponse>(DescribeGroupsRequest, { groups: ['g'], includeAuthorizedOperations }, version)).groups;
      return [group!.errorCode, group!.authorizedOperations];
    };
    // Nobody coordinates yet: of a group in error nothing is told.
    expect(await told(true)).toEqual([ErrorCode.NotCoordinator, NOT_ASKED]);
  }
});
