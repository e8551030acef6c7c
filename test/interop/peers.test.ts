// Odradek and Apache Kafka 3.9.1 in one cluster, whoever is the controller: what the controller says is understood.
import { expect, onTestFinished, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { startKafka, type KafkaBroker } from '../../bench/peer/kafka.js';
import { freshDirectory, TestBroker, until } from '../support/broker.js';
import { batch } from '../support/batches.js';
import { TestClient } from '../support/client.js';
import { embedded } from '../zookeeper/support/kit.js';

async function kafka(zookeeper: string, config: Readonly<Record<string, string>> = {}): Promise<{ broker: KafkaBroker; client: TestClient }> {
  const broker = await startKafka({ dir: freshDirectory(), zookeeper, brokerId: 2, config });
  onTestFinished(() => broker.stop());
  const client = await TestClient.connect(broker.port);
  onTestFinished(() => client.destroy());
  return { broker, client };
}

async function odradek(zookeeper: string, settings: Readonly<Record<string, string>> = {}): Promise<{ broker: TestBroker; client: TestClient }> {
  const broker = await TestBroker.start({ settings: { 'zookeeper.connect': zookeeper, 'offsets.topic.replication.factor': 1, 'broker.id': 1, ...settings } });
  return { broker, client: await broker.client() };
}

/** A topic with a partition led by each is made, is the same in the eyes of both, and each serves what it leads. */
async function agree(one: TestClient, two: TestClient): Promise<void> {
  for (const client of [one, two]) await until(async () => (await client.metadata({ topics: [] })).brokers.length === 2, 'both appear', 30_000);
  const shared = { topics: [{ name: 'shared', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }, { partitionIndex: 1, brokerIds: [2, 1] }] }] };
  // The controller makes it, and nobody else.
  const made = [...(await one.createTopics(shared)).topics, ...(await two.createTopics(shared)).topics].map(({ errorCode }) => errorCode);
  expect(made.sort()).toEqual([ErrorCode.None, ErrorCode.NotController]);
  for (const client of [one, two]) {
    await until(async () => (await client.metadata({ topics: [{ name: 'shared' }], allowAutoTopicCreation: false })).topics[0]!.partitions.length === 2, 'the topic is known', 30_000);
    const { topics: [topic] } = await client.metadata({ topics: [{ name: 'shared' }] });
    expect(topic!.partitions.map(({ partitionIndex, leaderId, replicaNodes }) => [partitionIndex, leaderId, replicaNodes]).sort()).toEqual([[0, 1, [1, 2]], [1, 2, [2, 1]]]);
  }
  for (const [partition, client] of [one, two].entries()) {
    await until(async () => (await client.produce('shared', batch(['well']), { partition, acks: 1 })).errorCode === 0, `broker ${partition + 1} leads`, 30_000);
  }
}

test.each(['3.9', '2.7'])('an Odradek controller leads a Kafka broker, at protocol %s', async protocol => {
  const zookeeper = await embedded();
  const ours = await odradek(zookeeper.connect, { 'inter.broker.protocol.version': protocol });
  const theirs = await kafka(zookeeper.connect, { 'inter.broker.protocol.version': protocol });
  await agree(ours.client, theirs.client);
});

test.each(['3.9', '2.7'])('a Kafka controller leads an Odradek, at protocol %s', async protocol => {
  const zookeeper = await embedded();
  const theirs = await kafka(zookeeper.connect, { 'inter.broker.protocol.version': protocol });
  const ours = await odradek(zookeeper.connect, { 'inter.broker.protocol.version': protocol });
  await agree(ours.client, theirs.client);
});
