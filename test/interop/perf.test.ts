// kafka-producer-perf-test, kafka-consumer-perf-test and the end to end latency tool, as a check that every record
// arrives. Their figures are the benchmarks' business.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { codecs, createTopic, offsets } from './harness/commands.js';
import { runTool } from './harness/tools.js';

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
afterAll(() => broker.destroy());

const sum = (of: Record<number, number>): number => Object.values(of).reduce((a, b) => a + b, 0);

async function produce(topic: string, records: number, size: number, ...properties: string[]): Promise<string> {
  const { stdout } = await runTool('producerPerf', [
    '--topic', topic, '--num-records', String(records), '--record-size', String(size), '--throughput', '-1',
    '--producer-props', `bootstrap.servers=${broker.bootstrap}`, ...properties,
  ]);
  return stdout;
}

/** How many records kafka-consumer-perf-test read. */
async function consumed(topic: string, records: number): Promise<number> {
  const { stdout } = await runTool('consumerPerf', ['--bootstrap-server', broker.bootstrap, '--topic', topic, '--messages', String(records), '--timeout', '30000', '--hide-header']);
  return Number(stdout.trim().split('\n').at(-1)?.split(',')[4]);
}

describe('perf tools', () => {
  test('300,000 records of 1 KiB over 6 partitions, acks=all, all read back', async () => {
    await createTopic(broker, 'volume', 6, { 'segment.bytes': 16_777_216 });
    expect(await produce('volume', 300_000, 1_024, 'acks=all', 'batch.size=131072', 'linger.ms=5')).toContain('300000 records sent');
    expect(sum(await offsets(broker, 'volume', -1))).toBe(300_000);
    expect(await consumed('volume', 300_000)).toBe(300_000);
  });

  test.each(codecs)('100,000 records, %s', async codec => {
    await createTopic(broker, `volume-${codec}`, 3);
    expect(await produce(`volume-${codec}`, 100_000, 200, `compression.type=${codec}`, 'linger.ms=5')).toContain('100000 records sent');
    expect(await consumed(`volume-${codec}`, 100_000)).toBe(100_000);
  });

  test('a record at a time, acknowledged before the next: end to end', async () => {
    const { stdout } = await runTool('endToEndLatency', [broker.bootstrap, 'latency', '500', 'all', '100']);
    expect(stdout).toMatch(/Percentiles: 50th = \d+, 99th = \d+/);
  });
});
