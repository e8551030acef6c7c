// ListOffsets by version, as Apache Kafka 3.9.1 answers.
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import type { ListOffsetsResponse } from '../../../src/protocol/messages.js';
import { batch } from '../../support/batches.js';
import { TestBroker } from '../../support/broker.js';
import type { TestClient } from '../../support/client.js';

type Answer = ListOffsetsResponse['topics'][number]['partitions'][number];

async function story(): Promise<TestClient> {
  const client = await (await TestBroker.start()).client();
  await client.createTopic('orders', { configs: { 'segment.bytes': '200' } });
  return client;
}

async function oldStyle(client: TestClient, timestamp: number, maxNumOffsets: number, replicaId = -1, topic = 'orders'): Promise<[number, readonly number[]]> {
  const answer = await client.listOffsetsAll({ replicaId, topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp, maxNumOffsets }] }] }, 0);
  const { errorCode, oldStyleOffsets } = answer.topics[0]!.partitions[0]!;
  return [errorCode, oldStyleOffsets];
}

test('version 0: where segments begin that were changed before a time', async () => {
  const client = await story();
  const HOUR = 3_600_000;
  const before = Date.now();
  expect(await oldStyle(client, -1, 5)).toEqual([0, [0]]);
  for (let round = 0; round < 3; round++) await client.produce('orders', batch(['x'.repeat(80)]));
  for (const replicaId of [-1, -2, 1]) {
    expect(await oldStyle(client, -1, 5, replicaId)).toEqual([0, [3, 2, 1, 0]]);
    expect(await oldStyle(client, -2, 1, replicaId)).toEqual([0, [0]]);
    expect(await oldStyle(client, before + HOUR, 2, replicaId)).toEqual([0, [3, 2]]);
    expect(await oldStyle(client, before - HOUR, 5, replicaId)).toEqual([0, []]);
  }
  expect(await oldStyle(client, -1, 0)).toEqual([0, []]);
  expect(await oldStyle(client, -1, -1)).toEqual([ErrorCode.UnknownServerError, []]);
  for (const timestamp of [-3, -4, -5, -6]) expect(await oldStyle(client, timestamp, 1)).toEqual([ErrorCode.UnsupportedVersion, []]);
  expect(await oldStyle(client, -1, 1, -1, 'nowhere')).toEqual([ErrorCode.UnknownTopicOrPartition, []]);
  const twice = await client.listOffsetsAll({ topics: [{ name: 'orders', partitions: [0, 0].map(partitionIndex => ({ partitionIndex, timestamp: -1, maxNumOffsets: 1 })) }] }, 0);
  expect(twice.topics[0]!.partitions.map(({ oldStyleOffsets }) => oldStyleOffsets)).toEqual([[3], [3]]);
});

test('special timestamps, by the version that has them, and the epoch beside the offset', async () => {
  const client = await story();
  await client.produce('orders', batch(['a', 'b'], { timestamp: 500 }));
  // Timestamp asked for, its first version, offset, timestamp and epoch found.
  const special: [number, number, number, number, number][] = [[-1, 1, 2, -1, 0], [-2, 1, 0, -1, 0], [-3, 7, 0, 500, 0], [-4, 8, 0, -1, 0], [-5, 9, -1, -1, -1]];
  for (let version = 1; version <= 9; version++) {
    for (const [asked, since, offset, timestamp, epoch] of special) {
      const want: Partial<Answer> = version < since ? { errorCode: ErrorCode.UnsupportedVersion, offset: -1, timestamp: -1, leaderEpoch: -1 } : { errorCode: 0, offset, timestamp, leaderEpoch: version >= 4 ? epoch : -1 };
      expect(await client.listOffsets('orders', asked, { version }), `${asked}, version ${version}`).toMatchObject(want);
    }
    expect((await client.listOffsets('orders', -6, { version })).errorCode).toBe(ErrorCode.UnsupportedVersion);
    expect(await client.listOffsets('orders', 501, { version })).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1, leaderEpoch: -1 });
  }
});

test('the largest timestamp where no record has one is -1, of the first of them', async () => {
  const client = await story();
  expect(await client.listOffsets('orders', -3)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1, leaderEpoch: -1 });
  for (const codec of ['none', 'gzip'] as const) {
    await client.createTopic(codec, { configs: { 'segment.bytes': '200' } });
    for (let round = 0; round < 3; round++) await client.produce(codec, batch(['x'.repeat(60), 'y'], { timestamp: -1, codec }));
    expect(await client.listOffsets(codec, -3), codec).toMatchObject({ errorCode: 0, offset: 0, timestamp: -1, leaderEpoch: 0 });
  }
});
