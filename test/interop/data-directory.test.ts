// One data directory, two brokers: Apache Kafka takes over where the broker under test stopped, and the other way round,
// with the same ZooKeeper. Neither finds anything to complain about in what the other left.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { Broker, underTest, type BrokerKind } from './harness/broker.js';
import { franzGoClient, javaClient, Member } from './harness/clients.js';
import { codecs, createTopic, describeGroup, offsets } from './harness/commands.js';
import { runTool } from './harness/tools.js';
import { consumed, contents, produced, type Workload } from './harness/workload.js';
import { ZooKeeper } from './harness/zookeeper.js';

let zookeeper: ZooKeeper;
let brokers: Broker[] = [];
beforeEach(async () => { zookeeper = await ZooKeeper.start(); });
afterEach(async () => {
  for (const broker of brokers) await broker.destroy();
  brokers = [];
  await zookeeper.destroy();
});

/** The broker of that kind, in a fresh directory or in its predecessor's. */
async function start(kind: BrokerKind, inPlaceOf?: Broker): Promise<Broker> {
  const broker = await Broker.start({ kind, zookeeper, ...(inPlaceOf ? { inPlaceOf } : {}) });
  brokers.push(broker);
  return broker;
}

const chunk = 3_000;

test.each([
  { first: underTest, second: 'kafka', end: 'stop' },   // And back: each case hands over in both directions.
  { first: 'kafka', second: underTest, end: 'kill' },
] as const)('$first, then $second after $end, and back', async ({ first, second, end }) => {
  const topic = `handed-from-${first}-to-${second}-after-${end}`;
  const group = `readers-of-${topic}`;
  let made = 0;
  const workload = (): Workload => ({ topic, partitions: 4, runs: codecs.map(codec => ({ codec, count: made / codecs.length })) });
  let broker = await start(first);
  await createTopic(broker, topic, 4, { 'segment.bytes': 131_072, 'retention.ms': 86_400_000 });

  // Each owner in turn finds what all before it wrote, writes more in every codec, and hands over.
  for (const next of [second, first, undefined]) {
    expect(await offsets(broker, topic, -1)).toEqual({ 0: made / 4, 1: made / 4, 2: made / 4, 3: made / 4 });
    if (made > 0) expect(await consumed(javaClient, broker, workload())).toEqual(contents(workload()));
    for (const codec of codecs) {
      await produced(franzGoClient, broker, { topic, partitions: 4, runs: [{ codec, count: chunk / codecs.length }] }, made);
      made += chunk / codecs.length;
    }
    const reader = new Member(franzGoClient, broker, topic, group);
    await reader.until('what is new', ({ read }) => read.length >= chunk);
    await reader.leave();
    expect(reader.read).toHaveLength(chunk);   // Nothing twice: the offsets committed with the former owner hold.
    expect((await describeGroup(broker, group)).map(({ current }) => current)).toEqual(Array(4).fill(made / 4));
    expect((await runTool('topics', ['--bootstrap-server', broker.bootstrap, '--describe', '--topic', topic])).stdout).toContain('segment.bytes=131072');

    await (end === 'stop' ? broker.stop() : broker.kill());
    if (next !== undefined) {
      broker = await start(next, broker);
      expect(broker.log()).not.toMatch(/corrupt|CorruptRecord|CorruptIndex|Error loading|unexpected/i);
    }
  }
});
