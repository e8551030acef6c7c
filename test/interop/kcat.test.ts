// kcat, on librdkafka 2.0: metadata, every codec, offsets by time, balanced groups.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { asks, javaClient } from './harness/clients.js';
import { codecs, createTopic } from './harness/commands.js';
import { Program, runWell } from './harness/processes.js';
import { kcat } from './harness/provision.js';
import { consumed, contents, produced, startTime, type Workload } from './harness/workload.js';

let broker: Broker;
beforeAll(async () => { kcat(); broker = await Broker.start(); });
afterAll(() => broker.destroy());

async function cat(args: readonly string[], input?: string): Promise<string> {
  return (await runWell('kcat', ['-b', broker.bootstrap, ...args], { input })).stdout;
}

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '');

describe('kcat', () => {
  test('-L lists the broker, its topics and their partitions', async () => {
    await createTopic(broker, 'listed', 3);
    const text = await cat(['-L', '-t', 'listed']);
    expect(text).toContain(`broker 0 at ${broker.bootstrap} (controller)`);
    expect(text).toMatch(/topic "listed" with 3 partitions:/);
    for (const partition of [0, 1, 2]) expect(text).toContain(`partition ${partition}, leader 0, replicas: 0, isrs: 0`);

    const json = JSON.parse(await cat(['-L', '-J'])) as { controllerid: number; topics: { topic: string; partitions: unknown[] }[] };
    expect(json.controllerid).toBe(0);
    expect(json.topics.find(({ topic }) => topic === 'listed')?.partitions).toHaveLength(3);
  });

  test.each(codecs)('produces and consumes 20,000 records with keys and headers, %s', async codec => {
    await createTopic(broker, `cat-${codec}`, 2);
    const sent = Array.from({ length: 20_000 }, (_, i) => `key-${i}|value ${i} ${'z'.repeat(i % 50)}`);
    const compression = codec === 'none' ? [] : ['-z', codec];
    for (const partition of [0, 1]) {
      const half = sent.filter((_, i) => i % 2 === partition);
      await cat(['-P', '-t', `cat-${codec}`, '-p', String(partition), '-K', '|', '-H', 'from=kcat', ...compression, '-X', 'acks=all', '-X', 'enable.idempotence=true'], half.map(line => `${line}\n`).join(''));
      const read = lines(await cat(['-C', '-t', `cat-${codec}`, '-p', String(partition), '-e', '-q', '-X', 'check.crcs=true', '-f', '%o %h %k|%s\n']));
      expect(read).toEqual(half.map((line, offset) => `${offset} from=kcat ${line}`));
    }
  });

  test('-Q answers offsets by time; -o starts by time, from an offset, or before the end', async () => {
    const workload: Workload = { topic: 'queried', partitions: 2, runs: [{ codec: 'lz4', count: 5_000 }, { codec: 'none', count: 5_000 }] };
    await createTopic(broker, workload.topic, workload.partitions, { 'segment.bytes': 65_536 });
    await produced(javaClient, broker, workload);
    for (const i of [0, 777, 5_001, 9_998]) {
      expect(await cat(['-Q', '-t', `queried:0:${startTime + i}`])).toBe(`queried [0] offset ${Math.ceil(i / 2)}\n`);
    }
    expect(await cat(['-Q', '-t', 'queried:1:-1'])).toBe('queried [1] offset 5000\n');
    expect(await cat(['-Q', '-t', 'queried:1:-2'])).toBe('queried [1] offset 0\n');

    const read = async (...args: string[]): Promise<string[]> => lines(await cat(['-C', '-t', 'queried', '-p', '1', '-e', '-q', '-f', '%o %T\n', ...args]));
    const offsets = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i} ${startTime + 2 * (from + i) + 1}`);
    expect(await read('-o', `s@${startTime + 6_001}`)).toEqual(offsets(3_000, 5_000));
    expect(await read('-o', `s@${startTime + 6_001}`, '-o', `e@${startTime + 6_101}`)).toEqual(offsets(3_000, 3_050));
    expect(await read('-o', '4321')).toEqual(offsets(4_321, 5_000));
    expect(await read('-o', '-7')).toEqual(offsets(4_993, 5_000));
    expect(await read('-o', 'beginning', '-c', '5')).toEqual(offsets(0, 5));
  });

  test('what Java wrote in each codec, kcat reads, and the other way round', async () => {
    const workload: Workload = { topic: 'mixed', partitions: 3, runs: codecs.map(codec => ({ codec, count: 3_000 })) };
    await createTopic(broker, workload.topic, workload.partitions);
    await produced(javaClient, broker, workload);
    expect(lines(await cat(['-C', '-t', 'mixed', '-e', '-q', '-f', '%p %k\n'])).toSorted()).toEqual(Array.from({ length: 15_000 }, (_, i) => `${i % 3} key-${i}`).toSorted());
    expect(await consumed(javaClient, broker, workload)).toEqual(contents(workload));

    await createTopic(broker, 'from-kcat', 1);
    for (const codec of codecs.slice(1)) await cat(['-P', '-t', 'from-kcat', '-K', '|', '-z', codec], Array.from({ length: 100 }, (_, i) => `${codec}-${i}|v\n`).join(''));
    expect(await asks(javaClient, broker, { do: 'seek', topic: 'from-kcat', partitions: 1, time: 0 })).toMatchObject({ found: { 0: { offset: 0, key: 'gzip-0' } } });
  });

  test('-G: two members share a topic, and a third run continues', async () => {
    await createTopic(broker, 'balanced', 4);
    const member = (): Program => new Program('kcat', ['-b', broker.bootstrap, '-G', 'cats', '-u', '-X', 'auto.offset.reset=earliest', '-f', '%p@%o\n', 'balanced']);
    const holds = (program: Program, count: number): Promise<unknown> => program.until(`${count} partitions`, ({ stderr }) =>
      stderr.split('\n').findLast(line => line.includes('assigned:'))?.match(/balanced \[\d\]/g)?.length === count || undefined);
    const send = (from: number, to: number): Promise<string[]> => Promise.all([0, 1, 2, 3].map(partition =>
      cat(['-P', '-t', 'balanced', '-p', String(partition)], Array.from({ length: to - from }, (_, i) => `${from + i}\n`).join(''))));

    const one = member();
    await holds(one, 4);
    const two = member();
    await holds(two, 2);
    await holds(one, 2);
    await send(0, 100);
    await one.until('its half', ({ lines: read }) => read.length >= 200 || undefined);
    await two.until('its half', ({ lines: read }) => read.length >= 200 || undefined);
    expect([...one.lines, ...two.lines].toSorted()).toEqual([0, 1, 2, 3].flatMap(p => Array.from({ length: 100 }, (_, o) => `${p}@${o}`)).toSorted());
    await two.stop('SIGINT');
    await holds(one, 4);
    await one.stop('SIGINT');

    await send(100, 110);
    const later = lines(await cat(['-G', 'cats', '-u', '-e', '-q', '-f', '%p@%o\n', 'balanced']));
    expect(later.toSorted()).toEqual([0, 1, 2, 3].flatMap(p => Array.from({ length: 10 }, (_, o) => `${p}@${100 + o}`)).toSorted());
  });
});
