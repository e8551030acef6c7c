// kafka-topics and kafka-broker-api-versions.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { runTool, tryTool } from './harness/tools.js';

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
afterAll(() => broker.destroy());

const topics = async (...args: string[]): Promise<string> => (await runTool('topics', ['--bootstrap-server', broker.bootstrap, ...args])).stdout;

/** The partitions of a topic as kafka-topics describes them: "0 leader 0 replicas 0 isr 0". */
async function described(topic: string): Promise<string[]> {
  const text = await topics('--describe', '--topic', topic);
  return [...text.matchAll(/Partition: (\d+)\s+Leader: (\S+)\s+Replicas: (\S+)\s+Isr: (\S+)/g)]
    .map(([, partition, leader, replicas, isr]) => `${partition} leader ${leader} replicas ${replicas} isr ${isr}`);
}

describe('kafka-topics', () => {
  test('creates a topic of several partitions, with settings, and describes it', async () => {
    expect(await topics('--create', '--topic', 'orders', '--partitions', '3', '--replication-factor', '1', '--config', 'segment.bytes=1048576', '--config', 'retention.ms=3600000'))
      .toContain('Created topic orders.');

    const text = await topics('--describe', '--topic', 'orders');
    expect(text).toMatch(/Topic: orders\s+TopicId: [\w-]{22}\s+PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*segment\.bytes=1048576/);
    expect(text).toContain('retention.ms=3600000');
    expect(await described('orders')).toEqual(['0 leader 0 replicas 0 isr 0', '1 leader 0 replicas 0 isr 0', '2 leader 0 replicas 0 isr 0']);
    for (const partition of [0, 1, 2]) expect(readdirSync(join(broker.dataDirectory, `orders-${partition}`))).toContain('partition.metadata');
  });

  test('creates with the broker\'s own defaults, and with a replica assignment given by hand', async () => {
    await topics('--create', '--topic', 'defaults');
    expect(await described('defaults')).toEqual(['0 leader 0 replicas 0 isr 0']);
    await topics('--create', '--topic', 'by-hand', '--replica-assignment', '0,0');
    expect(await described('by-hand')).toHaveLength(2);
  });

  test('lists what exists', async () => {
    await topics('--create', '--topic', 'listed-a');
    await topics('--create', '--topic', 'listed-b');
    const listed = (await topics('--list')).split('\n');
    expect(listed).toContain('listed-a');
    expect(listed).toContain('listed-b');
  });

  test('adds partitions, and refuses to take some away', async () => {
    await topics('--create', '--topic', 'growing', '--partitions', '2');
    await topics('--alter', '--topic', 'growing', '--partitions', '5');
    expect(await described('growing')).toHaveLength(5);

    const shrunk = await tryTool('topics', ['--bootstrap-server', broker.bootstrap, '--alter', '--topic', 'growing', '--partitions', '3']);
    expect(shrunk.code).not.toBe(0);
    expect(shrunk.stdout + shrunk.stderr).toContain('InvalidPartitionsException');
    expect(await described('growing')).toHaveLength(5);
  });

  test('deletes: the topic is gone from the list and its directories from the disk', async () => {
    await topics('--create', '--topic', 'short-lived', '--partitions', '2');
    expect(existsSync(join(broker.dataDirectory, 'short-lived-1'))).toBe(true);
    await topics('--delete', '--topic', 'short-lived');
    await expect.poll(async () => (await topics('--list')).split('\n'), { timeout: 20_000 }).not.toContain('short-lived');
    await expect.poll(() => existsSync(join(broker.dataDirectory, 'short-lived-1')), { timeout: 20_000 }).toBe(false);

    await topics('--create', '--topic', 'short-lived', '--partitions', '1');   // The name is free again.
    expect(await described('short-lived')).toHaveLength(1);
  });

  test.each([
    ['a name that is taken', ['--topic', 'taken'], 'TopicExistsException'],
    ['a name with a space', ['--topic', 'not a name'], 'InvalidTopicException'],
    ['more replicas than brokers', ['--topic', 'too-many', '--replication-factor', '3'], 'InvalidReplicationFactorException'],
    ['a setting that does not exist', ['--topic', 'odd', '--config', 'no.such.setting=1'], 'no.such.setting'],
    ['a setting out of its range', ['--topic', 'odd', '--config', 'segment.bytes=1'], 'segment.bytes'],
  ])('refuses %s', async (_case, args, complaint) => {
    await tryTool('topics', ['--bootstrap-server', broker.bootstrap, '--create', '--topic', 'taken', '--if-not-exists']);
    const refused = await tryTool('topics', ['--bootstrap-server', broker.bootstrap, '--create', ...args]);
    expect(refused.code).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain(complaint);
  });
});

describe('kafka-broker-api-versions', () => {
  test('finds every api that the common clients use, in the versions of Kafka 3.9', async () => {
    const { stdout } = await runTool('brokerApiVersions', ['--bootstrap-server', broker.bootstrap]);
    expect(stdout).toContain(`${broker.bootstrap} (id: 0 rack: null`);
    const ranges = new Map([...stdout.matchAll(/(\w+)\(\d+\): (\d+)(?: to (\d+))? \[usable: /g)].map(([, name, from, to]) => [name, `${from}-${to ?? from}`]));
    expect(Object.fromEntries(ranges)).toMatchObject({
      Produce: '0-11', Fetch: '0-17', ListOffsets: '0-9', Metadata: '0-12', OffsetCommit: '0-9', OffsetFetch: '0-9', FindCoordinator: '0-6',
      JoinGroup: '0-9', Heartbeat: '0-4', LeaveGroup: '0-5', SyncGroup: '0-5', DescribeGroups: '0-5', ListGroups: '0-5', ApiVersions: '0-4',
      CreateTopics: '0-7', DeleteTopics: '0-6', InitProducerId: '0-5', OffsetForLeaderEpoch: '0-4', CreatePartitions: '0-3',
      DescribeConfigs: '0-4', IncrementalAlterConfigs: '0-1', DescribeCluster: '0-1',
    });
  });
});
