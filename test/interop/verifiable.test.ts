// kafka-verifiable-producer and kafka-verifiable-consumer: they say of every record what became of it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { createTopic, describeGroup } from './harness/commands.js';
import type { Program } from './harness/processes.js';
import { runTool, startTool } from './harness/tools.js';

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
afterAll(() => broker.destroy());

interface Said { name: string; topic: string; partition: number; offset: number; value: string; partitions: { partition: number }[]; success: boolean }

const said = (lines: readonly string[], name: string): Said[] => lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Said).filter(event => event.name === name);

/** The partitions a verifiable consumer holds now. */
const held = (consumer: Program): number[] => {
  let now: number[] = [];
  for (const line of consumer.lines) {
    const event = JSON.parse(line) as Said;
    if (event.name === 'partitions_assigned') now = event.partitions.map(({ partition }) => partition).sort();
    if (event.name === 'partitions_revoked') now = [];
  }
  return now;
};

const startConsumer = (): Program => startTool('verifiableConsumer', [
  '--bootstrap-server', broker.bootstrap, '--topic', 'verified', '--group-id', 'verifiers', '--verbose', '--enable-autocommit', '--reset-policy', 'earliest',
]);

test('every acknowledged record reaches exactly one of two consumers, though one joins late and leaves early', async () => {
  await createTopic(broker, 'verified', 4);
  const produce = async (count: number, from: number): Promise<Said[]> => {
    const { stdout } = await runTool('verifiableProducer', [
      '--bootstrap-server', broker.bootstrap, '--topic', 'verified', '--max-messages', String(count), '--throughput', '-1', '--acks', '-1', '--value-prefix', String(from),
    ]);
    const acknowledged = said(stdout.split('\n'), 'producer_send_success');
    expect(acknowledged).toHaveLength(count);
    return acknowledged;
  };
  const received = (...consumers: Program[]): string[] => consumers.flatMap(consumer => said(consumer.lines, 'record_data')).map(({ partition, offset, value }) => `${partition}@${offset}=${value}`);
  const names = (records: Said[]): string[] => records.map(({ partition, offset, value }) => `${partition}@${offset}=${value}`);
  const until = (what: string, look: () => boolean, watched: Program): Promise<true> => watched.until(what, () => look() || undefined);

  const first = startConsumer();
  await until('all partitions', () => held(first).length === 4, first);
  const sent = names(await produce(2_000, 1));
  await until('the first 2,000', () => received(first).length >= 2_000, first);

  const second = startConsumer();
  await until('half of the partitions', () => held(second).length === 2, second);
  await until('half of the partitions', () => held(first).length === 2, first);
  sent.push(...names(await produce(2_000, 2)));
  await expect.poll(() => received(first, second).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(4_000);

  await second.stop();
  await until('all partitions again', () => held(first).length === 4, first);
  sent.push(...names(await produce(1_000, 3)));
  await expect.poll(() => received(first, second).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(5_000);
  await first.stop();

  expect(received(first, second).toSorted()).toEqual(sent.toSorted());
  expect(said(first.lines, 'offsets_committed').every(({ success }) => success)).toBe(true);
  expect((await describeGroup(broker, 'verifiers')).map(({ lag }) => lag)).toEqual([0, 0, 0, 0]);
});
