// Data directories as another broker left them when it died.
import { copyFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { batch } from '../support/batches.js';
import { TestBroker } from '../support/broker.js';
import { valuesOf } from '../support/client.js';

/** A stopped broker with one topic of several segments, a record of each offset's number in each; the segments' names. */
async function stopped(): Promise<{ broker: TestBroker; directory: string; segments: string[] }> {
  const broker = await TestBroker.start();
  const client = await broker.client();
  await client.createTopic('orders', { configs: { 'segment.bytes': '1000', 'cleanup.policy': 'delete' } });
  for (let n = 0; n < 20; n++) await client.produce('orders', batch([String(n).padEnd(300)]));
  await broker.close();
  const directory = join(broker.logDir, 'orders-0');
  const segments = readdirSync(directory).filter(name => name.endsWith('.log')).map(name => name.slice(0, -4)).sort();
  expect(segments.length).toBeGreaterThan(4);
  return { broker, directory, segments };
}

async function valuesIn(broker: TestBroker): Promise<number[]> {
  const client = await broker.client();
  const { offset: end } = await client.listOffsets('orders', -1);
  const values: number[] = [];
  for (let at = 0; at < end;) {
    const { records } = await client.fetch('orders', at, { partitionMaxBytes: 1 << 20 });
    const some = valuesOf(records).map(value => Number(value.trim())).filter(value => value >= at);
    if (some.length === 0) break;
    values.push(...some);
    at = some.at(-1)! + 1;
  }
  return values;
}

const all = Array.from({ length: 20 }, (_, n) => n);

test('a compaction that died between its last two renames is brought to its end: nothing is missing', async () => {
  const { broker, directory, segments } = await stopped();
  rmSync(join(broker.logDir, '.kafka_cleanshutdown'));
  // The second and third segment were compacted into one, which lost nothing here; the old ones are half gone.
  const [, second, third] = segments as [string, string, string];
  for (const suffix of ['log', 'index', 'timeindex']) {
    copyFileSync(join(directory, `${third}.${suffix}`), join(directory, `${third}.${suffix}.swap`));
    renameSync(join(directory, `${second}.${suffix}`), join(directory, `${second}.${suffix}.swap`));
  }
  renameSync(join(directory, `${third}.index`), join(directory, `${third}.index.deleted`));
  await broker.restart();
  expect(await valuesIn(broker)).toEqual(all);
  expect(readdirSync(directory).filter(name => /\.(swap|deleted|cleaned)$/.test(name))).toEqual([]);
});

test('records behind a hole between segments are there after a crash, whatever the topic\'s policy is now', async () => {
  const { broker, directory, segments } = await stopped();
  rmSync(join(broker.logDir, '.kafka_cleanshutdown'));
  writeFileSync(join(broker.logDir, 'recovery-point-offset-checkpoint'), '0\n0\n');
  const [, , third, fourth] = segments as [string, string, string, string];
  for (const suffix of ['log', 'index', 'timeindex']) rmSync(join(directory, `${third}.${suffix}`));
  await broker.restart();
  expect(await valuesIn(broker)).toEqual(all.filter(n => n < Number(third) || n >= Number(fourth)));
});
