import { expect, test } from 'vitest';
import { overridesOf } from '../../../src/cli/cluster/settings.js';
import { table, type BrokerLine, type PartitionView } from '../../../src/cli/cluster/view.js';

const brokers: readonly BrokerLine[] = [
  { id: 1, address: 'localhost:9092', pid: 101, state: 'up' },
  { id: 2, address: 'localhost:9093', pid: 102, state: 'ended' },
  { id: 3, address: 'localhost:9094', pid: 103, state: 'up' },
];

const partition = (topic: string, index: number, leader: number, replicas: readonly number[], isr: readonly number[]): PartitionView => ({ topic, partition: index, leader, replicas, isr });

test('a table of brokers says who leads how much, and who is behind', () => {
  const shown = table(brokers, { controller: 3, brokers: [1, 3], partitions: [partition('b', 0, 3, [2, 3, 1], [3, 1]), partition('a', 1, 1, [1, 2], [1]), partition('__consumer_offsets', 0, -1, [2], [])] });
  expect(shown).toBe([
    'broker  address         pid  state  controller  leads  replicas  out of sync',
    '1       localhost:9092  101  up                 1      2         0',
    '2       localhost:9093  102  ended              0      3         3',
    '3       localhost:9094  103  up     yes         1      1         0',
    '',
    'partition  leader  replicas  in sync',
    'a-1        1       1,2       1',
    'b-0        3       2,3,1     3,1',
    '',
  ].join('\n'));
});

test('a broker that runs and is not registered is told', () => {
  expect(table(brokers, { controller: -1, brokers: [1], partitions: [] })).toMatch(/^3 .* not registered/m);
});

test('many partitions are told as numbers only', () => {
  const many = Array.from({ length: 25 }, (_, index) => partition('t', index, 1, [1], [1]));
  expect(table(brokers, { controller: 1, brokers: [1, 3], partitions: many }).split('\n')).toHaveLength(5);
});

test('brokers are told apart by port and directory, and the first brings coordination', () => {
  const shape = { brokers: 3, port: 9092, dir: '/data', coordinationPort: 2181, overrides: ['num.partitions=7'] };
  expect(overridesOf(1, shape)).toEqual(expect.arrayContaining(['broker.id=1', 'listeners=PLAINTEXT://localhost:9092', 'log.dirs=/data/broker-1', 'odradek.embedded.port=2181', 'default.replication.factor=3', 'min.insync.replicas=2']));
  expect(overridesOf(3, shape)).toEqual(expect.arrayContaining(['listeners=PLAINTEXT://localhost:9094', 'zookeeper.connect=127.0.0.1:2181']));
  expect(overridesOf(3, shape).at(-1)).toBe('num.partitions=7');
  expect(overridesOf(3, shape).some(override => override.startsWith('odradek.embedded'))).toBe(false);
});

test('fewer brokers than three keep fewer replicas; any free port is any for each', () => {
  const shape = { brokers: 1, port: 0, dir: '/data', coordinationPort: 2181, overrides: [] };
  expect(overridesOf(1, shape)).toEqual(expect.arrayContaining(['listeners=PLAINTEXT://localhost:0', 'default.replication.factor=1', 'min.insync.replicas=1']));
  expect(overridesOf(2, { ...shape, brokers: 2 })).toEqual(expect.arrayContaining(['listeners=PLAINTEXT://localhost:0', 'offsets.topic.replication.factor=2', 'transaction.state.log.min.isr=1']));
});
