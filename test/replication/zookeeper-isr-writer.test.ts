// ISR changes that the leader writes itself (inter.broker.protocol.version below 2.7).
import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import type { IsrAnswer, IsrChange } from '../../src/replication/isr-change.js';
import { ZooKeeperIsrWriter } from '../../src/replication/zookeeper-isr-writer.js';
import { ZkError, type ZooKeeper } from '../../src/zookeeper/types.js';
import { decodeIsrChange } from '../../src/zookeeper/znodes/notifications.js';
import { decodePartitionState, encodePartitionState } from '../../src/zookeeper/znodes/partition.js';
import { named } from '../support/names.js';
import { quiet, SteppedTime } from '../support/stepped-time.js';

function world() {
  const time = new SteppedTime();
  let state = { version: 7, data: encodePartitionState({ leader: 1, leaderEpoch: 3, isr: [1, 2, 3], controllerEpoch: 1 }) };
  const told: unknown[] = [];
  let trouble: ZkError | undefined;
  const zookeeper = {
    setData: async (path: string, data: Buffer, version: number) => {
      expect(path).toBe('/brokers/topics/orders/partitions/0/state');
      if (trouble !== undefined) throw trouble;
      if (version !== state.version) throw new ZkError('BADVERSION', path);
      return (state = { version: version + 1, data });
    },
    getData: async () => ({ data: state.data, stat: { version: state.version } }),
    create: async (path: string, data: Buffer) => {
      if (trouble !== undefined) throw trouble;
      told.push([path, decodeIsrChange(data)]);
    },
  } as unknown as ZooKeeper;
  const writer = new ZooKeeperIsrWriter({ zookeeper, clock: time, timers: time, logger: silentLogger });
  const heard: IsrAnswer[] = [];
  const submit = async (of: Partial<IsrChange> = {}): Promise<void> => {
    writer.submit({ topic: named('orders'), topicId: '', partition: 0, leader: 1, leaderEpoch: 3, partitionEpoch: 7, isr: [1, 2], controllerEpoch: 1, ...of }, answer => heard.push(answer));
    await quiet();
  };
  return { time, heard, told, submit, state: () => ({ version: state.version, isr: decodePartitionState(state.data).isr }), breakDown: (error: ZkError | undefined) => { trouble = error; } };
}

test('a change is written where nobody else has written, and the controller told of many at once, once there was quiet', async () => {
  const { time, heard, told, submit, state } = world();
  await submit();
  expect([heard, state()]).toEqual([[{ committed: { leaderEpoch: 3, partitionEpoch: 8, isr: [1, 2] } }], { version: 8, isr: [1, 2] }]);
  time.pass(5000);
  await submit({ partitionEpoch: 8, isr: [1] });
  time.pass(5000);
  expect(told).toEqual([]);
  time.pass(2500);
  await quiet();
  expect(told).toEqual([['/isr_change_notification/isr_change_', [{ topic: 'orders', partition: 0 }]]]);
  time.pass(60_000);
  expect(told.length).toBe(1);
});

test('somebody else\'s change is told as such; our own, written before the connection broke, counts', async () => {
  const { heard, submit } = world();
  await submit({ partitionEpoch: 6 });
  expect(heard).toEqual([{ errorCode: ErrorCode.InvalidUpdateVersion }]);
  await submit();
  // The answer was lost: the same is written again.
  await submit();
  expect(heard.slice(1)).toEqual([1, 2].map(() => ({ committed: { leaderEpoch: 3, partitionEpoch: 8, isr: [1, 2] } })));
});

test('without a session nothing is answered; it is written, and told, when there is one again', async () => {
  const { time, heard, told, submit, breakDown } = world();
  breakDown(new ZkError('SESSIONEXPIRED'));
  await submit();
  time.pass(1000);
  await quiet();
  expect(heard).toEqual([]);
  breakDown(undefined);
  time.pass(1000);
  await quiet();
  expect(heard.length).toBe(1);
  breakDown(new ZkError('SESSIONEXPIRED'));
  time.pass(10_000);
  await quiet();
  breakDown(undefined);
  time.pass(60_000);
  await quiet();
  expect(told.length).toBe(1);
});
