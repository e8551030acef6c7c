// Whatever one client family wrote, every other reads the same.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { clients } from './harness/clients.js';
import { codecs, createTopic } from './harness/commands.js';
import { consumed, contents, produced, type Workload } from './harness/workload.js';

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
afterAll(() => broker.destroy());

test.each(clients.map(client => [client.name, client] as const))('written with %s', async (name, writer) => {
  const workload: Workload = { topic: `written-with-${name}`, partitions: 3, runs: codecs.map(codec => ({ codec, count: 1_500 })) };
  await createTopic(broker, workload.topic, workload.partitions);
  await produced(writer, broker, workload);
  for (const reader of clients) expect({ reader: reader.name, ...await consumed(reader, broker, workload) }).toEqual({ reader: reader.name, ...contents(workload) });
});
