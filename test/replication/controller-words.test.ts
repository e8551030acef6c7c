// What a broker says to whoever speaks as the controller and is not: the errors' shapes, and which is told first.

import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { LeaderAndIsrRequest, StopReplicaRequest, UpdateMetadataRequest, type LeaderAndIsrResponse, type StopReplicaResponse, type UpdateMetadataResponse } from '../../src/protocol/messages.js';
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
