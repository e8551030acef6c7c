// Embedded coordination as a broker brings it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startBroker } from '../../src/server/broker.js';
import { brokerOptions, freshDirectory, TestBroker } from '../support/broker.js';
import { freePort } from '../support/free-port.js';
import { connected } from './support/kit.js';

test('odradek.embedded.port is where an operator finds it', async () => {
  const port = await freePort();
  const broker = await TestBroker.start({ settings: { 'odradek.embedded.port': port } });
  const operator = await connected(`127.0.0.1:${port}`);
  expect((await operator.getChildren('/brokers/ids')).children).toEqual([String(broker.id)]);
});

test('a broker with directories of its own does not start on the coordination of another', async () => {
  const shared = join(freshDirectory(), 'zookeeper');
  const broker = await TestBroker.start({ settings: { 'odradek.embedded.dir': shared } });
  expect(existsSync(join(shared, '.lock'))).toBe(true);
  await expect(startBroker(brokerOptions({ settings: { 'odradek.embedded.dir': shared } }, freshDirectory()))).rejects.toThrow(/embedded coordination in .*zookeeper: is in use by another process/);
  const client = await broker.client();
  await client.createTopic('orders');
});
