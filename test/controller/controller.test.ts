import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { Controller, type ControllerOptions } from '../../src/controller/controller.js';
import { createPersistentPaths, register } from '../../src/server/registration.js';
import type { ZooKeeper } from '../../src/zookeeper/types.js';
import { decodePartitionState } from '../../src/zookeeper/znodes/partition.js';
import { encodeTopic } from '../../src/zookeeper/znodes/topic.js';
import { until } from '../support/broker.js';
import { connected, embedded, system } from '../zookeeper/support/kit.js';

type Sent = { broker: number; api: string; message: { controllerEpoch: number; topicStates?: { topicName: string; partitionStates: { partitionIndex: number; leader: number }[] }[] } };

/** Brokers that answer everything with "done", and note what they were told. */
class Cluster {
  readonly sent: Sent[] = [];
  readonly connect: string;

  private constructor(connect: string) {
    this.connect = connect;
  }

  static async start(): Promise<Cluster> {
    const cluster = new Cluster((await embedded({ tickTimeMs: 500 })).connect);
    await createPersistentPaths(await connected(cluster.connect));
    return cluster;
  }

  async join(brokerId: number): Promise<{ zk: ZooKeeper; controller: Controller; leave(): Promise<void> }> {
    const zk = await connected(this.connect);
    await register({ zookeeper: zk, brokerId, endpoints: [{ listener: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }], rack: null, clock: system.clock, logger: silentLogger, predecessorIsDead: false });
    const channel: ControllerOptions['channel'] = broker => ({
      send: async (request, message) => {
        this.sent.push({ broker, api: request.name, message: message as Sent['message'] });
        return { errorCode: 0, partitionErrors: [], topics: [] } as never;
      },
    });
    const controller = new Controller({ brokerId, zookeeper: zk, ...system, logger: silentLogger, channel, deleteTopicEnable: true, uncleanElection: false });
    await controller.start();
    return { zk, controller, leave: () => zk.close() };
  }
}

test('one is elected, the other takes over when it goes, with the next epoch, and the leaderless are led again', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  const two = await cluster.join(2);
  expect([one.controller.isActive, two.controller.isActive]).toEqual([true, false]);
  const { epoch } = one.controller;
  await until(() => cluster.sent.some(each => each.broker === 2 && each.api === 'UpdateMetadataRequest'), 'the second broker is told of the cluster');
  const topicId = 'bm90LWEtdG9waWMtaWQtMQ';
  await two.zk.create('/brokers/topics/orders', encodeTopic({ topicId, partitions: new Map([[0, [1, 2]], [1, [2, 1]]]), addingReplicas: new Map(), removingReplicas: new Map() }));
  const state = async (partition: number): Promise<[number, number, readonly number[]]> => {
    const { leader, leaderEpoch, isr } = decodePartitionState((await two.zk.getData(`/brokers/topics/orders/partitions/${partition}/state`)).data!);
    return [leader, leaderEpoch, isr];
  };
  await until(() => cluster.sent.some(each => each.broker === 2 && each.api === 'LeaderAndIsrRequest'));
  expect([await state(0), await state(1)]).toEqual([[1, 0, [1, 2]], [2, 0, [2, 1]]]);
  // Leadership first, then what everybody is to know of it.
  expect(cluster.sent.filter(each => each.broker === 2 && each.message.topicStates?.some(topic => topic.topicName === 'orders')).map(({ api }) => api).slice(0, 2)).toEqual(['LeaderAndIsrRequest', 'UpdateMetadataRequest']);
  cluster.sent.length = 0;
  await one.leave();
  await until(() => two.controller.isActive, 'the other is elected');
  expect(two.controller.epoch).toBe(epoch + 1);
  await until(async () => (await state(0))[0] === 2, 'the survivor leads');
  await until(() => cluster.sent.some(each => each.broker === 2 && each.api === 'LeaderAndIsrRequest' && each.message.controllerEpoch === epoch + 1));
  expect((await state(0))[1]).toBeGreaterThan(0);
  await two.controller.close();
});

test('a controller that finds the epoch moved on resigns: it writes nothing any more', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  const observer = await connected(cluster.connect);
  // Somebody else was elected without our hearing of it.
  await observer.setData('/controller_epoch', Buffer.from('77'));
  await observer.delete('/controller');
  await until(() => !one.controller.isActive || one.controller.epoch > 77);
  await observer.create('/brokers/topics/orders', encodeTopic({ topicId: 'bm90LWEtdG9waWMtaWQtMQ', partitions: new Map([[0, [1]]]), addingReplicas: new Map(), removingReplicas: new Map() })).catch(() => {});
  await until(() => one.controller.isActive && one.controller.epoch === 78, 'elected anew, above the epoch that was');
  await until(async () => (await observer.exists('/brokers/topics/orders/partitions/0/state')) !== null);
  const { controllerEpoch } = decodePartitionState((await observer.getData('/brokers/topics/orders/partitions/0/state')).data!);
  expect(controllerEpoch).toBe(78);
  await one.controller.close();
  expect(await observer.exists('/controller')).toBeNull();
});
