// What an answer says of a partition beside its records: of transactions, and of who leads it now (KafkaApis.handleFetchRequest).
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { LeaderAndIsrRequest, UpdateMetadataRequest, type FetchRequestInput, type LeaderAndIsrResponse, type UpdateMetadataResponse } from '../../../src/protocol/messages.js';
import { batch } from '../../support/batches.js';
import { TestBroker } from '../../support/broker.js';
import { valuesOf, type TestClient } from '../../support/client.js';

const OTHER = 7;
const PLENTY = 1 << 20;
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const NOBODY = 'bm90LWEtdG9waWMtaWQtMQ';

async function story(): Promise<{ broker: TestBroker; client: TestClient; topicId: string }> {
  const broker = await TestBroker.start();
  const client = await broker.client();
  return { broker, client, topicId: await client.createTopic('orders', { partitions: 2 }) };
}

/** The controller gives a partition of a topic to somebody. */
async function lead(broker: TestBroker, client: TestClient, topicId: string, { leader, leaderEpoch }: { leader: number; leaderEpoch: number }): Promise<void> {
  const replicas = [broker.id, OTHER];
  await client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, {
    controllerId: broker.id, controllerEpoch: 100, brokerEpoch: -1, liveLeaders: [],
    topicStates: [{ topicName: 'orders', topicId, partitionStates: [{ partitionIndex: 0, controllerEpoch: 100, leader, leaderEpoch, isr: replicas, replicas, partitionEpoch: leaderEpoch, isNew: false }] }],
  }, 7);
}

/** It tells of a partition that is not on this broker, and of where its leader is. */
async function tellOf(broker: TestBroker, client: TestClient, topic: string, topicId: string): Promise<void> {
  const at = (id: number, host: string): { id: number; rack: string; endpoints: { port: number; host: string; listener: string; securityProtocol: number }[] } => ({ id, rack: `rack ${id}`, endpoints: [{ port: 9000 + id, host, listener: 'PLAINTEXT', securityProtocol: 0 }] });
  await client.ask<UpdateMetadataResponse>(UpdateMetadataRequest, {
    controllerId: broker.id, controllerEpoch: 100, brokerEpoch: -1, liveBrokers: [at(broker.id, 'here'), at(OTHER, 'elsewhere')],
    topicStates: [{ topicName: topic, topicId, partitionStates: [{ partitionIndex: 0, controllerEpoch: 100, leader: OTHER, leaderEpoch: 4, isr: [OTHER], zkVersion: 1, replicas: [OTHER] }] }],
  }, 8);
}

test('of transactions: none aborted for who reads what is committed, and where nothing was read; nothing for others and for errors of reading', async () => {
  const { client } = await story();
  await client.createTopic('packed', { configs: { 'compression.type': 'zstd' } });
  for (const version of [4, 9, 12]) {
    for (const isolationLevel of [0, 1]) {
      const aborted = async (topic: string, offset: number, asked = {}): Promise<unknown> => (await client.fetch(topic, offset, { version, isolationLevel, asked })).abortedTransactions;
      const read = isolationLevel === 1 ? [] : null;
      expect([await aborted('orders', 0), await aborted('orders', 9), await aborted('nowhere', 0)], `v${version}, isolation ${isolationLevel}`).toEqual([read, null, []]);
      if (version < 10) expect(await client.fetch('packed', 0, { version, isolationLevel }), 'withheld').toMatchObject({ errorCode: ErrorCode.UnsupportedCompressionType, abortedTransactions: [], records: null });
      if (version >= 12) expect(await aborted('orders', 9, { lastFetchedEpoch: 0 }), 'parted').toBeNull();
    }
  }
  expect((await client.fetch('', 0, { version: 13, topicId: NOBODY })).abortedTransactions).toEqual([]);
});

test('what is said of transactions is no news: a session of who reads what is committed is told what changed', async () => {
  const { client } = await story();
  const topics = [{ topic: 'orders', partitions: [0, 1].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: PLENTY })) }];
  const { sessionId } = await client.fetchAll({ isolationLevel: 1, sessionId: 0, sessionEpoch: 0, topics });
  const next = async (sessionEpoch: number, asked: FetchRequestInput = {}): Promise<number[]> => (await client.fetchAll({ isolationLevel: 1, sessionId, sessionEpoch, ...asked })).responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex));
  expect(await next(1)).toEqual([]);
  await client.produce('orders', batch(['x']), { partition: 1 });
  expect(await next(2)).toEqual([1]);
  expect(await next(3, { topics: [{ topic: 'nowhere', partitions: [{ partition: 9, fetchOffset: 0, partitionMaxBytes: PLENTY }] }] })).toEqual([1, 9]);
});

test('an isolation level that there is not is refused, whatever else is asked, and opens no session', async () => {
  const { client } = await story();
  await client.produce('orders', batch(['x']));
  const topics = [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: PLENTY }] }];
  for (const version of [4, 6]) {
    const fetched = await client.fetch('orders', 0, { version, isolationLevel: 2 });
    expect([fetched.errorCode, fetched.highWatermark, valuesOf(fetched.records)], `v${version}`).toEqual([ErrorCode.InvalidRequest, -1, []]);
  }
  for (const version of [7, 12]) {
    expect(await client.fetchAll({ isolationLevel: 2, sessionId: 0, sessionEpoch: 0, topics }, version)).toMatchObject({ errorCode: ErrorCode.InvalidRequest, sessionId: 0, responses: [] });
  }
  // In a session the request is one of its requests all the same, and what was not told is still to be told.
  const { sessionId } = await client.fetchAll({ sessionId: 0, sessionEpoch: 0, topics });
  expect(await client.fetchAll({ isolationLevel: -1, sessionId, sessionEpoch: 1 })).toMatchObject({ errorCode: ErrorCode.InvalidRequest, sessionId, responses: [] });
  expect((await client.fetchAll({ sessionId, sessionEpoch: 2 })).responses).toHaveLength(1);
  expect((await client.listOffsets('orders', -1, { isolationLevel: 2 })).errorCode).toBe(ErrorCode.InvalidRequest);
  expect((await client.listOffsetsAll({ replicaId: -2, isolationLevel: 2, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] })).topics[0]!.partitions[0], 'nobody else asks for one').toMatchObject({ errorCode: 0, offset: 1 });
});

test('who comes with an old leader epoch is told the leader and where it is, from version 16 on', async () => {
  const { broker, client, topicId } = await story();
  const [{ host } = { host: '' }] = (await client.metadata()).brokers;
  await lead(broker, client, topicId, { leader: broker.id, leaderEpoch: 3 });
  for (const version of [12, 15, 16, 17]) {
    const { responses, nodeEndpoints } = await client.fetchAll({ topics: [{ topic: 'orders', topicId, partitions: [{ partition: 0, currentLeaderEpoch: 0, fetchOffset: 0, partitionMaxBytes: PLENTY }] }] }, version);
    const { errorCode, currentLeader } = responses[0]!.partitions[0]!;
    expect([errorCode, currentLeader, nodeEndpoints], `v${version}`).toEqual([
      ErrorCode.FencedLeaderEpoch,
      version >= 16 ? { leaderId: broker.id, leaderEpoch: 3 } : { leaderId: -1, leaderEpoch: -1 },
      version >= 16 ? [{ nodeId: broker.id, host, port: broker.port, rack: null }] : [],
    ]);
    // An epoch to come is nothing that the leader could help with.
    const { responses: tooNew, nodeEndpoints: none } = await client.fetchAll({ topics: [{ topic: 'orders', topicId, partitions: [{ partition: 0, currentLeaderEpoch: 9, fetchOffset: 0, partitionMaxBytes: PLENTY }] }] }, version);
    expect([tooNew[0]!.partitions[0]!.errorCode, tooNew[0]!.partitions[0]!.currentLeader.leaderId, none]).toEqual([ErrorCode.UnknownLeaderEpoch, -1, []]);
  }
});

test('who comes to the wrong broker is told the leader of a partition that is not there too: by fetch from version 16 on, by produce from 10 on', async () => {
  const { broker, client } = await story();
  await tellOf(broker, client, 'theirs', NOBODY);
  const leader = { leaderId: OTHER, leaderEpoch: 4 };
  const where = [{ nodeId: OTHER, host: 'elsewhere', port: 9000 + OTHER, rack: `rack ${OTHER}` }];
  for (const version of [12, 15, 16, 17]) {
    const { responses, nodeEndpoints } = await client.fetchAll({ topics: [{ topic: 'theirs', topicId: NOBODY, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: PLENTY }] }] }, version);
    const { errorCode, currentLeader } = responses[0]!.partitions[0]!;
    expect([errorCode, currentLeader, nodeEndpoints], `v${version}`).toEqual([ErrorCode.NotLeaderOrFollower, ...(version >= 16 ? [leader, where] : [{ leaderId: -1, leaderEpoch: -1 }, []])]);
  }
  for (const version of [9, 10, 11]) {
    const { responses, nodeEndpoints } = await client.produceAll({ acks: 1, timeoutMs: 1000, topicData: [{ name: 'theirs', partitionData: [{ index: 0, records: batch(['x']) }] }] }, version);
    const { errorCode, currentLeader } = responses[0]!.partitionResponses[0]!;
    expect([errorCode, currentLeader, nodeEndpoints], `produce v${version}`).toEqual([ErrorCode.NotLeaderOrFollower, ...(version >= 10 ? [leader, where] : [{ leaderId: -1, leaderEpoch: -1 }, []])]);
  }
  // The next answer names nobody.
  expect((await client.fetchAll({ topics: [] }, 17)).nodeEndpoints).toEqual([]);
});

test('a leader epoch below zero is none to a fetch; to who asks for offsets only -1 is, and others are of the past', async () => {
  const { client } = await story();
  expect((await client.fetch('orders', 0, { asked: { currentLeaderEpoch: -2, lastFetchedEpoch: -2 } })).errorCode).toBe(0);
  const codes = async (currentLeaderEpoch: number): Promise<number[]> => [(await client.listOffsets('orders', -1, { currentLeaderEpoch })).errorCode, (await client.offsetForLeaderEpoch('orders', 0, { currentLeaderEpoch })).errorCode];
  expect([await codes(-1), await codes(-2), await codes(1)]).toEqual([[0, 0], [ErrorCode.FencedLeaderEpoch, ErrorCode.FencedLeaderEpoch], [ErrorCode.UnknownLeaderEpoch, ErrorCode.UnknownLeaderEpoch]]);
  // Before the first epoch there is, and what is no epoch at all.
  const end = async (epoch: number): Promise<unknown[]> => { const { leaderEpoch, endOffset } = await client.offsetForLeaderEpoch('orders', epoch); return [leaderEpoch, endOffset]; };
  expect([await end(-2), await end(-1), await end(0)]).toEqual([[-2, 0], [-1, -1], [0, 0]]);
});

test('the zero topic id is nothing that a session could remember; without one it is a topic that there is not', async () => {
  const { client, topicId } = await story();
  const of = (id: string): FetchRequestInput => ({ topics: [{ topicId: id, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: PLENTY }] }] });
  expect(await client.fetchAll({ sessionId: 0, sessionEpoch: 0, ...of(ZERO_ID) }, 13)).toMatchObject({ errorCode: ErrorCode.InvalidRequest, sessionId: 0, responses: [] });
  expect((await client.fetchAll({ sessionId: 0, sessionEpoch: 0, forgottenTopicsData: [{ topicId: ZERO_ID, partitions: [0] }] }, 13)).errorCode, 'a new session has nothing to forget').toBe(0);
  expect((await client.fetchAll(of(ZERO_ID), 13)).responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UnknownTopicId);
  const { sessionId } = await client.fetchAll({ sessionId: 0, sessionEpoch: 0, ...of(topicId) }, 13);
  expect((await client.fetchAll({ sessionId, sessionEpoch: 1, ...of(ZERO_ID) }, 13)).errorCode).toBe(ErrorCode.InvalidRequest);
  expect((await client.fetchAll({ sessionId, sessionEpoch: 1, forgottenTopicsData: [{ topicId: ZERO_ID, partitions: [0] }] }, 13)).errorCode).toBe(ErrorCode.InvalidRequest);
  // It goes on as if that had not been asked.
  expect(await client.fetchAll({ sessionId, sessionEpoch: 1 }, 13)).toMatchObject({ errorCode: 0, sessionId });
});
