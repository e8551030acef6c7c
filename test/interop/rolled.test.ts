// A cluster of Apache Kafka becomes one of Odradek, broker by broker and under load, on the same directories, and goes back the same way. ROLLED_TO=kafka
// rolls Kafka to Kafka, so that the test itself can be checked.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runChaos } from '../chaos/run.js';
import { runTool } from './harness/tools.js';

const swap = process.env['ROLLED_TO'] !== 'kafka';
const TRANSACTIONAL = 2_000;
const KEYS = 50;

/** What lies on the disks before: ended transactions, and a compacted topic. */
async function prepare(bootstrap: string): Promise<void> {
  const create = (topic: string, ...configs: string[]): Promise<unknown> =>
    runTool('topics', ['--bootstrap-server', bootstrap, '--create', '--topic', topic, '--partitions', '2', '--replication-factor', '3', ...configs.flatMap(config => ['--config', config])]);
  await create('ended');
  await runTool('producerPerf', [
    '--topic', 'ended', '--num-records', String(TRANSACTIONAL), '--record-size', '200', '--throughput', '-1', '--transactional-id', 'rolled', '--transaction-duration-ms', '100',
    '--producer-props', `bootstrap.servers=${bootstrap}`, 'acks=all', 'compression.type=zstd',
  ]);
  await create('compacted', 'cleanup.policy=compact');
  const lines = Array.from({ length: 20 * KEYS }, (_, index) => `key-${index % KEYS}:value-${index}\n`);
  await runTool('consoleProducer', ['--bootstrap-server', bootstrap, '--topic', 'compacted', '--property', 'parse.key=true', '--property', 'key.separator=:', '--producer-property', 'acks=all'], { input: lines.join('') });
}

/** And is there afterwards: all that was committed, and the last value of each key. */
async function look(bootstrap: string): Promise<void> {
  const read = async (topic: string, ...args: string[]): Promise<string[]> =>
    (await runTool('consoleConsumer', ['--bootstrap-server', bootstrap, '--topic', topic, '--from-beginning', '--timeout-ms', '15000', ...args])).stdout.split('\n').filter(line => line !== '');
  expect(await read('ended', '--isolation-level', 'read_committed')).toHaveLength(TRANSACTIONAL);
  const last = new Map((await read('compacted', '--property', 'print.key=true', '--property', 'key.separator=:')).map(line => line.split(':') as [string, string]));
  expect(last).toEqual(new Map(Array.from({ length: KEYS }, (_, index) => [`key-${index}`, `value-${19 * KEYS + index}`])));
}

test('rolled to and fro under load: nothing is lost, doubled or out of order, and no client is told more than to try again', async () => {
  const dir = mkdtempSync(join(process.env['INTEROP_DIR'] ?? tmpdir(), 'odradek-rolled-'));
  const plan = [{ atMs: 3_000, fault: { kind: 'roll', swap, patient: true, times: 2 } as const }];
  const { findings, text } = await runChaos({
    seed: 1, minutes: 1, kinds: ['kafka', 'kafka', 'kafka'], coordination: 'apache', swap, verifiable: true, plan, dir, before: prepare, after: look, log: line => console.log(line),
  });
  expect(findings, `in ${dir}\n${text}`).toEqual([]);
  expect(text).toContain(', 0 refused');
  rmSync(dir, { recursive: true, force: true });
}, 15 * 60_000);
