import { expect, test } from 'vitest';
import { NOT_CONTROLLER } from '../../src/controller/controller.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import type { AlterPartitionRequest, AlterPartitionResponseInput } from '../../src/protocol/messages.js';
import { until } from '../support/broker.js';
import { connected } from '../zookeeper/support/kit.js';
import { assigned, Cluster, stateOf, TOPIC_ID, type Member } from './support/cluster.js';

type Asked = Partial<AlterPartitionRequest['topics'][number]['partitions'][number]>;

/** AlterPartition of a leader, version 3. */
function alter(members: readonly Member[], leader: number, asked: Asked, { version = 3, epoch = members[leader - 1]!.epoch, topicId = TOPIC_ID } = {}) {
  const isr = asked.newIsr ?? [];
  return members[0]!.controller.alterPartition({
    brokerId: leader, brokerEpoch: epoch,
    topics: [{ topicName: 'orders', topicId, partitions: [{ partitionIndex: 0, leaderEpoch: 0, newIsr: isr, newIsrWithEpochs: isr.map(brokerId => ({ brokerId, brokerEpoch: -1 })), leaderRecoveryState: 0, partitionEpoch: 0, ...asked }] }],
  }, version) as Promise<AlterPartitionResponseInput>;
}

const codeOf = (answer: AlterPartitionResponseInput): number | undefined => answer.topics?.[0]?.partitions?.[0]?.errorCode;

async function three(cluster: Cluster): Promise<Member[]> {
  const members = [await cluster.join(1), await cluster.join(2), await cluster.join(3)];
  await until(() => cluster.sent.some(({ broker }) => broker === 3));
  return members;
}

async function made(cluster: Cluster, { zk }: Member, ...replicas: number[][]): Promise<void> {
  await zk.create('/brokers/topics/orders', assigned(...replicas));
  await until(() => cluster.told('LeaderAndIsrRequest', replicas.at(-1)!.at(-1)!, 'orders').some(({ partitionIndex }) => partitionIndex === replicas.length - 1));
}

test('a leader changes its ISR, everybody hears of it, and asking again is answered alike', async () => {
  const cluster = await Cluster.start();
  const members = await three(cluster);
  await made(cluster, members[0]!, [2, 1, 3]);
  const done = { partitionIndex: 0, errorCode: 0, leaderId: 2, leaderEpoch: 0, isr: [2, 3], leaderRecoveryState: 0, partitionEpoch: 1 };
  expect(await alter(members, 2, { newIsr: [2, 3] })).toEqual({ errorCode: 0, topics: [{ topicId: TOPIC_ID, partitions: [done] }] });
  expect(await stateOf(members[0]!.zk, 'orders')).toMatchObject({ leader: 2, leaderEpoch: 0, isr: [2, 3] });
  await until(() => cluster.told('UpdateMetadataRequest', 3, 'orders').some(({ isr }) => isr.length === 2));
  expect(await alter(members, 2, { newIsr: [2, 3] })).toMatchObject({ topics: [{ partitions: [done] }] });
  expect((await alter(members, 2, { newIsr: [2] }, { version: 1 })).topics![0]).toEqual({ topicName: 'orders', partitions: [{ partitionIndex: 0, errorCode: ErrorCode.InvalidUpdateVersion }] });
});

test('each way in which an ISR cannot be changed has its error', async () => {
  const cluster = await Cluster.start();
  const members = await three(cluster);
  const [one, two, third] = members as [Member, Member, Member];
  await made(cluster, one, [2, 1, 3]);
  await alter(members, 2, { newIsr: [2, 3] });
  const now = { newIsr: [2], partitionEpoch: 1 };
  expect(await two.controller.alterPartition({ brokerId: 2, brokerEpoch: two.epoch, topics: [] }, 3)).toBe(NOT_CONTROLLER);
  expect(await alter(members, 2, now, { epoch: two.epoch - 1 })).toEqual({ errorCode: ErrorCode.StaleBrokerEpoch, topics: [] });
  expect(await alter(members, 2, now, { epoch: two.epoch + 1 })).toMatchObject({ errorCode: ErrorCode.StaleBrokerEpoch });
  expect(codeOf(await alter(members, 2, now, { topicId: 'c3RyYW5nZS1pZC0tLS0tLQ' }))).toBe(ErrorCode.UnknownTopicId);
  expect(codeOf(await alter(members, 2, { ...now, partitionIndex: 7 }))).toBe(ErrorCode.UnknownTopicOrPartition);
  expect(codeOf(await alter(members, 2, { ...now, partitionEpoch: 2 }))).toBe(ErrorCode.NotController);
  expect(codeOf(await alter(members, 2, { ...now, leaderEpoch: 1 }))).toBe(ErrorCode.NotController);
  expect(codeOf(await alter(members, 2, { ...now, leaderEpoch: -1 }))).toBe(ErrorCode.FencedLeaderEpoch);
  expect(codeOf(await alter(members, 2, { ...now, partitionEpoch: 0 }))).toBe(ErrorCode.InvalidUpdateVersion);
  expect(codeOf(await alter(members, 2, { ...now, leaderRecoveryState: 1 }))).toBe(ErrorCode.InvalidRequest);
  expect(codeOf(await alter(members, 2, { ...now, newIsr: [2, 9] }))).toBe(ErrorCode.IneligibleReplica);
  expect(codeOf(await alter(members, 2, { ...now, newIsr: [2, 9] }, { version: 1 }))).toBe(ErrorCode.OperationNotAttempted);
  expect(codeOf(await alter(members, 2, { ...now, newIsrWithEpochs: [{ brokerId: 2, brokerEpoch: two.epoch }] }))).toBe(ErrorCode.None);
  // In another life than that in which it caught up.
  const joined = (epoch: number) => alter(members, 2, { partitionEpoch: 2, newIsrWithEpochs: [{ brokerId: 2, brokerEpoch: -1 }, { brokerId: 3, brokerEpoch: epoch }] });
  expect(codeOf(await joined(third.epoch - 1))).toBe(ErrorCode.IneligibleReplica);
  expect(codeOf(await joined(third.epoch))).toBe(ErrorCode.None);
});

test('an ISR that somebody changed behind the controller is that partition\'s news alone', async () => {
  const cluster = await Cluster.start();
  const members = await three(cluster);
  const { controller } = members[0]!;
  await made(cluster, members[0]!, [2, 1, 3], [2, 3, 1]);
  const operator = await connected(cluster.connect);
  const path = '/brokers/topics/orders/partitions/0/state';
  await operator.setData(path, (await operator.getData(path)).data);
  const partition = (partitionIndex: number) => ({ partitionIndex, leaderEpoch: 0, newIsr: [], newIsrWithEpochs: [{ brokerId: 2, brokerEpoch: -1 }], leaderRecoveryState: 0, partitionEpoch: 0 });
  const answer = await controller.alterPartition({ brokerId: 2, brokerEpoch: members[1]!.epoch, topics: [{ topicName: '', topicId: TOPIC_ID, partitions: [partition(0), partition(1)] }] }, 3);
  expect((answer as AlterPartitionResponseInput).topics![0]!.partitions!.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.InvalidUpdateVersion, ErrorCode.None]);
  expect(controller.isActive).toBe(true);
  // An election that meets the same reads again and is written.
  await members[1]!.leave();
  await operator.setData(path, (await operator.getData(path)).data);
  await until(async () => (await stateOf(operator, 'orders', 0))?.leader === 1);
  expect(controller.isActive).toBe(true);
});

test('a broker that asks to leave is led by others, leaves the ISRs, and is stopped where it followed; what only it has stays with it', async () => {
  const cluster = await Cluster.start();
  const members = await three(cluster);
  const [one, two] = members as [Member, Member, Member];
  await made(cluster, one, [2, 1, 3], [1, 2], [2], [2, 1]);
  await until(() => cluster.told('LeaderAndIsrRequest', 1, 'orders').some(({ partitionIndex }) => partitionIndex === 3));
  await alter(members, 2, { partitionIndex: 3, newIsr: [2] });
  expect(await one.controller.controlledShutdown(2, two.epoch - 1)).toMatchObject({ errorCode: ErrorCode.StaleBrokerEpoch });
  expect(await one.controller.controlledShutdown(9, -1)).toMatchObject({ errorCode: ErrorCode.BrokerNotAvailable });
  expect(await two.controller.controlledShutdown(2, two.epoch)).toBe(NOT_CONTROLLER);
  cluster.sent.length = 0;
  expect(await one.controller.controlledShutdown(2, two.epoch)).toEqual({ errorCode: 0, remaining: [{ topic: 'orders', partition: 3 }] });
  expect(await stateOf(one.zk, 'orders', 0)).toMatchObject({ leader: 1, isr: [1, 3], leaderEpoch: 1 });
  expect(await stateOf(one.zk, 'orders', 1)).toMatchObject({ leader: 1, isr: [1], leaderEpoch: 1 });
  expect(await stateOf(one.zk, 'orders', 2)).toMatchObject({ leader: 2, isr: [2], leaderEpoch: 0 });
  await until(() => cluster.told('StopReplicaRequest', 2, 'orders').length > 0);
  expect(cluster.told('StopReplicaRequest', 2, 'orders').map(({ partitionIndex, deletePartition }) => [partitionIndex, deletePartition])).toEqual([[1, false], [1, false]]);
  expect(cluster.told('LeaderAndIsrRequest', 2, 'orders').map(({ partitionIndex, leader }) => [partitionIndex, leader])).toEqual([[0, 1]]);
  // It joins no ISR again while it is leaving, and a new life of it may.
  expect(codeOf(await alter(members, 1, { leaderEpoch: 1, partitionEpoch: 1, newIsr: [1, 3, 2] }))).toBe(ErrorCode.IneligibleReplica);
  await two.leave();
  await until(async () => (await stateOf(one.zk, 'orders', 2))?.leader === -1);
  members[1] = await cluster.join(2);
  await until(async () => (await stateOf(one.zk, 'orders', 2))?.leader === 2);
  expect(codeOf(await alter(members, 1, { leaderEpoch: 1, partitionEpoch: 1, newIsr: [1, 3, 2] }))).toBe(ErrorCode.None);
});

test('preferred leaders are elected where they can be, by the api, by the znode, and by the controller when balance is lost', async () => {
  const cluster = await Cluster.start();
  const members = await three(cluster);
  const [one, two, third] = members as [Member, Member, Member];
  await made(cluster, one, [2, 1], [2, 3], [3, 2]);
  await two.leave();
  await until(async () => (await stateOf(one.zk, 'orders', 1))?.leader === 3);
  members[1] = await cluster.join(2);
  await until(() => cluster.told('LeaderAndIsrRequest', 2, 'orders').length >= 6);
  const asked = [0, 1, 2, 9].map(partition => ({ topic: 'orders', partition }));
  const before = await one.controller.electLeaders(asked, 'preferred');
  expect(before).toEqual(expect.arrayContaining([
    { topic: 'orders', partition: 0, errorCode: ErrorCode.PreferredLeaderNotAvailable, errorMessage: 'Failed to elect leader for partition orders-0 under strategy PreferredReplicaPartitionLeaderElectionStrategy' },
    { topic: 'orders', partition: 2, errorCode: ErrorCode.ElectionNotNeeded, errorMessage: 'Leader election not needed for topic partition.' },
    { topic: 'orders', partition: 9, errorCode: ErrorCode.UnknownTopicOrPartition, errorMessage: 'The partition does not exist.' },
  ]));
  expect(codeOf(await alter(members, 1, { leaderEpoch: 1, partitionEpoch: 1, newIsr: [1, 2] }))).toBe(0);
  expect(codeOf(await alter(members, 3, { partitionIndex: 1, leaderEpoch: 1, partitionEpoch: 1, newIsr: [3, 2] }))).toBe(0);
  expect(await one.controller.electLeaders([asked[0]!], 'preferred')).toEqual([{ topic: 'orders', partition: 0, errorCode: 0, leader: 2 }]);
  expect(await third.controller.electLeaders(asked, 'preferred')).toBe(NOT_CONTROLLER);
  await one.zk.create('/admin/preferred_replica_election', Buffer.from('{"version":1,"partitions":[{"topic":"orders","partition":1},{"topic":"nobody","partition":0}]}'));
  await until(async () => (await stateOf(one.zk, 'orders', 1))?.leader === 2);
  await until(async () => (await one.zk.exists('/admin/preferred_replica_election')) === null);
  // It is heard of again.
  await one.zk.create('/admin/preferred_replica_election', Buffer.from('{"version":1,"partitions":[]}'));
  await until(async () => (await one.zk.exists('/admin/preferred_replica_election')) === null);
});

test('whoever lost too many of the partitions it is preferred for gets them back in time', async () => {
  const { ManualTime } = await import('../zookeeper/support/manual-time.js');
  const cluster = await Cluster.start();
  const time = new ManualTime();
  const members = [await cluster.join(1, { timers: time, settings: { rebalances: true, rebalanceMs: 300_000, imbalancePercentage: () => 50 } }), await cluster.join(2)];
  const { zk } = members[0]!;
  await zk.create('/brokers/topics/orders', assigned([2, 1], [2, 1], [1, 2]));
  await until(() => cluster.told('LeaderAndIsrRequest', 2, 'orders').length >= 3);
  const lead = async (partition: number, leader: number): Promise<void> => {
    const path = `/brokers/topics/orders/partitions/${partition}/state`;
    const { data } = await zk.getData(path);
    await zk.setData(path, Buffer.from(data!.toString().replace(/"leader":\d/, `"leader":${leader}`)));
    await zk.create('/isr_change_notification/isr_change_', Buffer.from(`{"version":1,"partitions":[{"topic":"orders","partition":${partition}}]}`), { mode: 'persistentSequential' });
    await until(async () => (await zk.getChildren('/isr_change_notification')).children.length === 0);
  };
  await lead(0, 1);
  time.advance(5000);
  await members[0]!.controller.start();
  expect(await stateOf(zk, 'orders', 0), 'half of them are within the limit').toMatchObject({ leader: 1 });
  await lead(1, 1);
  time.advance(300_000);
  await until(async () => (await stateOf(zk, 'orders', 0))?.leader === 2 && (await stateOf(zk, 'orders', 1))?.leader === 2);
});

test('a replica that is not in sync leads where that is asked for, or when the topic comes to allow it', async () => {
  const cluster = await Cluster.start();
  const [one, two] = await three(cluster) as [Member, Member, Member];
  const members = [one, two];
  await made(cluster, one, [2, 1], [2, 3]);
  for (const partitionIndex of [0, 1]) await alter(members, 2, { partitionIndex, newIsr: [2] });
  await two.leave();
  await until(async () => (await stateOf(one.zk, 'orders', 1))?.leader === -1);
  const first = [{ topic: 'orders', partition: 0 }];
  expect(await one.controller.electLeaders(first, 'unclean')).toEqual([{ ...first[0], errorCode: 0, leader: 1 }]);
  expect(await stateOf(one.zk, 'orders', 0)).toMatchObject({ leader: 1, isr: [1], leaderRecoveryState: 1 });
  expect(await one.controller.electLeaders(first, 'unclean')).toMatchObject([{ errorCode: ErrorCode.ElectionNotNeeded }]);
  expect(await stateOf(one.zk, 'orders', 1)).toMatchObject({ leader: -1, isr: [2] });
  await one.zk.create('/config/topics/orders', Buffer.from('{"version":1,"config":{"unclean.leader.election.enable":"true"}}'));
  one.controller.uncleanElectionEnabled();
  await until(async () => (await stateOf(one.zk, 'orders', 1))?.leader === 3);
  expect(await stateOf(one.zk, 'orders', 1)).toMatchObject({ isr: [3], leaderRecoveryState: 1 });
});

test('blocks of producer ids are for brokers that are registered, in the life they are in', async () => {
  const cluster = await Cluster.start();
  const [one, two] = await three(cluster) as [Member, Member];
  expect(one.controller.knows(2, two.epoch)).toBe(ErrorCode.None);
  expect(one.controller.knows(2, two.epoch - 1)).toBe(ErrorCode.StaleBrokerEpoch);
  expect(one.controller.knows(9, 1)).toBe(ErrorCode.BrokerIdNotRegistered);
  expect(two.controller.knows(1, one.epoch)).toBe(ErrorCode.NotController);
});
