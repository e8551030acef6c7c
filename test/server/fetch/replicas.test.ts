// Who may fetch as a replica: the brokers that a partition is assigned to, and nobody who says to be one (Partition.fetchRecords).
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { LeaderAndIsrRequest, type FetchRequestInput, type FetchResponse, type LeaderAndIsrResponse } from '../../../src/protocol/messages.js';
import { batch } from '../../support/batches.js';
import { TestBroker } from '../../support/broker.js';
import { valuesOf, type TestClient } from '../../support/client.js';

const FOLLOWER = 7;
const STRANGER = 8;
const FOREVER = 600_000;

/** A partition whose follower has fetched nothing yet: its only record is not committed. */
async function story(): Promise<{ broker: TestBroker; client: TestClient; topicId: string }> {
  const broker = await TestBroker.start();
  const client = await broker.client();
  const topicId = await client.createTopic('orders');
  const replicas = [broker.id, FOLLOWER];
  await client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, {
    controllerId: broker.id, controllerEpoch: 100, brokerEpoch: -1, liveLeaders: [],
    topicStates: [{ topicName: 'orders', topicId, partitionStates: [{ partitionIndex: 0, controllerEpoch: 100, leader: broker.id, leaderEpoch: 1, isr: replicas, replicas, partitionEpoch: 1, isNew: false }] }],
  }, 7);
  await client.produce('orders', batch(['uncommitted']), { acks: 1 });
  return { broker, client, topicId };
}

interface Claim { readonly replicaId: number; readonly replicaEpoch?: number; readonly version?: number; readonly fetchOffset?: number; readonly currentLeaderEpoch?: number; readonly topicId?: string; readonly maxWaitMs?: number }

async function fetchAs(client: TestClient, { replicaId, replicaEpoch = -1, version = 12, fetchOffset = 0, currentLeaderEpoch = -1, topicId, maxWaitMs = FOREVER }: Claim): Promise<FetchResponse['responses'][number]['partitions'][number]> {
  const claim: FetchRequestInput = version >= 15 ? { replicaState: { replicaId, replicaEpoch } } : { replicaId };
  const partition = { partition: 0, fetchOffset, partitionMaxBytes: 1 << 20, ...(version >= 9 ? { currentLeaderEpoch } : {}) };
  // Errors do not wait, and what is there neither.
  const answer = await client.fetchAll({ replicaId: -1, ...claim, maxWaitMs, topics: [{ topic: 'orders', topicId, partitions: [partition] }] }, version);
  return answer.responses[0]!.partitions[0]!;
}

test('an assigned replica reads beyond the high watermark; who is not assigned, or says to be the leader itself, is refused', async () => {
  const { broker, client, topicId } = await story();
  for (const version of [4, 11, 12, 13, 14, 15, 17]) {
    const id = version >= 13 ? { version, topicId } : { version };
    expect(valuesOf((await fetchAs(client, { replicaId: FOLLOWER, ...id })).records), `v${version}`).toEqual(['uncommitted']);
    for (const replicaId of [STRANGER, broker.id, 2 ** 31 - 1, 0]) {
      const refused = await fetchAs(client, { replicaId, ...id });
      expect([refused.errorCode, refused.highWatermark, refused.records?.length ?? 0], `${replicaId}, v${version}`).toEqual([ErrorCode.NotLeaderOrFollower, -1, 0]);
      if (version >= 16) expect(refused.currentLeader).toMatchObject({ leaderId: broker.id, leaderEpoch: 1 });
      // One who knows the leader's epoch may be a replica that we have not heard of yet.
      if (version >= 9) expect((await fetchAs(client, { replicaId, currentLeaderEpoch: 1, ...id })).errorCode).toBe(ErrorCode.UnknownLeaderEpoch);
      if (version >= 9) expect((await fetchAs(client, { replicaId, currentLeaderEpoch: 0, ...id })).errorCode).toBe(ErrorCode.FencedLeaderEpoch);
    }
  }
});

test('what strangers claim to have moves no high watermark; what the follower has does', async () => {
  const { client } = await story();
  const committed = async (): Promise<number> => (await client.fetch('orders', 0)).highWatermark;
  for (let replicaId = 100; replicaId < 120; replicaId++) await fetchAs(client, { replicaId, fetchOffset: 1 });
  expect(await committed()).toBe(0);
  expect((await fetchAs(client, { replicaId: -3, maxWaitMs: 0 })).records?.length ?? 0, 'a log on its way to another directory comes by no socket').toBe(0);
  await fetchAs(client, { replicaId: FOLLOWER, fetchOffset: 1, maxWaitMs: 0 });
  expect(await committed()).toBe(1);
});
