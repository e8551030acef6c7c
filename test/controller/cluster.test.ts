import { expect, test } from 'vitest';
import { encodeBrokerRegistration } from '../../src/zookeeper/znodes/broker.js';
import { until } from '../support/broker.js';
import { connected } from '../zookeeper/support/kit.js';
import { assigned, Cluster, stateOf } from './support/cluster.js';

test('a broker that takes requests and never answers holds up nobody else', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  await cluster.join(2);
  await cluster.join(3);
  await until(() => cluster.sent.some(({ broker }) => broker === 3));
  cluster.hung.add(2);
  await one.zk.create('/brokers/topics/orders', assigned([1, 2, 3], [2, 3, 1]));
  await until(() => cluster.told('LeaderAndIsrRequest', 3, 'orders').length === 2, 'the third is told');
  await one.zk.create('/brokers/topics/returns', assigned([3, 1]));
  await until(() => cluster.told('UpdateMetadataRequest', 1, 'returns').length === 1, 'and everybody of what comes later');
  // One in flight: what comes later waits behind it.
  expect(cluster.sent.filter(({ broker, api }) => broker === 2 && api === 'LeaderAndIsrRequest')).toHaveLength(1);
  expect(cluster.told('UpdateMetadataRequest', 2, 'returns')).toHaveLength(0);
});

test('a request is said again until it is answered, in its order, and no more when the registration is gone', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  const two = await cluster.join(2);
  await until(() => cluster.sent.some(({ broker }) => broker === 2));
  cluster.broken.add(2);
  await one.zk.create('/brokers/topics/orders', assigned([1, 2]));
  const told = (): number => cluster.sent.filter(({ broker, api }) => broker === 2 && api === 'LeaderAndIsrRequest').length;
  await until(() => told() >= 3, 'asked again and again');
  cluster.broken.delete(2);
  await until(() => cluster.told('UpdateMetadataRequest', 2, 'orders').length > 0, 'what waited behind it comes when it was answered');
  cluster.broken.add(2);
  await one.zk.create('/brokers/topics/returns', assigned([1, 2]));
  await until(() => cluster.told('LeaderAndIsrRequest', 2, 'returns').length >= 2);
  await two.leave();
  await until(async () => (await stateOf(one.zk, 'returns'))?.isr.length === 1, 'it left the ISR');
  const asked = told();
  cluster.broken.delete(2);
  await one.zk.create('/brokers/topics/more', assigned([1]));
  await until(() => cluster.told('LeaderAndIsrRequest', 1, 'more').length > 0);
  expect(told()).toBe(asked);
});

test('a broker fails: others lead and it leaves the ISRs; it starts: it is told everything and what was without leader is led', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  const two = await cluster.join(2);
  await cluster.join(3);
  await one.zk.create('/brokers/topics/orders', assigned([2, 3, 1], [3, 2], [2]));
  await until(() => cluster.told('LeaderAndIsrRequest', 3, 'orders').length === 2);
  cluster.sent.length = 0;
  await two.leave();
  await until(async () => (await stateOf(one.zk, 'orders', 2))?.leader === -1);
  expect(await stateOf(one.zk, 'orders', 0)).toMatchObject({ leader: 3, leaderEpoch: 1, isr: [3, 1] });
  expect(await stateOf(one.zk, 'orders', 1)).toMatchObject({ leader: 3, leaderEpoch: 1, isr: [3] });
  // The last of an ISR stays in it: nobody else has its records.
  expect(await stateOf(one.zk, 'orders', 2)).toMatchObject({ leader: -1, isr: [2] });
  await until(() => cluster.told('UpdateMetadataRequest', 1, 'orders').some(({ partitionIndex, offlineReplicas }) => partitionIndex === 2 && offlineReplicas[0] === 2), 'everybody knows that it is offline');
  cluster.sent.length = 0;
  const again = await cluster.join(2);
  await until(async () => (await stateOf(one.zk, 'orders', 2))?.leader === 2, 'it leads what only it has');
  const first = cluster.sent.filter(({ broker }) => broker === 2);
  expect(first.map(({ api }) => api).slice(0, 2)).toEqual(['UpdateMetadataRequest', 'LeaderAndIsrRequest']);
  expect(first[1]!.message.topicStates![0]!.partitionStates).toHaveLength(3);
  expect(first[1]!.message.brokerEpoch).toBe(again.epoch);
  expect(await stateOf(one.zk, 'orders', 0)).toMatchObject({ leader: 3, isr: [3, 1] });
});

test('a broker that bounced between two looks failed and started: nothing of its old life reaches it', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  const two = await cluster.join(2);
  await one.zk.create('/brokers/topics/orders', assigned([2, 1]));
  await until(() => cluster.told('LeaderAndIsrRequest', 2, 'orders').length > 0);
  cluster.hung.add(2);
  await one.zk.create('/brokers/topics/unheard', assigned([1, 2]));
  await until(() => cluster.told('LeaderAndIsrRequest', 2, 'unheard').length > 0);
  const operator = await connected(cluster.connect);
  cluster.sent.length = 0;
  cluster.hung.delete(2);
  // In one step: no watcher sees it away.
  const registration = (await operator.getData('/brokers/ids/2')).data;
  await operator.multi([{ type: 'delete', path: '/brokers/ids/2' }, { type: 'create', path: '/brokers/ids/2', data: registration, mode: 'ephemeral' }]);
  await until(async () => (await stateOf(operator, 'orders'))?.leader === 1);
  await until(() => cluster.told('LeaderAndIsrRequest', 2, 'unheard').length > 0, 'told of everything anew');
  const epoch = (await operator.exists('/brokers/ids/2'))!.czxid;
  expect(new Set(cluster.sent.filter(({ broker }) => broker === 2).map(({ message }) => message.brokerEpoch))).toEqual(new Set([epoch]));
  await two.leave();
});

test('a broker that moves its endpoints is told of to everybody', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  const two = await cluster.join(2);
  await until(() => cluster.sent.some(({ broker }) => broker === 2));
  cluster.sent.length = 0;
  await two.zk.setData('/brokers/ids/2', encodeBrokerRegistration({ endpoints: [{ listener: 'PLAINTEXT', host: 'elsewhere', port: 9, securityProtocol: 0 }], timestamp: 1 }));
  await until(() => cluster.sent.some(({ broker, message }) => broker === 1 && JSON.stringify(message.liveBrokers).includes('elsewhere')));
  await one.controller.close();
});

test('a new controller tells everybody of everything once, as it is by then', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  const two = await cluster.join(2);
  await cluster.join(3);
  await one.zk.create('/brokers/topics/orders', assigned([1, 2, 3], [2, 3, 1], [3, 1, 2]));
  await until(() => cluster.told('LeaderAndIsrRequest', 3, 'orders').length === 3);
  const { epoch } = one.controller;
  await one.controller.close();
  cluster.sent.length = 0;
  await one.leave();
  await until(() => two.controller.isActive || cluster.sent.some(({ message }) => message.controllerEpoch > epoch));
  await until(() => cluster.told('LeaderAndIsrRequest', 3, 'orders').some(({ partitionIndex, isr }) => partitionIndex === 0 && isr.length === 2));
  const state = await stateOf(two.zk, 'orders', 0);
  expect([state!.leader === 2, state!.isr]).toEqual([true, [2, 3]]);
  for (const broker of [2, 3]) {
    await until(() => cluster.told('UpdateMetadataRequest', broker, 'orders').length > 0);
    const said = cluster.told('LeaderAndIsrRequest', broker, 'orders').filter(({ isr }) => !isr.includes(1));
    expect(new Set(said.map(({ partitionIndex }) => partitionIndex))).toEqual(new Set([0, 1, 2]));
  }
});

test('with an old inter-broker protocol requests have its versions, topics get no id, and ISR changes come by notifications', async () => {
  const { interBrokerProtocol } = await import('../../src/controller/request-versions.js');
  const cluster = await Cluster.start();
  const one = await cluster.join(1, { settings: { protocol: interBrokerProtocol('2.7-IV1') } });
  await cluster.join(2, { settings: { protocol: interBrokerProtocol('2.7-IV1') } });
  await one.zk.create('/brokers/topics/orders', Buffer.from('{"version":3,"partitions":{"0":[1,2]},"adding_replicas":{},"removing_replicas":{}}'));
  await until(() => cluster.told('UpdateMetadataRequest', 1, 'orders').length > 0);
  expect(new Set(cluster.sent.map(({ api, version }) => `${api} ${version}`))).toEqual(new Set(['LeaderAndIsrRequest 4', 'UpdateMetadataRequest 6']));
  expect((await one.zk.getData('/brokers/topics/orders')).data?.toString()).not.toContain('topic_id');
  const state = (await one.zk.getData('/brokers/topics/orders/partitions/0/state')).data!;
  await one.zk.setData('/brokers/topics/orders/partitions/0/state', Buffer.from(state.toString().replace('"isr":[1,2]', '"isr":[1]')), 0);
  cluster.sent.length = 0;
  await one.zk.create('/isr_change_notification/isr_change_', Buffer.from('{"version":1,"partitions":[{"topic":"orders","partition":0}]}'), { mode: 'persistentSequential' });
  await until(() => cluster.told('UpdateMetadataRequest', 2, 'orders').some(({ isr }) => isr.length === 1), 'everybody hears of it');
  await until(async () => (await one.zk.getChildren('/isr_change_notification')).children.length === 0);
});

test('replicas whose directory failed are led by others, and come back when their broker says so', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  await cluster.join(2);
  await one.zk.create('/brokers/topics/orders', assigned([2, 1], [2]));
  await until(() => cluster.told('LeaderAndIsrRequest', 2, 'orders').length === 2);
  cluster.offline.set(2, new Set(['orders-0', 'orders-1']));
  const tell = (): Promise<unknown> => one.zk.create('/log_dir_event_notification/log_dir_event_', Buffer.from('{"version":1,"broker":2,"event":1}'), { mode: 'persistentSequential' });
  await tell();
  await until(async () => (await stateOf(one.zk, 'orders', 1))?.leader === -1);
  expect(await stateOf(one.zk, 'orders', 0)).toMatchObject({ leader: 1, isr: [1] });
  cluster.offline.delete(2);
  await tell();
  await until(async () => (await stateOf(one.zk, 'orders', 1))?.leader === 2, 'led again');
});
