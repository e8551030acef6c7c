// kafka-consumer-groups, over groups made by the console consumer.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { createTopic, describeGroup, offsets, produceLines } from './harness/commands.js';
import { runTool, startTool } from './harness/tools.js';

let broker: Broker;
beforeAll(async () => {
  broker = await Broker.start();
  await createTopic(broker, 'events', 4);
  await produceLines(broker, 'events', Array.from({ length: 200 }, (_, i) => `key-${i}:value-${i}`));
});
afterAll(() => broker.destroy());

const groups = async (...args: string[]): Promise<string> => (await runTool('consumerGroups', ['--bootstrap-server', broker.bootstrap, ...args])).stdout;
const consumer = (group: string, ...args: string[]): string[] => ['--bootstrap-server', broker.bootstrap, '--topic', 'events', '--group', group, '--from-beginning', ...args];

describe('kafka-consumer-groups', () => {
  test('describes an empty group: where it stands, where the log ends, and the lag between', async () => {
    await runTool('consoleConsumer', consumer('finished', '--max-messages', '200', '--timeout-ms', '30000'));
    await produceLines(broker, 'events', Array.from({ length: 40 }, (_, i) => `key-${i}:late-${i}`));

    const ends = await offsets(broker, 'events', -1);
    const described = await describeGroup(broker, 'finished');
    expect(described.map(({ partition, end, member }) => ({ partition, end, member }))).toEqual([0, 1, 2, 3].map(partition => ({ partition, end: ends[partition], member: '-' })));
    for (const { current, end, lag } of described) expect(lag).toBe(end - current);
    expect(described.reduce((sum, { lag }) => sum + lag, 0)).toBe(40);
    expect(await groups('--describe', '--group', 'finished', '--state')).toMatch(/finished\s.*\sEmpty\s+0/);
  });

  test('describes a living group: its members, its assignor and what each member holds', async () => {
    const one = startTool('consoleConsumer', consumer('living', '--consumer-property', 'client.id=one'));
    const two = startTool('consoleConsumer', consumer('living', '--consumer-property', 'client.id=two'));
    const held = async (): Promise<string> => (await describeGroup(broker, 'living').catch(() => [])).map(({ partition, member }) => `${partition} ${member.slice(0, 4)}`).join(', ');
    await expect.poll(held, { timeout: 40_000, interval: 100 }).toBe('0 one-, 1 one-, 2 two-, 3 two-');

    expect(await groups('--describe', '--group', 'living', '--state')).toMatch(/living\s.*range\s+Stable\s+2/);
    const members = await groups('--describe', '--group', 'living', '--members', '--verbose');
    expect(members).toMatch(/living\s+one-\S+\s+\/127\.0\.0\.1\s+one\s+2\s+\(0,1\)/);
    expect(members).toMatch(/living\s+two-\S+\s+\/127\.0\.0\.1\s+two\s+2\s+\(2,3\)/);

    await two.stop();
    await expect.poll(held, { timeout: 40_000, interval: 100 }).toBe('0 one-, 1 one-, 2 one-, 3 one-');
    await one.stop('SIGKILL');   // Nobody says good-bye: the session has to run out.
  });

  test('lists groups, and by state', async () => {
    expect((await groups('--list')).split('\n')).toEqual(expect.arrayContaining(['finished', 'living']));
    expect(await groups('--list', '--state')).toMatch(/finished\s+Empty/);
    expect(await groups('--list', '--state', 'Stable')).not.toContain('finished');
  });

  test('a group nobody knows is told as such', async () => {
    const told = await runTool('consumerGroups', ['--bootstrap-server', broker.bootstrap, '--describe', '--group', 'nobody']).catch(String);
    expect(typeof told === 'string' ? told : told.stdout + told.stderr).toMatch(/Consumer group 'nobody' does not exist|GroupIdNotFoundException/);
  });

  test('moves an empty group\'s offsets, and a consumer starts there', async () => {
    await runTool('consoleConsumer', consumer('moved', '--max-messages', '200', '--timeout-ms', '30000'));
    await groups('--reset-offsets', '--group', 'moved', '--topic', 'events', '--to-offset', '5', '--execute');
    expect((await describeGroup(broker, 'moved')).map(({ current }) => current)).toEqual([5, 5, 5, 5]);
    const rest = Object.values(await offsets(broker, 'events', -1)).reduce((sum, end) => sum + end - 5, 0);
    const { stdout } = await runTool('consoleConsumer', consumer('moved', '--timeout-ms', '5000'));
    expect(stdout.trim().split('\n')).toHaveLength(rest);
  });
});
