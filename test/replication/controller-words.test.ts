// What a broker says to whoever speaks as the controller and is not: the errors' shapes, and which is told first.

import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { LeaderAndIsrRequest, StopReplicaRequest, UpdateMetadataRequest, type LeaderAndIsrResponse, type StopReplicaResponse, type UpdateMetadataResponse } from '../../src/protocol/messages.js';
import { batch } from '../support/batches.js';
import { TestBroker } from '../support/broker.js';

const { StaleBrokerEpoch, StaleControllerEpoch } = ErrorCode;
const ID = 'bm90LWEtdG9waWMtaWQtMQ';

/** Who an old controller of a broker's earlier life would be, or only an old controller. */
const origin = (brokerEpoch: number): object => ({ controllerId: 1, controllerEpoch: 0, brokerEpoch, isKRaftController: false });

const state = (partitionIndex: number): object => ({
  topicName: 'orders', partitionIndex, controllerEpoch: 0, leader: 1, leaderEpoch: 0, isr: [1], partitionEpoch: 0, zkVersion: 0, replicas: [1], isNew: false,
});
const inTopics = { topicStates: [{ topicName: 'orders', topicId: ID, partitionStates: [state(0), state(7)] }] };

test('who is no controller any more is told so, by LeaderAndIsr once for each partition', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  for (let version = 0; version <= 7; version++) {
    // Broker epochs came with version 2.
    for (const [brokerEpoch, error] of [[-1, StaleControllerEpoch], [0, version < 2 ? StaleControllerEpoch : StaleBrokerEpoch]] as const) {
      const asked = { ...origin(brokerEpoch), liveLeaders: [], ...(version < 2 ? { ungroupedPartitionStates: [state(0), state(7)] } : inTopics) };
      const { errorCode, partitionErrors, topics } = await client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, asked, version);
      const [first, second] = [0, 7].map(partitionIndex => ({ partitionIndex, errorCode: error }));
      expect(errorCode).toBe(error);
      if (version < 5) expect(partitionErrors).toMatchObject([{ topicName: 'orders', ...first }, { topicName: 'orders', ...second }]);
      else expect(topics).toMatchObject([{ topicId: ID, partitionErrors: [first, second] }]);
    }
  }
});

test('StopReplica and UpdateMetadata tell it once, and whom they are meant for is asked first', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  for (const [brokerEpoch, error] of [[-1, StaleControllerEpoch], [0, StaleBrokerEpoch], [-2, StaleBrokerEpoch]] as const) {
    expect(await client.ask<StopReplicaResponse>(StopReplicaRequest, { ...origin(brokerEpoch), topics: [{ name: 'orders', partitionIndexes: [0] }], deletePartitions: false }, 1)).toMatchObject({ errorCode: error, partitionErrors: [] });
    expect((await client.ask<UpdateMetadataResponse>(UpdateMetadataRequest, { ...origin(brokerEpoch), ...inTopics, liveBrokers: [] }, 5)).errorCode).toBe(error);
  }
});

test('a leader that is told to stop without deletion goes on leading; one that is to be deleted does not', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  await client.createTopic('orders', { partitions: 2 });
  const stop = (partitionIndex: number, deletePartition: boolean): Promise<StopReplicaResponse> => client.ask(StopReplicaRequest, {
    controllerId: 1, controllerEpoch: 1, brokerEpoch: -1, topicStates: [{ topicName: 'orders', partitionStates: [{ partitionIndex, leaderEpoch: 0, deletePartition }] }],
  }, 3);
  expect(await stop(0, false)).toMatchObject({ errorCode: 0, partitionErrors: [{ topicName: 'orders', partitionIndex: 0, errorCode: 0 }] });
  expect(await stop(1, true)).toMatchObject({ errorCode: 0, partitionErrors: [{ topicName: 'orders', partitionIndex: 1, errorCode: 0 }] });
  expect((await client.produce('orders', batch(['a']), { partition: 0 })).errorCode).toBe(ErrorCode.None);
  expect((await client.produce('orders', batch(['a']), { partition: 1 })).errorCode).toBe(ErrorCode.NotLeaderOrFollower);
});

test('a leader epoch that is known already is refused, whatever is told with it; a newer one counts', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  const topicId = await client.createTopic('orders', { partitions: 1 });
  const told = async (of: object, id: string | undefined = topicId): Promise<readonly (readonly [number, number])[]> => {
    const partitionStates = [{ ...state(0), leader: broker.id, isr: [broker.id], replicas: [broker.id], ...of }];
    const asked = { controllerId: broker.id, controllerEpoch: 1, brokerEpoch: -1, liveLeaders: [], topicStates: [{ topicName: 'orders', topicId: id, partitionStates }] };
    const { topics } = await client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, asked, 7);
    return topics[0]!.partitionErrors.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode] as const);
  };
  expect(await told({ leaderEpoch: 0, partitionEpoch: 7 })).toEqual([[0, StaleControllerEpoch]]);
  expect(await told({ leaderEpoch: -1 })).toEqual([[0, StaleControllerEpoch]]);
  expect(await told({ leaderEpoch: -1, partitionIndex: 5 })).toEqual([[5, StaleControllerEpoch]]);
  expect(await told({ leaderEpoch: 0, replicas: [99] })).toEqual([[0, StaleControllerEpoch]]);
  expect(await told({ leaderEpoch: 1, replicas: [99] })).toEqual([[0, ErrorCode.UnknownTopicOrPartition]]);
  expect(await told({ leaderEpoch: 1 }, ID)).toEqual([[0, ErrorCode.InconsistentTopicId]]);
  expect(await told({ leaderEpoch: 1, partitionEpoch: 1 })).toEqual([[0, ErrorCode.None]]);
  // A partition epoch from before what AlterPartition answered: passed over, and no error.
  expect(await told({ leaderEpoch: 2, partitionEpoch: 0 })).toEqual([[0, ErrorCode.None]]);
  expect((await client.listOffsets('orders', -1)).leaderEpoch).toBe(1);
});

test('a partition that is named twice is answered once', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  for (const version of [1, 2, 5]) {
    // The second is old beside the first, but what counts is what the partition has so far.
    const states = [3, -1].map(leaderEpoch => ({ ...state(version), leader: broker.id, replicas: [broker.id], isr: [broker.id], leaderEpoch }));
    const asked = { controllerId: broker.id, controllerEpoch: 1, brokerEpoch: -1, liveLeaders: [], ...(version < 2 ? { ungroupedPartitionStates: states } : { topicStates: [{ topicName: 'orders', topicId: ID, partitionStates: states }] }) };
    const { partitionErrors, topics } = await client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, asked, version);
    expect(version < 5 ? partitionErrors : topics[0]!.partitionErrors).toMatchObject([{ partitionIndex: version, errorCode: ErrorCode.None }]);
  }
});
