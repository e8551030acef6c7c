// Kafka's tools on a cluster of three: what they show of it, and what they have it do. The stories build on each other's topics only where they say so.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrokerCluster, clusterUnderTest } from './harness/cluster.js';
import { scratch } from './harness/places.js';
import { runTool, startTool, tryTool, type Tool } from './harness/tools.js';

let cluster: BrokerCluster;
let files: string;
beforeAll(async () => {
  cluster = await BrokerCluster.start();
  files = scratch('cluster-files');
});
afterAll(() => cluster.destroy());

const tool = async (name: Tool, ...args: string[]): Promise<string> => (await runTool(name, ['--bootstrap-server', cluster.bootstrap, ...args])).stdout;
const topics = (...args: string[]): Promise<string> => tool('topics', ...args);
const patience = { timeout: 60_000, interval: 1_000 };

interface Described { readonly leader: number; readonly replicas: number[]; readonly isr: number[] }

/** The partitions of a topic, in order. */
async function described(topic: string, ...filter: string[]): Promise<Described[]> {
  const text = await topics('--describe', '--topic', topic, ...filter);
  return [...text.matchAll(/Partition: \d+\s+Leader: (\S+)\s+Replicas: (\S+)\s+Isr: (\S*)/g)]
    .map(([, leader, replicas, isr]) => ({ leader: Number(leader), replicas: replicas!.split(',').map(Number), isr: isr === '' ? [] : isr!.split(',').map(Number) }));
}

const create = (topic: string, assignment: string, ...configs: string[]): Promise<string> =>
  topics('--create', '--topic', topic, '--replica-assignment', assignment, ...configs.flatMap(config => ['--config', config]));

/** Writes so many lines, with acks=all. */
async function fill(topic: string, count: number): Promise<void> {
  await runTool('producerPerf', ['--topic', topic, '--num-records', String(count), '--record-size', '1000', '--throughput', '-1', '--producer-props', `bootstrap.servers=${cluster.bootstrap}`, 'acks=all']);
}

function file(name: string, content: object): string {
  const path = join(files, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const plan = (topic: string, replicas: readonly (readonly number[])[]): object =>
  ({ version: 1, partitions: replicas.map((brokers, partition) => ({ topic, partition, replicas: brokers })) });

describe(`kafka-topics on ${clusterUnderTest.join(', ')}`, () => {
  test('a topic has its replicas on all, and every broker is known by kafka-broker-api-versions', async () => {
    await topics('--create', '--topic', 'three', '--partitions', '3', '--replication-factor', '3');
    await expect.poll(() => described('three'), patience).toEqual([1, 2, 3].map(() => ({ leader: expect.any(Number) as number, replicas: expect.any(Array) as number[], isr: expect.any(Array) as number[] })));
    const all = await described('three');
    expect(new Set(all.map(({ leader }) => leader)).size).toBe(3);
    for (const { replicas, isr } of all) {
      expect(replicas.toSorted()).toEqual([1, 2, 3]);
      expect(isr.toSorted()).toEqual([1, 2, 3]);
    }
    const versions = await tool('brokerApiVersions');
    for (const { bootstrap } of cluster.brokers) expect(versions).toContain(`${bootstrap} (id: `);
  });

  test('a broker that is away: its partitions are under-replicated, at the minimum, under it, unavailable; and nothing is once it is back', async () => {
    await create('watched', '3:1,1:2', 'min.insync.replicas=2');
    await create('lonely', '3');
    await cluster.broker(3).kill();
    const which = async (flag: string): Promise<string[]> => [...(await topics('--describe', flag)).matchAll(/Topic: (watched|lonely)\s+(?:TopicId: \S+\s+)?Partition: (\d+)/g)].map(([, topic, partition]) => `${topic}-${partition}`).toSorted();
    await expect.poll(() => which('--unavailable-partitions'), patience).toEqual(['lonely-0']);
    // The one that nobody leads keeps its ISR: it is not under-replicated.
    await expect.poll(() => which('--under-replicated-partitions'), patience).toEqual(['watched-0']);
    expect(await which('--at-min-isr-partitions')).toEqual(expect.arrayContaining(['watched-1']));
    expect(await which('--under-min-isr-partitions')).toEqual(expect.arrayContaining(['watched-0']));
    await cluster.broker(3).start();
    await expect.poll(() => which('--under-replicated-partitions'), patience).toEqual([]);
    expect(await which('--unavailable-partitions')).toEqual([]);
  });
});

describe('kafka-leader-election', () => {
  test('gives a partition back to its preferred leader, and says so when there is nothing to do', async () => {
    await create('elected', '2:1:3');
    await cluster.broker(2).stop();
    await expect.poll(async () => (await described('elected'))[0]?.leader, patience).not.toBe(2);
    await cluster.broker(2).start();
    await expect.poll(async () => (await described('elected'))[0]?.isr.toSorted(), patience).toEqual([1, 2, 3]);

    expect(await tool('leaderElection', '--election-type', 'preferred', '--topic', 'elected', '--partition', '0')).toContain('Successfully completed leader election (PREFERRED) for partitions elected-0');
    await expect.poll(async () => (await described('elected'))[0]?.leader, patience).toBe(2);
    expect(await tool('leaderElection', '--election-type', 'preferred', '--topic', 'elected', '--partition', '0')).toContain('Valid replica already elected for partitions elected-0');
  });

  test('elects uncleanly only who is asked to be, and only if nobody leads', async () => {
    await create('unclean', '3:1', 'min.insync.replicas=1');
    await fill('unclean', 100);
    expect((await tryTool('leaderElection', ['--bootstrap-server', cluster.bootstrap, '--election-type', 'unclean', '--topic', 'unclean', '--partition', '0'])).stdout).toContain('Valid replica already elected');
    await cluster.broker(1).stop();
    await expect.poll(async () => (await described('unclean'))[0]?.isr, patience).toEqual([3]);
    await fill('unclean', 10);
    await cluster.broker(3).kill();
    await cluster.broker(1).start();
    await expect.poll(async () => (await described('unclean'))[0]?.leader || NaN, patience).toBeNaN();
    await tool('leaderElection', '--election-type', 'unclean', '--topic', 'unclean', '--partition', '0');
    await expect.poll(async () => (await described('unclean'))[0]?.leader, patience).toBe(1);
    await cluster.broker(3).start();
    await expect.poll(async () => (await described('unclean'))[0]?.isr.toSorted(), patience).toEqual([1, 3]);
  });
});

describe('kafka-reassign-partitions', () => {
  test('generates, executes with a throttle, and verifies: the records move with the replicas, and the throttles go', async () => {
    await create('moving', '1:2,2:1');
    await fill('moving', 1_000);
    const asked = file('topics.json', { version: 1, topics: [{ topic: 'moving' }] });
    expect(await tool('reassignPartitions', '--topics-to-move-json-file', asked, '--broker-list', '1,2,3', '--generate')).toMatch(/Proposed partition reassignment configuration\n\{.*"topic":"moving"/);

    const wanted = file('moving.json', plan('moving', [[2, 3], [3, 1]]));
    expect(await tool('reassignPartitions', '--reassignment-json-file', wanted, '--execute', '--throttle', '50000000')).toContain('Successfully started partition reassignments for moving-0,moving-1');
    await expect.poll(() => tool('reassignPartitions', '--reassignment-json-file', wanted, '--verify', '--preserve-throttles'), patience).toMatch(/Reassignment of partition moving-0 is completed\.[^]*Reassignment of partition moving-1 is completed\./);
    expect(await described('moving')).toEqual([{ leader: 2, replicas: [2, 3], isr: expect.arrayContaining([2, 3]) as number[] }, { leader: expect.any(Number) as number, replicas: [3, 1], isr: expect.arrayContaining([1, 3]) as number[] }]);
    const done = await tool('reassignPartitions', '--reassignment-json-file', wanted, '--verify');
    expect(done).toContain('Clearing broker-level throttles on brokers 1,2,3');
    expect(done).toContain('Clearing topic-level throttles on topic moving');
    expect(await tool('configs', '--describe', '--entity-type', 'topics', '--entity-name', 'moving')).not.toContain('throttled.replicas');
    const ends = await tool('getOffsets', '--topic', 'moving', '--time', '-1');
    expect([...ends.matchAll(/moving:\d:(\d+)/g)].reduce((sum, [, end]) => sum + Number(end), 0)).toBe(1_000);
  });

  test('lists what is under way, and cancels it', async () => {
    await create('cancelled', '1:2');
    await fill('cancelled', 8_000);
    const wanted = file('cancelled.json', plan('cancelled', [[1, 3]]));
    // At a byte a second nothing arrives while we look.
    await tool('reassignPartitions', '--reassignment-json-file', wanted, '--execute', '--throttle', '1');
    expect(await tool('reassignPartitions', '--list')).toMatch(/cancelled-0: replicas: \S+\.? adding: 3\. removing: 2\./);
    expect((await described('cancelled'))[0]!.replicas).toEqual(expect.arrayContaining([1, 2, 3]));
    expect(await tool('reassignPartitions', '--reassignment-json-file', wanted, '--cancel')).toContain('Successfully cancelled partition reassignment for: cancelled-0');
    await expect.poll(() => described('cancelled'), patience).toEqual([{ leader: 1, replicas: [1, 2], isr: expect.arrayContaining([1, 2]) as number[] }]);
    expect(await tool('reassignPartitions', '--list')).toContain('No partition reassignments found.');
  });

  test('refuses a broker that is not there', async () => {
    await create('refused', '1');
    const wanted = file('refused.json', plan('refused', [[9]]));
    const { stdout, stderr, code } = await tryTool('reassignPartitions', ['--bootstrap-server', cluster.bootstrap, '--reassignment-json-file', wanted, '--execute']);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain('9');
    expect(await described('refused')).toEqual([{ leader: 1, replicas: [1], isr: [1] }]);
  });
});

describe('kafka-replica-verification', () => {
  test('finds no lag between replicas once all is written', async () => {
    await create('verified', '1:2:3,2:3:1');
    await fill('verified', 2_000);
    const verification = startTool('replicaVerification', ['--broker-list', cluster.bootstrap, '--topics-include', 'verified', '--report-interval-ms', '1000']);
    await verification.line(/max lag is 0 for partition verified-\d at offset \d+ among 2 partitions/);
    await verification.stop('SIGKILL');
  });
});

test('kafka-get-offsets asks each leader, and only those that lead', async () => {
  await create('offsets', '1:2,2:3,3:1');
  await fill('offsets', 300);
  const text = await tool('getOffsets', '--topic', 'offsets', '--time', '-1');
  expect([...text.matchAll(/offsets:(\d):(\d+)/g)].map(([, partition]) => partition)).toEqual(['0', '1', '2']);
  expect([...text.matchAll(/offsets:\d:(\d+)/g)].reduce((sum, [, end]) => sum + Number(end), 0)).toBe(300);
});
