// kafka-console-producer and kafka-console-consumer.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { codecs, createTopic, describeGroup, produceLines } from './harness/commands.js';
import { runTool, startTool } from './harness/tools.js';

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
afterAll(() => broker.destroy());

const lines = (count: number, name: string): string[] => Array.from({ length: count }, (_, i) => `${name}-key-${i}:${name}-value-${i}`);

/** The lines a console consumer prints until it has seen `count` records. */
async function consume(topic: string, count: number, ...args: string[]): Promise<string[]> {
  const { stdout } = await runTool('consoleConsumer', [
    '--bootstrap-server', broker.bootstrap, '--topic', topic, '--max-messages', String(count), '--timeout-ms', '30000', ...args,
  ]);
  return stdout.split('\n').filter(line => line !== '');
}

const printKeys = ['--property', 'print.key=true', '--property', 'key.separator=:'];

describe('kafka-console-producer and -consumer', () => {
  test('what is typed on one side comes out on the other, keys, partitions, offsets, timestamps and headers included', async () => {
    await createTopic(broker, 'typed', 3);
    const before = Date.now();
    await runTool('consoleProducer', [
      '--bootstrap-server', broker.bootstrap, '--topic', 'typed', '--property', 'parse.key=true', '--property', 'key.separator=:', '--property', 'parse.headers=true',
    ], { input: lines(30, 'typed').map((line, i) => `number:${i}\t${line}\n`).join('') });

    const seen = await consume('typed', 30, '--from-beginning', ...printKeys,
      ...['print.partition=true', 'print.offset=true', 'print.timestamp=true', 'print.headers=true'].flatMap(property => ['--property', property]));
    const parsed = seen.map(line => line.match(/^CreateTime:(\d+):Partition:(\d):Offset:(\d+):number:(\d+):(typed-key-\d+):(typed-value-\d+)$/) ?? expect.fail(line));
    expect(parsed.map(([, , , , , key, value]) => `${key}:${value}`).toSorted()).toEqual(lines(30, 'typed').toSorted());
    expect(new Set(parsed.map(match => match[2])).size).toBe(3);
    for (const [, timestamp, , , number, key] of parsed) {
      expect(key).toBe(`typed-key-${number}`);
      expect(Number(timestamp)).toBeGreaterThanOrEqual(before - 1_000);
      expect(Number(timestamp)).toBeLessThanOrEqual(Date.now() + 1_000);
    }
    for (const partition of ['0', '1', '2']) {
      const inOrder = parsed.filter(match => match[2] === partition);
      expect(inOrder.map(match => Number(match[3]))).toEqual(inOrder.map((_, i) => i));
      expect(inOrder.map(match => Number(match[4]))).toEqual(inOrder.map(match => Number(match[4])).sort((a, b) => a - b));
    }
  });

  test.each(codecs)('%s', async codec => {
    await createTopic(broker, `codec-${codec}`);
    await runTool('consoleProducer', [
      '--bootstrap-server', broker.bootstrap, '--topic', `codec-${codec}`, '--compression-codec', codec, '--property', 'parse.key=true', '--property', 'key.separator=:',
    ], { input: lines(2_000, codec).map(line => `${line}\n`).join('') });
    expect(await consume(`codec-${codec}`, 2_000, '--from-beginning', ...printKeys)).toEqual(lines(2_000, codec));
  });

  test.each(['0', '1', 'all'])('acks=%s', async acks => {
    await createTopic(broker, `acks-${acks}`);
    await produceLines(broker, `acks-${acks}`, lines(500, 'acks'), [`acks=${acks}`, 'enable.idempotence=false']);
    expect(await consume(`acks-${acks}`, 500, '--from-beginning', ...printKeys)).toEqual(lines(500, 'acks'));
  });

  test.each(['none', 'gzip'])('a topic stamped by the broker, %s', async codec => {
    await createTopic(broker, `stamped-${codec}`, 1, { 'message.timestamp.type': 'LogAppendTime' });
    const before = Date.now();
    await produceLines(broker, `stamped-${codec}`, lines(100, 'stamped'), [`compression.type=${codec}`]);
    const seen = await consume(`stamped-${codec}`, 100, '--from-beginning', '--isolation-level', 'read_committed', '--property', 'print.timestamp=true', '--property', 'print.offset=true');
    seen.forEach((line, i) => {
      const [, timestamp] = line.match(new RegExp(`^LogAppendTime:(\\d+)\tOffset:${i}\tstamped-value-${i}$`)) ?? expect.fail(line);
      expect(Number(timestamp)).toBeGreaterThanOrEqual(before);
      expect(Number(timestamp)).toBeLessThanOrEqual(Date.now());
    });
  });

  test('a topic nobody made comes into being at the first record', async () => {
    await produceLines(broker, 'made-on-demand', lines(3, 'demand'));
    expect(await consume('made-on-demand', 3, '--from-beginning', ...printKeys)).toEqual(lines(3, 'demand'));
  });

  test('one partition, from an offset in the middle', async () => {
    await createTopic(broker, 'middle', 2);
    await produceLines(broker, 'middle', lines(100, 'middle'));
    const whole = await consume('middle', 40, '--partition', '1', '--offset', 'earliest', ...printKeys);
    expect(await consume('middle', 10, '--partition', '1', '--offset', '20', ...printKeys)).toEqual(whole.slice(20, 30));
  });

  test('a group goes on where it stopped', async () => {
    await createTopic(broker, 'continued', 3);
    await produceLines(broker, 'continued', lines(50, 'first'));
    const first = await consume('continued', 50, '--group', 'reader', '--from-beginning', ...printKeys);
    expect(first.toSorted()).toEqual(lines(50, 'first').toSorted());

    await produceLines(broker, 'continued', lines(20, 'second'));
    const second = await consume('continued', 20, '--group', 'reader', ...printKeys);
    expect(second.toSorted()).toEqual(lines(20, 'second').toSorted());
    expect((await describeGroup(broker, 'reader')).map(line => line.lag)).toEqual([0, 0, 0]);
  });

  test('a consumer at the end of the log gets what is produced while it waits', async () => {
    await createTopic(broker, 'live');
    await produceLines(broker, 'live', lines(5, 'early'));
    const consumer = startTool('consoleConsumer', ['--bootstrap-server', broker.bootstrap, '--topic', 'live', '--group', 'live-reader', '--max-messages', '5']);
    await expect.poll(() => describeGroup(broker, 'live-reader').catch(() => []), { timeout: 30_000, interval: 100 }).toHaveLength(1);
    await produceLines(broker, 'live', lines(5, 'late'));
    expect(await consumer.end()).toEqual({ code: 0, signal: null });
    expect(consumer.lines).toEqual(lines(5, 'late').map(line => line.split(':')[1]));
  });

  test('records of a megabyte, and one that is too large', async () => {
    await createTopic(broker, 'large');
    const value = 'v'.repeat(900_000);
    await produceLines(broker, 'large', [`a:${value}`, `b:${value}`]);
    expect(await consume('large', 2, '--from-beginning', ...printKeys)).toEqual([`a:${value}`, `b:${value}`]);

    const { stderr } = await runTool('consoleProducer', [
      '--bootstrap-server', broker.bootstrap, '--topic', 'large', '--producer-property', 'max.request.size=4000000', '--max-memory-bytes', '33554432',
    ], { input: `${'v'.repeat(2_000_000)}\n` });
    expect(stderr).toContain('RecordTooLargeException');
  });
});
