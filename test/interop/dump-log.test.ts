// kafka-dump-log on the files of the broker under test: Kafka's own reader of segments and indexes has no complaint.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { javaClient } from './harness/clients.js';
import { codecs, createTopic } from './harness/commands.js';
import { runTool } from './harness/tools.js';
import { produced } from './harness/workload.js';

let broker: Broker;
beforeAll(async () => {
  broker = await Broker.start();
  await createTopic(broker, 'dumped', 1, { 'segment.bytes': 131_072, 'index.interval.bytes': 1_024 });
  for (const codec of codecs) await produced(javaClient, broker, { topic: 'dumped', partitions: 1, runs: [{ codec, count: 4_000 }] }, codecs.indexOf(codec) * 4_000);
  await runTool('consoleConsumer', ['--bootstrap-server', broker.bootstrap, '--topic', 'dumped', '--group', 'dumper', '--from-beginning', '--max-messages', '20000', '--timeout-ms', '30000']);
  await broker.stop();   // The indexes of the active segment are cut to their length when it is closed.
});
afterAll(() => broker.destroy());

const files = (partition: string, extension: string): string[] =>
  readdirSync(join(broker.dataDirectory, partition)).filter(file => file.endsWith(extension)).toSorted().map(file => join(broker.dataDirectory, partition, file));

const dump = async (of: readonly string[], ...args: string[]): Promise<string> => (await runTool('dumpLog', ['--files', of.join(','), ...args])).stdout;

const complaints = /mismatch|not valid|Found|corrupt|Exception|missing|out of order/i;

describe('kafka-dump-log', () => {
  test('every batch of every segment is valid, offsets run on without a gap, records come out whole', async () => {
    const segments = files('dumped-0', '.log');
    expect(segments.length).toBeGreaterThan(3);
    const text = await dump(segments, '--deep-iteration', '--print-data-log');
    expect(text).not.toMatch(complaints);

    const batches = [...text.matchAll(/^baseOffset: (\d+) lastOffset: (\d+) count: (\d+) .*compresscodec: (\w+) crc: \d+ isvalid: (\w+)$/gm)];
    expect(batches.map(batch => batch[5])).toEqual(batches.map(() => 'true'));
    let next = 0;
    for (const [, base, last, count] of batches) {
      expect([Number(base), Number(last) - Number(base) + 1]).toEqual([next, Number(count)]);
      next = Number(last) + 1;
    }
    expect(next).toBe(20_000);
    expect(new Set(batches.map(batch => batch[4]))).toEqual(new Set(['none', 'gzip', 'snappy', 'lz4', 'zstd']));

    const records = [...text.matchAll(/^\| offset: (\d+) CreateTime: \d+ keySize: \d+ valueSize: \d+ sequence: (\d+) headerKeys: \[(n?)\] key: key-(\d+) payload: value-(\d+)-x*$/gm)];
    expect(records).toHaveLength(20_000);
    records.forEach(([, offset, , header, key, value], i) => expect([offset, header, key, value]).toEqual([`${i}`, i % 10 === 0 ? 'n' : '', `${i}`, `${i}`]));
  });

  test('each index agrees with its segment', async () => {
    const indexes = files('dumped-0', '.index');
    const timeIndexes = files('dumped-0', '.timeindex');
    expect(indexes).toHaveLength(files('dumped-0', '.log').length);
    expect(timeIndexes).toHaveLength(indexes.length);
    expect(await dump([...indexes, ...timeIndexes], '--index-sanity-check')).not.toMatch(complaints);
    const verified = await dump([...indexes, ...timeIndexes], '--verify-index-only');
    expect(verified).not.toMatch(complaints);
    const entries = await dump(indexes);
    expect(entries.match(/^offset: \d+ position: \d+$/gm)?.length).toBeGreaterThan(indexes.length);
    expect(await dump(timeIndexes)).toMatch(/^timestamp: \d+ offset: \d+$/m);
  });

  test('rolled segments carry names and sizes that fit together', () => {
    for (const segment of files('dumped-0', '.log')) {
      expect(segment).toMatch(/\/\d{20}\.log$/);
      expect(statSync(segment).size).toBeLessThanOrEqual(131_072);
    }
  });

  test('producer state snapshots are readable', async () => {
    const snapshots = files('dumped-0', '.snapshot');
    expect(snapshots.length).toBeGreaterThan(0);   // One at every roll.
    expect(await dump(snapshots)).toMatch(/^producerId: \d+ producerEpoch: 0 .*currentTxnFirstOffset: OptionalLong\.empty .*lastSequence: 3999/m);
  });

  test('committed offsets and group metadata, as Kafka decodes its own', async () => {
    const partitions = readdirSync(broker.dataDirectory).filter(name => name.startsWith('__consumer_offsets-'));
    const logs = partitions.flatMap(partition => files(partition, '.log')).filter(file => statSync(file).size > 0);
    expect(logs.length).toBeGreaterThan(0);
    const text = await dump(logs, '--offsets-decoder');
    expect(text).not.toMatch(complaints);
    expect(text).toMatch(/"group":"dumper","topic":"dumped","partition":0.*payload: .*"offset":20000/);
    expect(text).toMatch(/"group":"dumper"\}.*payload: .*"protocolType":"consumer"/);
  });
});
