import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/logger.js';
import { systemRandom } from '../../src/base/random.js';
import { systemTimers } from '../../src/base/timers.js';
import { zooKeeperOffsets } from '../../src/server/legacy-offsets.js';
import { ZooKeeperClient } from '../../src/zookeeper/client/client.js';
import { startEmbeddedZooKeeper } from '../../src/zookeeper/server/embedded.js';

const seams = { clock: systemClock, timers: systemTimers, random: systemRandom, logger: silentLogger };
let dataDir: string;
let server: Awaited<ReturnType<typeof startEmbeddedZooKeeper>>;
let zookeeper: ZooKeeperClient;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'odradek-legacy-offsets-'));
  server = await startEmbeddedZooKeeper({ ...seams, dataDir, host: '127.0.0.1', port: 0 });
  zookeeper = new ZooKeeperClient({ ...seams, connect: `127.0.0.1:${server.port}`, sessionTimeoutMs: 10_000 });
  await zookeeper.connect();
});

afterEach(async () => {
  await zookeeper.close();
  await server.close();
  await rm(dataDir, { recursive: true });
});

test('an offset lies where consumers before 0.9 look for it, as a decimal number', async () => {
  const offsets = zooKeeperOffsets(zookeeper);
  expect(await offsets.fetch('g', 'orders', 3)).toBeNull();
  await offsets.commit('g', 'orders', 3, 17);
  expect((await zookeeper.getData('/consumers/g/offsets/orders/3')).data?.toString()).toBe('17');
  await offsets.commit('g', 'orders', 3, 18);
  expect(await offsets.fetch('g', 'orders', 3)).toBe(18);
});

test('the largest offset is written as one that 64 bits hold', async () => {
  const offsets = zooKeeperOffsets(zookeeper);
  await offsets.commit('g', 'orders', 0, Number(2n ** 63n - 1n));
  expect((await zookeeper.getData('/consumers/g/offsets/orders/0')).data?.toString()).toBe('9223372036854775807');
  await offsets.commit('g', 'orders', 0, 1e21 / 1e3);
  expect((await zookeeper.getData('/consumers/g/offsets/orders/0')).data?.toString()).toBe('1000000000000000000');
});

test('first commits of many partitions at once do not get in each other\'s way', async () => {
  const offsets = zooKeeperOffsets(zookeeper);
  await Promise.all(Array.from({ length: 20 }, (_, i) => offsets.commit('g', 'orders', i % 10, 5)));
  expect((await zookeeper.getChildren('/consumers/g/offsets/orders')).children).toHaveLength(10);
});

test('what is no number counts as no offset', async () => {
  const offsets = zooKeeperOffsets(zookeeper);
  await offsets.commit('g', 'orders', 0, 1);
  await zookeeper.setData('/consumers/g/offsets/orders/0', Buffer.from('soon'));
  expect(await offsets.fetch('g', 'orders', 0)).toBeNull();
});
