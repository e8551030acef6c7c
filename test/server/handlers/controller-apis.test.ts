import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import {
  AllocateProducerIdsRequest, AlterPartitionReassignmentsRequest, AlterPartitionRequest, ControlledShutdownRequest, ElectLeadersRequest, ListPartitionReassignmentsRequest,
  type AllocateProducerIdsResponse, type AlterPartitionReassignmentsResponse, type AlterPartitionResponse, type ControlledShutdownResponse, type ElectLeadersResponse, type ListPartitionReassignmentsResponse,
} from '../../../src/protocol/messages.js';
import { TestBroker } from '../../support/broker.js';

test('what only a controller answers is answered in every version', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  await client.createTopic('orders');
  for (const version of [0, 1, 2]) {
    const answer = await client.ask<ElectLeadersResponse>(ElectLeadersRequest, { topicPartitions: [{ topic: 'orders', partitions: [0, 7] }], timeoutMs: 5000 }, version);
    expect(answer.replicaElectionResults[0]!.partitionResult.map(({ partitionId, errorCode }) => [partitionId, errorCode]).sort()).toEqual([[0, ErrorCode.ElectionNotNeeded], [7, ErrorCode.UnknownTopicOrPartition]]);
    expect((await client.ask<ElectLeadersResponse>(ElectLeadersRequest, { topicPartitions: null, timeoutMs: 5000 }, version)).replicaElectionResults).toEqual([]);
  }
  for (const version of [0, 1, 2, 3]) {
    expect((await client.ask<AlterPartitionResponse>(AlterPartitionRequest, { brokerId: broker.id, brokerEpoch: 1, topics: [] }, version)).errorCode).toBe(ErrorCode.StaleBrokerEpoch);
    expect(await client.ask<ControlledShutdownResponse>(ControlledShutdownRequest, { brokerId: 77 }, version)).toEqual({ errorCode: ErrorCode.BrokerNotAvailable, remainingPartitions: [] });
  }
  expect(await client.ask<AllocateProducerIdsResponse>(AllocateProducerIdsRequest, { brokerId: 77, brokerEpoch: 1 }, 0)).toMatchObject({ errorCode: ErrorCode.BrokerIdNotRegistered });
  const reassigned = await client.ask<AlterPartitionReassignmentsResponse>(AlterPartitionReassignmentsRequest, { topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas: [broker.id] }, { partitionIndex: 7, replicas: null }] }] }, 0);
  expect(reassigned.responses[0]!.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]).sort()).toEqual([[0, 0], [7, ErrorCode.NoReassignmentInProgress]]);
  expect((await client.ask<ListPartitionReassignmentsResponse>(ListPartitionReassignmentsRequest, { topics: null }, 0)).topics).toEqual([]);
  // An election type that nobody knows.
  expect(await client.ask<ElectLeadersResponse>(ElectLeadersRequest, { electionType: 9, topicPartitions: [{ topic: 'orders', partitions: [0] }], timeoutMs: 0 }, 2)).toMatchObject({ errorCode: ErrorCode.UnknownServerError });
  await broker.close();
});
