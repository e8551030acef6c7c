// Which fetcher a partition belongs to, and what becomes of fetchers (AbstractFetcherManager.scala).

import { afterEach, expect, it } from 'vitest';
import { World, type ModelBroker } from './support/world.js';

let world: World;

afterEach(async () => {
  world.close();
  await world.time.pass(1000);
  expect(world.unreleased).toBe(0);
});

async function following(topics: readonly string[], fetchers: number): Promise<[ModelBroker, ModelBroker]> {
  world = new World({ fetchers });
  for (const topic of topics) {
    world.makePartition(topic);
    world.brokers[0]!.log(`${topic}-0`).append(0);
    await world.elect(0, 1, `${topic}-0`);
  }
  for (const topic of topics) await world.caughtUp(0, `${topic}-0`);
  return world.brokers as [ModelBroker, ModelBroker];
}

const letters = ['a', 'b', 'c', 'd', 'e', 'f'];

it('a partition goes to the fetcher that Kafka\'s hash says', async () => {
  const [, { manager }] = await following([], 4);
  // Utils.abs(31 * topic.hashCode() + partition) % 4, by a JVM.
  expect(['orders-0', 'orders-7', '__consumer_offsets-13'].map(name => manager.fetcherId(name.slice(0, name.lastIndexOf('-')), Number(name.slice(name.lastIndexOf('-') + 1))))).toEqual(
    [['orders', 0], ['orders', 7], ['__consumer_offsets', 13]].map(([topic, index]) => abs(31n * hash(topic as string) + BigInt(index as number)) % 4));
});

it('num.replica.fetchers changes while records come in', async () => {
  const [leader, { manager, partitions }] = await following(letters, 1);
  for (const size of [3, 2, 5, 1]) {
    const resized = manager.resize(size);
    for (const topic of letters) leader.log(`${topic}-0`).append(1);
    await world.whileDone(resized);
    for (const topic of letters) await world.caughtUp(0, `${topic}-0`);
    const used = new Set(letters.map(topic => manager.fetcherId(topic, 0)));
    expect(manager.fetcherCount).toBe(used.size);
  }
  expect(manager.failedPartitions.size).toBe(0);
  for (const partition of partitions.values()) expect(partition.log!.cuts).toEqual([]);
});

it('a fetcher without partitions ends when it is told so', async () => {
  const [, { manager, partitions }] = await following(letters, 1);
  manager.removePartitions(partitions.values());
  expect(manager.fetcherCount).toBe(1);
  manager.shutdownIdle();
  expect(manager.fetcherCount).toBe(0);
  await world.time.pass(1000);
  const asked = world.brokers[0]!.leader.fetches.length;
  await world.time.pass(2000);
  expect(world.brokers[0]!.leader.fetches.length).toBe(asked);
});

it('told of the same epoch again, it goes on as it is', async () => {
  const [leader, { manager, partitions }] = await following(['a'], 1);
  const partition = partitions.get('a-0')!;
  const before = manager.fetchState(partition);
  manager.addPartitions([{ partition, topicId: partition.topicId, leader: 0, leaderEpoch: 1 }]);
  expect(manager.fetchState(partition)).toBe(before);
  leader.log('a-0').append(1);
  await world.caughtUp(0, 'a-0');
});

it('taken away and added again while its log is at work, it goes on where that ends', async () => {
  const [leader, { manager, partitions }] = await following(['a'], 1);
  const partition = partitions.get('a-0')!;
  for (let epoch = 2; epoch < 30; epoch++) {
    leader.partition('a-0').leaderEpoch = partition.leaderEpoch = epoch;
    leader.log('a-0').append(epoch, 2);
    await world.time.until(() => manager.fetchState(partition)!.busy, 'its log is at work', 3000).catch(() => {});
    manager.removePartitions([partition]);
    // Nobody waited for the log.
    manager.addPartitions([{ partition, topicId: partition.topicId, leader: 0, leaderEpoch: epoch }]);
  }
  await world.caughtUp(0, 'a-0');
  expect(manager.failedPartitions.size).toBe(0);
});

it('says how far the slowest trails', async () => {
  const [, { manager }] = await following(['a', 'b'], 2);
  expect(manager.maxLag).toBe(0);
});

function hash(text: string): bigint {
  let value = 0n;
  for (const char of text) value = BigInt.asIntN(32, value * 31n + BigInt(char.charCodeAt(0)));
  return value;
}

function abs(value: bigint): number {
  const int = Number(BigInt.asIntN(32, value));
  return int === -0x80000000 ? 0 : Math.abs(int);
}
