// The broker is killed with kill -9 and started again on the same data, over and over, while an idempotent producer that
// was told to wait for acks=all goes on. What was acknowledged is there afterwards: once, in order, where the answer said.

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { Broker } from './harness/broker.js';
import { confluentClient, franzGoClient, Member } from './harness/clients.js';
import { createTopic, describeGroup, offsets } from './harness/commands.js';
import { Program } from './harness/processes.js';
import { runTool, startTool } from './harness/tools.js';
import { produced } from './harness/workload.js';

const KILLS = 12;

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
// One that died under a test is that test's failure, not the next one's as well.
beforeEach(async () => { if (!broker.alive) await broker.start(); });
afterAll(() => broker.destroy());

interface Sent { name: string; partition: number; offset: number; key: string; value: string }

/** Without a file VerifiableProducer sets retries=0. */
function startProducer(topic: string, config: Record<string, string | number>): Program {
  const file = join(broker.directory, `${topic}.producer.properties`);
  writeFileSync(file, Object.entries({
    'acks': 'all', 'enable.idempotence': 'true', 'retries': 2_147_483_647, 'delivery.timeout.ms': 600_000, 'request.timeout.ms': 5_000,
    'max.block.ms': 600_000, 'reconnect.backoff.max.ms': 200, ...config,
  }).map(([key, value]) => `${key}=${value}\n`).join(''));
  return startTool('verifiableProducer', [
    '--bootstrap-server', broker.bootstrap, '--topic', topic, '--producer.config', file, '--acks', '-1', '--throughput', '4000', '--repeating-keys', '500',
  ]);
}

const acknowledged = (producer: Program): number => producer.lines.length;   // One line a record, and one at the start.

async function readBack(topic: string): Promise<{ partition: number; offset: number; key: string; value: string }[]> {
  const count = Object.values(await offsets(broker, topic, -1)).reduce((a, b) => a + b, 0);
  const { stdout } = await runTool('consoleConsumer', [
    '--bootstrap-server', broker.bootstrap, '--topic', topic, '--from-beginning', '--max-messages', String(count), '--timeout-ms', '20000',
    ...['print.key=true', 'print.partition=true', 'print.offset=true', 'key.separator=:'].flatMap(property => ['--property', property]),
  ], { timeoutMs: 90_000 });
  return [...stdout.matchAll(/^Partition:(\d+):Offset:(\d+):(\d+):(\d+)$/gm)].map(([, partition, offset, key = '', value = '']) => ({ partition: Number(partition), offset: Number(offset), key, value }));
}

test.each<[string, (topic: string) => Program]>([
  ['java', topic => startProducer(topic, {})],
  ['java-lz4', topic => startProducer(topic, { 'compression.type': 'lz4', 'linger.ms': 5 })],
  ['librdkafka-zstd', topic => new Program(...confluentClient.command(JSON.stringify({ do: 'endless', bootstrap: broker.bootstrap, topic })))],
])(`killed ${KILLS} times, %s`, { timeout: 400_000 }, async (name, start) => {
  const seed = Number(process.env['INTEROP_SEED'] ?? Math.floor(Math.random() * 1e9));
  console.log(`crash loop, ${name}: INTEROP_SEED=${seed}`);
  const random = seededRandom(seed);
  const topic = `crashed-${name}`;
  await createTopic(broker, topic, 4, { 'segment.bytes': 131_072, 'index.interval.bytes': 512 });

  const producer = start(topic);
  const more = (count: number, when: string): Promise<unknown> => {
    const target = acknowledged(producer) + count;
    return producer.until(`${count} more records ${when}`, () => acknowledged(producer) >= target || undefined, 60_000);
  };
  for (let kill = 0; kill < KILLS; kill += 1) {
    await more(1 + random.int(4_000), `before kill ${kill}`);
    await broker.kill();
    if (random.int(3) === 0) await broker.startAndKill(random.int(400));
    await broker.start();
    if (kill % 4 === 3) {
      await more(1 + random.int(4_000), `before the stop after kill ${kill}`);
      await broker.stop();
      await broker.start();
    }
  }
  await more(2_000, 'after the last start');
  await producer.stop('SIGTERM', 60_000);   // It sends what it still holds first.

  const said = producer.lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Sent);
  expect(said.filter(event => event.name === 'producer_send_error')).toEqual([]);
  const sent = said.filter(event => event.name === 'producer_send_success');
  const read = await readBack(topic);

  const place = ({ partition, offset, key, value }: Omit<Sent, 'name'>): string => `${partition}@${offset} ${key}=${value}`;
  const found = new Set(read.map(place));
  expect(sent.map(place).filter(record => !found.has(record)).slice(0, 20), 'acknowledged, and not found where the answer said').toEqual([]);
  expect(read.length - new Set(read.map(({ value }) => value)).size, 'records found twice').toBe(0);
  expect(read.length, 'records nobody was told about').toBe(sent.length);
  for (const partition of [0, 1, 2, 3]) {
    const values = read.filter(record => record.partition === partition).map(({ value }) => Number(value));
    expect(values, `order in partition ${partition}`).toEqual(values.toSorted((a, b) => a - b));
  }

  await broker.stop();
  const logs = [0, 1, 2, 3].flatMap(partition => readdirSync(join(broker.dataDirectory, `${topic}-${partition}`)).filter(file => file.endsWith('.log')).map(file => join(broker.dataDirectory, `${topic}-${partition}`, file)));
  const dumped = (await runTool('dumpLog', ['--files', logs.join(','), '--deep-iteration'])).stdout;
  expect(dumped.match(/isvalid: true/g)?.length).toBeGreaterThan(0);
  expect(dumped).not.toMatch(/isvalid: false|Found \d+ invalid bytes|mismatch/);
  await broker.start();
});

test('a group reads everything, though the broker is killed under it', { timeout: 300_000 }, async () => {
  const seed = Number(process.env['INTEROP_SEED'] ?? Math.floor(Math.random() * 1e9));
  console.log(`crash loop, group: INTEROP_SEED=${seed}`);
  const random = seededRandom(seed);
  const topic = 'crashed-group';
  const partitions = [0, 1, 2, 3];
  await createTopic(broker, topic, partitions.length);
  const member = new Member(franzGoClient, broker, topic, 'survivors');
  await member.until('all partitions', ({ holds }) => holds.length === 4);
  let made = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const producing = produced(franzGoClient, broker, { topic, partitions: partitions.length, runs: [{ codec: 'lz4', count: 2_000 }] }, made);
    made += 2_000;
    const target = member.read.length + random.int(2_000);
    await member.until(`${target} records before kill ${kill}`, ({ read }) => read.length >= target);
    await broker.kill();
    await broker.start();
    await producing;
  }
  const all = partitions.flatMap(partition => Array.from({ length: made / 4 }, (_, offset) => `${partition}@${offset}`));
  await member.until('everything', ({ read }) => read.length >= all.length && new Set(read).size === all.length);   // At least once: a commit may be lost with the answer to it.
  await member.leave();
  expect([...new Set(member.read)].toSorted()).toEqual(all.toSorted());
  expect((await describeGroup(broker, 'survivors')).map(({ current, lag }) => [current, lag])).toEqual(partitions.map(() => [made / 4, 0]));
});
