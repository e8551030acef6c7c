// kafka-configs on topics.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { createTopic, offsets } from './harness/commands.js';
import { runTool, tryTool } from './harness/tools.js';

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
afterAll(() => broker.destroy());

const args = (topic: string, ...rest: string[]): string[] => ['--bootstrap-server', broker.bootstrap, '--entity-type', 'topics', '--entity-name', topic, ...rest];
const alter = (topic: string, ...rest: string[]): Promise<unknown> => runTool('configs', args(topic, '--alter', ...rest));
const describeTopic = async (topic: string, ...rest: string[]): Promise<string> => (await runTool('configs', args(topic, '--describe', ...rest))).stdout;

describe('kafka-configs on topics', () => {
  test('sets, changes and removes; describe shows where each value comes from', async () => {
    await createTopic(broker, 'tuned');
    expect(await describeTopic('tuned')).not.toContain('=');

    await alter('tuned', '--add-config', 'retention.ms=7200000,max.message.bytes=2000000,cleanup.policy=[compact,delete]');
    const set = await describeTopic('tuned');
    expect(set).toContain('retention.ms=7200000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=7200000');
    expect(set).toContain('max.message.bytes=2000000');
    expect(set).toContain('cleanup.policy=compact,delete');

    await alter('tuned', '--add-config', 'retention.ms=1000', '--delete-config', 'max.message.bytes');
    const changed = await describeTopic('tuned');
    expect(changed).toContain('retention.ms=1000 ');
    expect(changed).not.toContain('max.message.bytes=');
  });

  test('--all shows every topic setting with Kafka\'s defaults', async () => {
    await createTopic(broker, 'plain');
    const all = await describeTopic('plain', '--all');
    const values = Object.fromEntries([...all.matchAll(/^\s+([\w.]+)=(\S*) sensitive=false synonyms=\{(.*)\}/gm)].map(([, key, value]) => [key, value]));
    expect(values).toMatchObject({
      'cleanup.policy': 'delete', 'compression.type': 'producer', 'segment.bytes': '1073741824', 'retention.ms': '604800000', 'retention.bytes': '-1',
      'max.message.bytes': '1048588', 'min.insync.replicas': '1', 'message.timestamp.type': 'CreateTime', 'flush.messages': '9223372036854775807',
      'index.interval.bytes': '4096', 'segment.index.bytes': '10485760', 'delete.retention.ms': '86400000', 'min.cleanable.dirty.ratio': '0.5',
      'unclean.leader.election.enable': 'false', 'preallocate': 'false', 'file.delete.delay.ms': '60000', 'segment.ms': '604800000',
    });
    expect(Object.keys(values).length).toBeGreaterThanOrEqual(30);
  });

  test('a changed limit holds at once', async () => {
    await createTopic(broker, 'narrow');
    const produce = (bytes: number): Promise<unknown> => runTool('producerPerf', [
      '--topic', 'narrow', '--num-records', '1', '--record-size', String(bytes), '--throughput', '-1', '--producer-props', `bootstrap.servers=${broker.bootstrap}`, 'acks=all',
    ]);
    await produce(5_000);
    await alter('narrow', '--add-config', 'max.message.bytes=1000');
    await produce(5_000);   // The tool tells of the refusal and ends well; the log tells the truth.
    expect(await offsets(broker, 'narrow', -1)).toEqual({ 0: 1 });
    await alter('narrow', '--delete-config', 'max.message.bytes');
    await produce(5_000);
    expect(await offsets(broker, 'narrow', -1)).toEqual({ 0: 2 });
  });

  test.each([
    ['a setting that does not exist', 'no.such.setting=1', 'no.such.setting'],
    ['a value of the wrong kind', 'retention.ms=soon', 'retention.ms'],
    ['a value out of range', 'min.insync.replicas=0', 'min.insync.replicas'],
    ['a value that is no choice', 'compression.type=rar', 'compression.type'],
  ])('refuses %s and changes nothing', async (_case, setting, complaint) => {
    await tryTool('topics', ['--bootstrap-server', broker.bootstrap, '--create', '--topic', 'guarded', '--if-not-exists']);
    const refused = await tryTool('configs', args('guarded', '--alter', '--add-config', setting));
    expect(refused.code).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain('InvalidConfigurationException');
    expect(refused.stdout + refused.stderr).toContain(complaint);
    expect(await describeTopic('guarded')).not.toContain('=');
  });

  test('a topic that does not exist', async () => {
    const refused = await tryTool('configs', args('absent', '--alter', '--add-config', 'retention.ms=1'));
    expect(refused.code).not.toBe(0);
    expect(refused.stdout + refused.stderr).toMatch(/UnknownTopicOrPartitionException|does not exist/);
  });
});
