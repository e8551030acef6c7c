import { expect, test } from 'vitest';
import { NOT_CONTROLLER } from '../../src/controller/controller.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import type { ZooKeeper } from '../../src/zookeeper/types.js';
import { ZkError } from '../../src/zookeeper/types.js';
import { decodeTopic, type TopicAssignment } from '../../src/zookeeper/znodes/topic.js';
import { until } from '../support/broker.js';
import { connected } from '../zookeeper/support/kit.js';
import { assigned, Between, Cluster, stateOf, TOPIC_ID, type Member } from './support/cluster.js';

async function cluster(brokers: number, first: Parameters<Cluster['join']>[1] = {}): Promise<{ cluster: Cluster; members: Member[] }> {
  const made = await Cluster.start();
  const members: Member[] = [];
  for (let id = 1; id <= brokers; id++) members.push(await made.join(id, id === 1 ? first : {}));
  await until(() => made.sent.some(({ broker }) => broker === brokers));
  return { cluster: made, members };
}

async function topicOf(zk: ZooKeeper): Promise<TopicAssignment> {
  return decodeTopic((await zk.getData('/brokers/topics/orders')).data!);
}

async function madeOf(made: Cluster, zk: ZooKeeper, ...replicas: number[][]): Promise<void> {
  await zk.create('/brokers/topics/orders', assigned(...replicas));
  await until(() => made.told('LeaderAndIsrRequest', replicas[0]!.at(-1)!, 'orders').length > 0);
}

/** The leader says that these are in sync now, as it would when they have caught up; where its epoch was raised meanwhile it hears so and asks again. */
async function caughtUp(controller: Member, leader: Member, leaderId: number, isr: number[], partition = 0): Promise<void> {
  await until(async () => {
    const { leaderEpoch } = (await stateOf(controller.zk, 'orders', partition))!;
    const partitionEpoch = (await controller.zk.getData(`/brokers/topics/orders/partitions/${partition}/state`)).stat.version;
    const answer = await controller.controller.alterPartition({
      brokerId: leaderId, brokerEpoch: leader.epoch,
      topics: [{ topicName: '', topicId: TOPIC_ID, partitions: [{ partitionIndex: partition, leaderEpoch, partitionEpoch, newIsr: [], newIsrWithEpochs: isr.map(brokerId => ({ brokerId, brokerEpoch: -1 })), leaderRecoveryState: 0 }] }],
    }, 3);
    return answer === NOT_CONTROLLER || answer.topics![0]!.partitions![0]!.errorCode === ErrorCode.None;
  });
}

const toward = (replicas: number[] | null, partition = 0) => [{ topic: 'orders', partition, replicas }];
const done = [{ topic: 'orders', partition: 0, errorCode: 0, errorMessage: null }];

test('a partition moves: added replicas follow, and when they are in sync one of them leads and the others are removed', async () => {
  const { cluster: made, members: [one, two, three, four] } = await cluster(4) as { cluster: Cluster; members: [Member, Member, Member, Member] };
  await madeOf(made, one.zk, [1, 2], [2, 1]);
  made.sent.length = 0;
  expect(await one.controller.alterReassignments(toward([3, 4]))).toEqual(done);
  expect(await topicOf(one.zk)).toMatchObject({ partitions: new Map([[0, [3, 4, 1, 2]], [1, [2, 1]]]), addingReplicas: new Map([[0, [3, 4]]]), removingReplicas: new Map([[0, [1, 2]]]) });
  expect(await one.controller.listReassignments(null)).toEqual([{ topic: 'orders', partition: 0, assignment: { replicas: [3, 4, 1, 2], adding: [3, 4], removing: [1, 2] } }]);
  expect(await one.controller.listReassignments([{ topic: 'orders', partition: 1 }])).toEqual([]);
  expect(await two.controller.listReassignments(null)).toBe(NOT_CONTROLLER);
  await until(() => made.told('LeaderAndIsrRequest', 4, 'orders').length > 0);
  expect(made.told('LeaderAndIsrRequest', 3, 'orders')[0]).toMatchObject({ leader: 1, leaderEpoch: 1, replicas: [3, 4, 1, 2], addingReplicas: [3, 4], removingReplicas: [1, 2], isNew: true });
  expect(made.told('LeaderAndIsrRequest', 2, 'orders')[0]).toMatchObject({ leaderEpoch: 1, isNew: false });
  await caughtUp(one, one, 1, [1, 2, 3]);
  expect(await one.controller.listReassignments(null)).toHaveLength(1);
  made.sent.length = 0;
  await caughtUp(one, one, 1, [1, 2, 3, 4]);
  await until(async () => (await topicOf(one.zk)).addingReplicas.size === 0);
  expect(await topicOf(one.zk)).toMatchObject({ partitions: new Map([[0, [3, 4]], [1, [2, 1]]]), removingReplicas: new Map() });
  expect(await stateOf(one.zk, 'orders')).toMatchObject({ leader: 3, isr: [3, 4] });
  await until(() => made.told('StopReplicaRequest', 2, 'orders').some(({ deletePartition }) => deletePartition));
  await until(() => made.told('UpdateMetadataRequest', 2, 'orders').some(({ replicas }) => replicas.length === 2));
  expect(await one.controller.listReassignments(null)).toEqual([]);
  expect([three.epoch, four.epoch].every(epoch => epoch > 0)).toBe(true);
});

test('what cannot be reassigned has its error, and the others go on', async () => {
  const { cluster: made, members: [one] } = await cluster(2) as { cluster: Cluster; members: [Member] };
  await madeOf(made, one.zk, [1, 2]);
  const refused = async (replicas: number[] | null, partition = 0) => {
    const results = await one.controller.alterReassignments(toward(replicas, partition));
    return results === NOT_CONTROLLER ? undefined : [results[0]!.errorCode, results[0]!.errorMessage];
  };
  expect(await refused([])).toEqual([ErrorCode.InvalidReplicaAssignment, 'Empty replica list specified in partition reassignment.']);
  expect(await refused([1, 1])).toEqual([ErrorCode.InvalidReplicaAssignment, 'Duplicate replica ids in partition reassignment replica list: ArrayBuffer(1, 1)']);
  expect(await refused([-1])).toEqual([ErrorCode.InvalidReplicaAssignment, 'Invalid broker id in replica list: ArrayBuffer(-1)']);
  expect(await refused([1, 9])).toEqual([ErrorCode.InvalidReplicaAssignment, 'Replica assignment has brokers that are not alive. Replica list: ArrayBuffer(9), live broker list: Set(1, 2)']);
  expect(await refused(null)).toEqual([ErrorCode.NoReassignmentInProgress, 'No partition reassignment is in progress.']);
  expect(await refused([1], 7)).toEqual([ErrorCode.UnknownTopicOrPartition, 'The partition does not exist.']);
  expect(await refused([2, 1])).toEqual([0, null]);
  expect((await topicOf(one.zk)).partitions).toEqual(new Map([[0, [2, 1]]]));
});

test('a reassignment is cancelled: what was added is stopped and removed, and the rest is as before', async () => {
  const { cluster: made, members: [one] } = await cluster(3) as { cluster: Cluster; members: [Member] };
  await madeOf(made, one.zk, [1, 2]);
  await one.controller.alterReassignments(toward([3, 2]));
  await until(() => made.told('LeaderAndIsrRequest', 3, 'orders').length > 0);
  expect(await one.controller.alterReassignments(toward(null))).toEqual(done);
  const topic = await topicOf(one.zk);
  expect([topic.addingReplicas.size, topic.removingReplicas.size, [...topic.partitions.get(0)!].sort()]).toEqual([0, 0, [1, 2]]);
  await until(() => made.told('StopReplicaRequest', 3, 'orders').some(({ deletePartition }) => deletePartition));
  expect(await one.controller.listReassignments(null)).toEqual([]);
  expect((await stateOf(one.zk, 'orders'))!.isr).toEqual([1, 2]);
});

test('what is asked last counts: replicas that the new target does not want are stopped at once', async () => {
  const { cluster: made, members: [one] } = await cluster(4) as { cluster: Cluster; members: [Member] };
  await madeOf(made, one.zk, [1, 2]);
  await one.controller.alterReassignments(toward([3, 2]));
  await one.controller.alterReassignments(toward([4, 2]));
  expect(await topicOf(one.zk)).toMatchObject({ addingReplicas: new Map([[0, [4]]]), removingReplicas: new Map([[0, [1]]]) });
  await until(() => made.told('StopReplicaRequest', 3, 'orders').some(({ deletePartition }) => deletePartition));
  await until(() => made.told('LeaderAndIsrRequest', 4, 'orders').some(({ isNew }) => isNew));
});

test('the old znode asks for reassignments too, shrinks as they end, and is heard of again', async () => {
  const { cluster: made, members: [one] } = await cluster(3) as { cluster: Cluster; members: [Member] };
  await madeOf(made, one.zk, [1, 2], [1, 2]);
  const ask = (...partitions: object[]): Promise<unknown> => one.zk.create('/admin/reassign_partitions', Buffer.from(JSON.stringify({ version: 1, partitions })));
  await ask({ topic: 'orders', partition: 0, replicas: [3, 2] }, { topic: 'orders', partition: 1, replicas: [2, 1] }, { topic: 'nobody', partition: 0, replicas: [1] });
  await until(async () => !(await one.zk.getData('/admin/reassign_partitions')).data!.toString().includes('nobody'));
  expect(JSON.parse((await one.zk.getData('/admin/reassign_partitions')).data!.toString())).toEqual({ version: 1, partitions: [{ topic: 'orders', partition: 0, replicas: [3, 2] }] });
  expect((await topicOf(one.zk)).partitions.get(1)).toEqual([2, 1]);
  await caughtUp(one, one, 1, [1, 2, 3]);
  await until(async () => (await one.zk.exists('/admin/reassign_partitions')) === null);
  await until(async () => (await topicOf(one.zk)).removingReplicas.size === 0);
  await ask({ topic: 'orders', partition: 1, replicas: [1, 2] });
  await until(async () => (await topicOf(one.zk)).partitions.get(1)![0] === 1, 'heard of again');
});

test('a controller that dies between the writes of a reassignment leaves enough for the next to end it', async () => {
  const between = new Between();
  const { cluster: made, members: [one, two, three] } = await cluster(3, { through: between.through }) as { cluster: Cluster; members: [Member, Member, Member] };
  await madeOf(made, two.zk, [1, 2]);
  await one.controller.alterReassignments(toward([3, 2]));
  // Leader, ISR and the removed replica are done with; the assignment that would say so is not written any more.
  let dead = false;
  between.multi = (_, ops) => {
    dead ||= ops.some(op => op.type === 'setData' && op.path === '/brokers/topics/orders' && !op.data!.toString().includes('"adding_replicas":{"0"'));
    return dead ? Promise.reject(new ZkError('CONNECTIONLOSS')) : undefined;
  };
  await caughtUp(one, one, 1, [1, 2, 3]);
  await until(() => dead);
  const left = await topicOf(two.zk);
  expect([left.addingReplicas.size, left.removingReplicas.size]).toEqual([1, 1]);
  expect((await stateOf(two.zk, 'orders'))!.isr).toEqual([2, 3].sort());
  made.sent.length = 0;
  await one.leave();
  await until(() => two.controller.isActive || three.controller.isActive, 'another is elected');
  await until(async () => (await topicOf(two.zk)).addingReplicas.size === 0, 'and ends it');
  expect(await topicOf(two.zk)).toMatchObject({ partitions: new Map([[0, [3, 2]]]), removingReplicas: new Map() });
  expect((await stateOf(two.zk, 'orders'))!.leader).toBe(3);
});

test('a reassignment that waits for a broker goes on when it is back', async () => {
  const { cluster: made, members: [one, , three] } = await cluster(3) as { cluster: Cluster; members: [Member, Member, Member] };
  await madeOf(made, one.zk, [1, 2]);
  await one.controller.alterReassignments(toward([3, 2]));
  await three.leave();
  await until(() => made.told('UpdateMetadataRequest', 2, 'orders').some(({ offlineReplicas }) => offlineReplicas.includes(3)));
  made.sent.length = 0;
  await made.join(3);
  await until(() => made.told('LeaderAndIsrRequest', 3, 'orders').some(({ addingReplicas }) => addingReplicas.includes(3)));
  await caughtUp(one, one, 1, [1, 2, 3]);
  await until(async () => (await topicOf(one.zk)).removingReplicas.size === 0);
});

test('a topic grows while one of its partitions moves, and is deleted only when that has ended', async () => {
  const { cluster: made, members: [one] } = await cluster(3) as { cluster: Cluster; members: [Member] };
  await madeOf(made, one.zk, [1, 2]);
  await one.controller.alterReassignments(toward([3, 2]));
  const operator = await connected(made.connect);
  const grown = (await operator.getData('/brokers/topics/orders')).data!.toString().replace('"partitions":{', '"partitions":{"1":[2,1],');
  await operator.setData('/brokers/topics/orders', Buffer.from(grown));
  await until(async () => (await stateOf(operator, 'orders', 1)) !== undefined, 'the new partition is led');
  await operator.create('/admin/delete_topics/orders', null);
  await one.controller.start();
  await operator.sync('/');
  await one.controller.start();
  expect(await operator.exists('/brokers/topics/orders')).not.toBeNull();
  await caughtUp(one, one, 1, [1, 2, 3]);
  await until(async () => (await operator.exists('/brokers/topics/orders')) === null, 'deleted behind it');
});

test('under an old inter-broker protocol the ISR of what is moving is watched', async () => {
  const { interBrokerProtocol } = await import('../../src/controller/request-versions.js');
  const { cluster: made, members: [one] } = await cluster(3, { settings: { protocol: interBrokerProtocol('2.6') } }) as { cluster: Cluster; members: [Member] };
  await madeOf(made, one.zk, [1, 2]);
  await one.controller.alterReassignments(toward([3, 2]));
  const path = '/brokers/topics/orders/partitions/0/state';
  const { data, stat } = await one.zk.getData(path);
  await one.zk.setData(path, Buffer.from(data!.toString().replace('"isr":[1,2]', '"isr":[1,2,3]')), stat.version);
  await until(async () => (await topicOf(one.zk)).removingReplicas.size === 0);
});
