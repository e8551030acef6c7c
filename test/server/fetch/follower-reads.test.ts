// Consumers and the replicas they read from (KIP-392).
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { LeaderAndIsrRequest, UpdateMetadataRequest, type FetchResponse, type LeaderAndIsrResponse } from '../../../src/protocol/messages.js';
import { batch } from '../../support/batches.js';
import { TestBroker } from '../../support/broker.js';
import { valuesOf, type TestClient } from '../../support/client.js';

const OTHER = 7;
const RACK_AWARE = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

type Told = FetchResponse['responses'][number]['partitions'][number];

class Pair {
  readonly broker: TestBroker;
  readonly client: TestClient;
  readonly topicId: string;

  private constructor(broker: TestBroker, client: TestClient, topicId: string) {
    this.broker = broker;
    this.client = client;
    this.topicId = topicId;
  }

  /** A broker that has three records, and another that only the metadata knows, in another rack. */
  static async begin(settings: Readonly<Record<string, string>> = {}): Promise<Pair> {
    const broker = await TestBroker.start({ settings: { 'broker.rack': 'near', ...settings } });
    const client = await broker.client();
    const topicId = await client.createTopic('orders');
    const pair = new Pair(broker, client, topicId);
    const listener = (id: number, rack: string) => ({ id, rack, endpoints: [{ port: 1, host: 'h', listener: 'PLAINTEXT', securityProtocol: 0 }] });
    await client.ask(UpdateMetadataRequest, { controllerId: broker.id, controllerEpoch: 100, brokerEpoch: -1, topicStates: [], liveBrokers: [listener(broker.id, 'near'), listener(OTHER, 'far')] }, 6);
    await client.produce('orders', batch(['a', 'b', 'c']));
    return pair;
  }

  async led(by: number, leaderEpoch: number): Promise<void> {
    const replicas = [this.broker.id, OTHER];
    const partitionStates = [{ partitionIndex: 0, controllerEpoch: 100, leader: by, leaderEpoch, isr: replicas, replicas, partitionEpoch: leaderEpoch, isNew: false }];
    const { topics } = await this.client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, {
      controllerId: this.broker.id, controllerEpoch: 100, brokerEpoch: -1, liveLeaders: [], topicStates: [{ topicName: 'orders', topicId: this.topicId, partitionStates }],
    }, 7);
    expect(topics[0]!.partitionErrors).toMatchObject([{ errorCode: 0 }]);
  }

  async fetch(fetchOffset: number, { rackId = '', version = 12, replicaId = -1, maxWaitMs = 0 } = {}): Promise<Told> {
    const answer = await this.client.fetchAll({
      replicaId, maxWaitMs, ...(version >= 11 ? { rackId } : {}), topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
    }, version);
    return answer.responses[0]!.partitions[0]!;
  }
}

test('the leader names a replica in the consumer\'s rack, reads nothing for it, and does not wait', async () => {
  const pair = await Pair.begin({ 'replica.selector.class': RACK_AWARE });
  await pair.led(pair.broker.id, 1);
  await pair.fetch(3, { replicaId: OTHER });
  const sent = await pair.fetch(1, { rackId: 'far', maxWaitMs: 600_000 });
  expect([sent.errorCode, sent.preferredReadReplica, sent.highWatermark, valuesOf(sent.records)]).toEqual([0, OTHER, 3, []]);
  for (const rackId of ['near', 'elsewhere', '']) {
    const read = await pair.fetch(0, { rackId });
    expect([read.preferredReadReplica, valuesOf(read.records)]).toEqual([-1, ['a', 'b', 'c']]);
  }
  // An older consumer knows nothing of it; an offset that the replica does not have is the leader's to answer.
  expect(valuesOf((await pair.fetch(0, { version: 10 })).records)).toEqual(['a', 'b', 'c']);
  expect((await pair.fetch(9, { rackId: 'far' })).errorCode).toBe(ErrorCode.OffsetOutOfRange);
});

test('without a selector everybody reads from the leader', async () => {
  const pair = await Pair.begin();
  await pair.led(pair.broker.id, 1);
  await pair.fetch(3, { replicaId: OTHER });
  expect((await pair.fetch(0, { rackId: 'far' })).preferredReadReplica).toBe(-1);
});

test('a follower gives consumers what it knows to be committed: beyond that nothing, and beyond its end an error', async () => {
  const pair = await Pair.begin();
  await pair.led(pair.broker.id, 1);
  await pair.client.produce('orders', batch(['uncommitted']), { acks: 1 });
  await pair.led(OTHER, 2);
  const read = await pair.fetch(0);
  expect([read.errorCode, read.highWatermark, valuesOf(read.records)]).toEqual([0, 3, ['a', 'b', 'c']]);
  // Between what is committed and its end: it may be, by tomorrow.
  for (const offset of [3, 4]) expect(await pair.fetch(offset), `${offset}`).toMatchObject({ errorCode: 0, highWatermark: 3 });
  expect((await pair.fetch(5)).errorCode).toBe(ErrorCode.OffsetOutOfRange);
  // Consumers that know nothing of it, and replicas, go to the leader.
  expect((await pair.fetch(0, { version: 10 })).errorCode).toBe(ErrorCode.NotLeaderOrFollower);
  expect((await pair.fetch(0, { replicaId: OTHER })).errorCode).toBe(ErrorCode.NotLeaderOrFollower);
});

test('a leader that nobody knows to be alive is not followed: the partition stays what it was', async () => {
  const pair = await Pair.begin();
  await pair.led(99, 3);
  expect((await pair.client.produce('orders', batch(['d']))).errorCode).toBe(0);
});
