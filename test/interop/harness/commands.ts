// What several tests ask Kafka's tools for, in the test's own terms.

import kafkajs from 'kafkajs';
import type { Broker } from './broker.js';
import { runTool } from './tools.js';

const { Kafka, logLevel } = kafkajs;

export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = typeof codecs[number];

/** Not with kafka-topics, which has its own tests: a JVM a topic would cost the suite minutes. */
export async function createTopic(broker: Broker, topic: string, partitions = 1, config: Readonly<Record<string, string | number>> = {}): Promise<void> {
  const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value: String(value) }));
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }], waitForLeaders: true });
  await admin.disconnect();
}

/** Lines for the console producer's stdin: `key:value`. */
export async function produceLines(broker: Broker, topic: string, lines: readonly string[], properties: readonly string[] = []): Promise<void> {
  await runTool('consoleProducer', [
    '--bootstrap-server', broker.bootstrap, '--topic', topic, '--property', 'parse.key=true', '--property', 'key.separator=:',
    ...properties.flatMap(property => ['--producer-property', property]),
  ], { input: lines.map(line => `${line}\n`).join('') });
}

/** What kafka-get-offsets says: partition -> offset, for `time` as it takes it (-1 latest, -2 earliest, -3 max timestamp, or ms). */
export async function offsets(broker: Broker, topic: string, time: number): Promise<Record<number, number>> {
  const { stdout } = await runTool('getOffsets', ['--bootstrap-server', broker.bootstrap, '--topic', topic, '--time', String(time)]);
  return Object.fromEntries([...stdout.matchAll(/^.+:(\d+):(\d*)$/gm)].map(([, partition, offset]) => [Number(partition), offset === '' ? -1 : Number(offset)]));
}

export interface GroupLine { topic: string; partition: number; current: number; end: number; lag: number; member: string }

/** The rows of `kafka-consumer-groups --describe`; a `-` is NaN. */
export async function describeGroup(broker: Broker, group: string): Promise<GroupLine[]> {
  const { stdout } = await runTool('consumerGroups', ['--bootstrap-server', broker.bootstrap, '--describe', '--group', group]);
  return stdout.split('\n').map(line => line.trim().split(/\s+/)).filter(([name]) => name === group)
    .map(([, topic = '', partition, current, end, lag, member = '']) =>
      ({ topic, partition: Number(partition), current: Number(current), end: Number(end), lag: Number(lag), member }))
    .sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
}
