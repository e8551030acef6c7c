// Whatever one client family wrote, every other reads the same.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { Broker } from './harness/broker.js';
import { clients } from './harness/clients.js';
import { codecs, createTopic } from './harness/commands.js';
import { oddValues } from './harness/odd-values.js';
import { consumed, contents, produced, total, type Workload } from './harness/workload.js';

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
afterAll(() => broker.destroy());

test.each(clients.map(client => [client.name, client] as const))('written with %s', async (name, writer) => {
  const workload: Workload = { topic: `written-with-${name}`, partitions: 3, runs: codecs.map(codec => ({ codec, count: 1_500 })) };
  await createTopic(broker, workload.topic, workload.partitions);
  await produced(writer, broker, workload);
  for (const reader of clients) expect({ reader: reader.name, ...await consumed(reader, broker, workload) }).toEqual({ reader: reader.name, ...contents(workload) });
});

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

test(`what encoders find hard or odd, from every client in every codec, every client reads (SEED=${seed})`, async () => {
  const values = oddValues(seededRandom(seed));
  const packed = codecs.filter(codec => codec !== 'none');
  const workload: Workload = { topic: 'odd', partitions: 1, runs: packed.map(codec => ({ codec, count: values.length })), values };
  await createTopic(broker, workload.topic, workload.partitions, { 'max.message.bytes': 33_000_000 });
  for (const [before, writer] of clients.entries()) await produced(writer, broker, workload, before * total(workload));
  const count = clients.length * total(workload);
  const expected = contents(workload, count);
  for (const reader of clients) expect({ reader: reader.name, ...await consumed(reader, broker, workload, count) }).toEqual({ reader: reader.name, ...expected });
});
