import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { systemRandom } from '../../src/base/random.js';
import { systemTimers } from '../../src/base/timers.js';
import { ZooKeeperClient } from '../../src/zookeeper/client/client.js';
import { startEmbeddedZooKeeper } from '../../src/zookeeper/server/embedded.js';
import { batch } from '../support/batches.js';
import { freshDirectory, TestBroker } from '../support/broker.js';

test('a topic whose znode somebody spoilt is left alone, and the others are led', async () => {
  const seams = { clock: systemClock, timers: systemTimers, random: systemRandom };
  const coordination = await startEmbeddedZooKeeper({ dataDir: freshDirectory(), ...seams });
  const address = `${coordination.host}:${coordination.port}`;
  const operator = new ZooKeeperClient({ connect: address, sessionTimeoutMs: 6000, ...seams });
  await operator.connect();
  const broker = await TestBroker.start({ settings: { 'zookeeper.connect': address } });
  try {
    await operator.create('/brokers/topics/spoilt', Buffer.from('no JSON'));
    const client = await broker.client();
    await client.createTopic('sound');
    expect((await client.produce('sound', batch(['x']))).errorCode).toBe(0);
    expect((await client.metadata()).topics.map(({ name }) => name)).toEqual(['sound']);
  } finally {
    await broker.close();
    await operator.close();
    await coordination.close();
  }
});
