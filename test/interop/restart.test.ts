// Stopped as an operator stops it and started again: nothing is forgotten.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { franzGoClient, Member } from './harness/clients.js';
import { codecs, createTopic, describeGroup, offsets } from './harness/commands.js';
import { runTool } from './harness/tools.js';
import { consumed, contents, produced, total, type Workload } from './harness/workload.js';

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
afterAll(() => broker.destroy());

const cleanMarker = (): boolean => existsSync(join(broker.dataDirectory, '.kafka_cleanshutdown'));

test.each(['SIGTERM', 'SIGKILL'] as const)('after %s topics, settings, records, offsets by time and committed offsets are as they were', async signal => {
  const workload: Workload = { topic: `kept-${signal}`, partitions: 3, runs: codecs.map(codec => ({ codec, count: 3_000 })) };
  const { topic } = workload;
  const group = `readers-${signal}`;
  await createTopic(broker, topic, 3, { 'segment.bytes': 262_144, 'retention.ms': 86_400_000 });
  await produced(franzGoClient, broker, workload);
  const reader = new Member(franzGoClient, broker, topic, group);
  await reader.until('everything', ({ read }) => read.length >= total(workload));
  await reader.leave();
  const described = async (): Promise<string> => (await runTool('topics', ['--bootstrap-server', broker.bootstrap, '--describe', '--topic', topic])).stdout;
  const before = await described();

  if (signal === 'SIGTERM') {
    await broker.stop();
    expect(cleanMarker()).toBe(true);
  } else {
    await broker.kill();
    expect(cleanMarker()).toBe(false);
  }
  await broker.start();
  expect(cleanMarker()).toBe(false);

  expect(await described()).toBe(before);
  expect(await offsets(broker, topic, -1)).toEqual({ 0: 5_000, 1: 5_000, 2: 5_000 });
  expect(await consumed(franzGoClient, broker, workload)).toEqual(contents(workload));
  expect((await describeGroup(broker, group)).map(({ current, lag }) => [current, lag])).toEqual([[5_000, 0], [5_000, 0], [5_000, 0]]);

  await produced(franzGoClient, broker, { topic, partitions: 3, runs: [{ codec: 'gzip', count: 300 }] }, total(workload));
  const later = new Member(franzGoClient, broker, topic, group);
  await later.until('what is new', ({ read }) => read.length >= 300);
  await later.leave();
  expect(later.read).toHaveLength(300);
});

test('a member of a group outlives a restart of the broker', async () => {
  await createTopic(broker, 'steady', 4);
  const member = new Member(franzGoClient, broker, 'steady', 'steady-readers');
  await member.until('all partitions', ({ holds }) => holds.length === 4);
  const workload: Workload = { topic: 'steady', partitions: 4, runs: [{ codec: 'none', count: 400 }] };
  for (let restart = 0; restart < 3; restart += 1) {
    await produced(franzGoClient, broker, workload, 400 * restart);
    await member.until('what was produced', ({ read }) => new Set(read).size === 400 * (restart + 1));
    await broker.stop();
    await broker.start();
  }
  await produced(franzGoClient, broker, workload, 1_200);
  await member.until('what was produced at last', ({ read }) => new Set(read).size === 1_600);
  await member.leave();
  expect((await describeGroup(broker, 'steady-readers')).map(({ lag }) => lag)).toEqual([0, 0, 0, 0]);
});
