import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import type { Timers } from '../../src/base/timers.js';
import { Controller, type ControllerOptions } from '../../src/controller/controller.js';
import { createPersistentPaths, register } from '../../src/server/registration.js';
import { RetryingZooKeeper } from '../../src/zookeeper/retrying.js';
import { ZkError, type Op, type ZooKeeper } from '../../src/zookeeper/types.js';
import { decodePartitionState } from '../../src/zookeeper/znodes/partition.js';
import { encodeTopic } from '../../src/zookeeper/znodes/topic.js';
import { until } from '../support/broker.js';
import { connected, embedded, system } from '../zookeeper/support/kit.js';
import { ManualTime } from '../zookeeper/support/manual-time.js';
import { named } from '../support/names.js';

type Sent = { broker: number; api: string; message: { controllerEpoch: number; topicStates?: { topicName: string; partitionStates: { partitionIndex: number; leader: number; leaderEpoch: number }[] }[] } };

/** How a controller reaches ZooKeeper, and its time. */
interface Road {
  readonly through: (zk: ZooKeeper) => ZooKeeper;
  readonly timers: Timers;
}

/** Brokers that answer everything with "done", and note what they were told. */
class Cluster {
  readonly sent: Sent[] = [];
  readonly connect: string;
  /** The error that brokers answer for every replica that is to be stopped. */
  stopError = 0;

  private constructor(connect: string) {
    this.connect = connect;
  }

  static async start(): Promise<Cluster> {
    const cluster = new Cluster((await embedded({ tickTimeMs: 500 })).connect);
    await createPersistentPaths(await connected(cluster.connect));
    return cluster;
  }

  async join(brokerId: number, { through = client => client, timers = system.timers }: Partial<Road> = {}): Promise<{ zk: ZooKeeper; controller: Controller; leave(): Promise<void> }> {
    const zk = through(await connected(this.connect));
    await register({ zookeeper: zk, brokerId, endpoints: [{ listener: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }], rack: null, clock: system.clock, logger: silentLogger, predecessorIsDead: false });
    const channel: ControllerOptions['channel'] = broker => ({
      send: async (request, message) => {
        this.sent.push({ broker, api: request.name, message: message as Sent['message'] });
        const stopped = request.name === 'StopReplicaRequest' ? (message as Sent['message']).topicStates ?? [] : [];
        const partitionErrors = stopped.flatMap(({ topicName, partitionStates }) => partitionStates.map(({ partitionIndex }) => ({ topicName, partitionIndex, errorCode: this.stopError })));
        return { errorCode: 0, partitionErrors, topics: [] } as never;
      },
    });
    const controller = new Controller({ brokerId, zookeeper: zk, ...system, timers, logger: silentLogger, channel, deleteTopicEnable: true, uncleanElection: () => false });
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

/** A ZooKeeper that counts what is asked of it, and that a test may come between. */
class Between {
  readonly reads = new Map<string, number>();
  /** Instead of a multi; undefined lets it pass. */
  multi: ((zk: ZooKeeper, ops: readonly Op[]) => Promise<never> | undefined) = () => undefined;

  readonly through = (zk: ZooKeeper): ZooKeeper => new Proxy(zk, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (name === 'multi') {
          const instead = this.multi(target, args[0] as readonly Op[]);
          if (instead !== undefined) return instead;
        } else if (typeof args[0] === 'string') this.reads.set(args[0], (this.reads.get(args[0]) ?? 0) + 1);
        return (member as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

const topic = (partitions: number): Buffer =>
  encodeTopic({ topicId: 'bm90LWEtdG9waWMtaWQtMQ', partitions: new Map(Array.from({ length: partitions }, (_, index) => [index, [1]])), addingReplicas: new Map(), removingReplicas: new Map() });

const concerns = (ops: readonly Op[], path: string): boolean => ops.some(op => op.path.startsWith(path));

test('however often it began anew, a controller hears of each change once', async () => {
  const cluster = await Cluster.start();
  const operator = await connected(cluster.connect);
  const [between, time] = [new Between(), new ManualTime()];
  const one = await cluster.join(1, { through: between.through, timers: time });
  let made = 0;
  /** What one more topic, and one more election, costs in looks at ZooKeeper. */
  const looks = async (): Promise<unknown> => {
    await one.zk.sync('/');
    between.reads.clear();
    const name = `topic-${made++}`;
    await operator.create(`/brokers/topics/${name}`, topic(1));
    await until(async () => (await operator.exists(`/brokers/topics/${name}/partitions/0/state`)) !== null);
    const { epoch } = one.controller;
    const topics = between.reads.get('/brokers/topics');
    await operator.delete('/controller');
    await until(() => one.controller.isActive && one.controller.epoch > epoch);
    // An event that a second watcher had queued would come before this one, which finds nothing to do.
    await one.controller.start();
    await one.controller.start();
    return { topics, controller: between.reads.get('/controller') };
  };
  const atFirst = await looks();
  for (let round = 0; round < 3; round++) {
    let failures = 0;
    between.multi = (_, ops) => (concerns(ops, '/brokers/topics/unlucky') && failures++ === 0 ? Promise.reject(new ZkError('SYSTEMERROR')) : undefined);
    const { epoch } = one.controller;
    await operator.create(`/brokers/topics/unlucky-${round}`, topic(1));
    // A second after the failure it stands for election again, and reads what it may have missed.
    await until(() => {
      time.advance(1000);
      return one.controller.isActive && one.controller.epoch > epoch;
    });
    await until(async () => (await operator.exists(`/brokers/topics/unlucky-${round}/partitions/0/state`)) !== null);
    await one.controller.start();
  }
  expect(await looks()).toEqual(atFirst);
  await one.controller.close();
});

test('a controller that was closed does not come back, whatever it still watches', async () => {
  const cluster = await Cluster.start();
  const operator = await connected(cluster.connect);
  const between = new Between();
  const one = await cluster.join(1, { through: between.through });
  await one.controller.close();
  between.reads.clear();
  await operator.create('/brokers/topics/orders', topic(1));
  await operator.create('/controller', Buffer.from('{"version":2,"brokerid":9,"timestamp":"1","kraftControllerEpoch":-1}'), { mode: 'ephemeral' });
  await operator.delete('/controller');
  // What it watched was told before this is answered.
  await one.zk.sync('/');
  await one.controller.start();
  expect(one.controller.isActive).toBe(false);
  expect(between.reads.get('/brokers/topics')).toBeUndefined();
  expect(await operator.exists('/controller')).toBeNull();
});

test.each([
  ['asked again by a client that retries', (zk: ZooKeeper) => new RetryingZooKeeper(zk)],
  ['found at the next look', (zk: ZooKeeper) => zk],
])('an election that was won behind a lost connection is won: %s', async (_, retrying) => {
  const cluster = await Cluster.start();
  const operator = await connected(cluster.connect);
  const [between, time] = [new Between(), new ManualTime()];
  let lost = 0;
  between.multi = (zk, ops) => {
    if (!concerns(ops, '/controller_epoch') || !concerns(ops, '/controller') || ops[0]?.type !== 'create' || lost++ > 0) return undefined;
    return zk.multi(ops).then(() => { throw new ZkError('CONNECTIONLOSS'); });
  };
  const one = await cluster.join(1, { through: zk => retrying(between.through(zk)), timers: time });
  await until(() => {
    time.advance(1000);
    return one.controller.isActive;
  });
  expect(one.controller.epoch).toBe(Number((await operator.getData('/controller_epoch')).data?.toString()));
  await operator.create('/brokers/topics/orders', topic(1));
  await until(async () => (await operator.exists('/brokers/topics/orders/partitions/0/state')) !== null, 'what it writes passes its own fence');
  await one.controller.close();
});

test('an election that was lost behind a lost connection is lost', async () => {
  const cluster = await Cluster.start();
  const operator = await connected(cluster.connect);
  const between = new Between();
  between.multi = (_, ops) => {
    if (ops[0]?.type !== 'create' || ops[0].path !== '/controller') return undefined;
    between.multi = () => undefined;
    // Somebody else, with this broker's number but in another session: a former life of it.
    return operator.create('/controller', Buffer.from('{"version":2,"brokerid":1,"timestamp":"1","kraftControllerEpoch":-1}'), { mode: 'ephemeral' })
      .then(() => { throw new ZkError('CONNECTIONLOSS'); });
  };
  const one = await cluster.join(1, { through: zk => new RetryingZooKeeper(between.through(zk)) });
  expect(one.controller.isActive).toBe(false);
  await operator.delete('/controller');
  await until(() => one.controller.isActive, 'it is elected once that is gone');
  await one.controller.close();
});

test('a new controller leaves alone what it cannot read, be it a topic or one of its partitions, and leads the others', async () => {
  const cluster = await Cluster.start();
  const operator = await connected(cluster.connect);
  await operator.create('/brokers/topics/spoilt', Buffer.from('{"partitions":'));
  await operator.create('/brokers/topics/half', topic(1));
  await operator.create('/brokers/topics/half/partitions', null);
  await operator.create('/brokers/topics/half/partitions/0', null);
  await operator.create('/brokers/topics/half/partitions/0/state', Buffer.from('who knows'));
  await operator.create('/brokers/topics/sound', topic(2));
  const time = new ManualTime();
  const one = await cluster.join(1, { timers: time });
  expect(one.controller.isActive).toBe(true);
  expect(['spoilt', 'half', 'sound'].map(name => one.controller.topic(named(name)) !== undefined)).toEqual([false, false, true]);
  for (const index of [0, 1]) expect(decodePartitionState((await operator.getData(`/brokers/topics/sound/partitions/${index}/state`)).data!).leader).toBe(1);
  // Spoilt while it is led: what was known of it stands, and the others go on.
  const { epoch } = one.controller;
  await operator.setData('/brokers/topics/sound', Buffer.from('no JSON any more'));
  await operator.create('/brokers/topics/later', topic(1));
  await until(async () => (await operator.exists('/brokers/topics/later/partitions/0/state')) !== null);
  time.advance(1000);
  await one.controller.start();
  expect(one.controller.epoch).toBe(epoch);
  expect(one.controller.topic(named('sound'))?.partitions.size).toBe(2);
  await one.controller.close();
});

test('topics whose replicas cannot be stopped are tried again once a second, however many they are, and fenced by no epoch', async () => {
  const cluster = await Cluster.start();
  const time = new ManualTime();
  const { zk, controller } = await cluster.join(1, { timers: time });
  const names = ['one', 'two', 'three'];
  for (const name of names) await zk.create(`/brokers/topics/${name}`, topic(1));
  await until(async () => (await Promise.all(names.map(name => zk.exists(`/brokers/topics/${name}/partitions/0/state`)))).every(each => each !== null));
  const stops = (): Sent[] => cluster.sent.filter(({ api }) => api === 'StopReplicaRequest');
  cluster.stopError = 56;
  for (const name of names) await zk.create(`/admin/delete_topics/${name}`, null);
  await until(() => stops().length > 0);
  for (let second = 0; second < 5; second++) {
    await zk.sync('/');
    await controller.start();
    cluster.sent.length = 0;
    time.advance(1000);
    await controller.start();
    expect(stops().length).toBeLessThanOrEqual(names.length);
  }
  expect(stops().length).toBe(names.length);
  expect(stops().flatMap(({ message }) => message.topicStates!.flatMap(({ partitionStates }) => partitionStates.map(({ leaderEpoch }) => leaderEpoch)))).toEqual([-2, -2, -2]);
  cluster.stopError = 0;
  await until(async () => {
    time.advance(1000);
    return (await zk.getChildren('/brokers/topics')).children.length === 0;
  });
  await controller.close();
});

test('a topic with a replica that is away is forgotten at once, and gone when the broker is back', async () => {
  const cluster = await Cluster.start();
  const one = await cluster.join(1);
  const { zk } = one;
  await zk.create('/brokers/topics/orders', encodeTopic({ topicId: 'bm90LWEtdG9waWMtaWQtMQ', partitions: new Map([[0, [1, 2]]]), addingReplicas: new Map(), removingReplicas: new Map() }));
  await until(() => cluster.sent.some(each => each.api === 'LeaderAndIsrRequest'));
  cluster.sent.length = 0;
  await zk.create('/admin/delete_topics/orders', null);
  await until(() => cluster.sent.filter(each => each.api === 'StopReplicaRequest').length === 2, 'the replica that can be reached is deleted');
  expect(cluster.sent.find(each => each.api === 'UpdateMetadataRequest')!.message.topicStates).toMatchObject([{ topicName: 'orders', partitionStates: [{ partitionIndex: 0, leader: -2 }] }]);
  expect((await zk.getChildren('/brokers/topics')).children).toEqual(['orders']);
  await until(async () => decodePartitionState((await zk.getData('/brokers/topics/orders/partitions/0/state')).data!).leader === -1, 'what is left has no leader');
  cluster.sent.length = 0;
  const two = await cluster.join(2);
  await until(async () => (await zk.getChildren('/brokers/topics')).children.length === 0, 'the topic is gone');
  expect(cluster.sent.some(each => each.api === 'LeaderAndIsrRequest')).toBe(false);
  expect(cluster.sent.filter(each => each.api === 'StopReplicaRequest' && each.broker === 2)).toHaveLength(2);
  await one.controller.close();
  await two.controller.close();
});

test('a partition that nobody can lead yet has no znode; it gets one with the broker that can', async () => {
  const cluster = await Cluster.start();
  const { zk } = await cluster.join(1);
  const write = (topic: string, partitions: Map<number, number[]>): Promise<unknown> =>
    zk.create(`/brokers/topics/${topic}`, encodeTopic({ topicId: 'bm90LWEtdG9waWMtaWQtMQ', partitions, addingReplicas: new Map(), removingReplicas: new Map() }));
  await write('nobody', new Map([[0, [2]]]));
  await write('some', new Map([[0, [1]], [1, [2]]]));
  await until(() => cluster.sent.some(each => each.message.topicStates?.some(topic => topic.topicName === 'some')), 'the partition that can be led is');
  expect((await zk.getChildren('/brokers/topics/nobody')).children).toEqual([]);
  expect((await zk.getChildren('/brokers/topics/some/partitions')).children).toEqual(['0']);
  await cluster.join(2);
  for (const [topic, index] of [['nobody', 0], ['some', 1]] as const) {
    await until(async () => (await zk.exists(`/brokers/topics/${topic}/partitions/${index}/state`)) !== null, `${topic}-${index} is led`);
  }
});

test('a topic of very many partitions is made some at a time, and told of as a whole', async () => {
  const cluster = await Cluster.start();
  const between = new Between();
  let [now, most] = [0, 0];
  between.multi = (zk, ops) => {
    most = Math.max(most, ++now);
    return zk.multi(ops).finally(() => now--) as Promise<never>;
  };
  const one = await cluster.join(1, { through: between.through });
  await one.zk.create('/brokers/topics/wide', topic(600));
  const told = (api: string): number => Math.max(0, ...cluster.sent.filter(each => each.api === api).map(({ message }) => message.topicStates?.find(each => each.topicName === 'wide')?.partitionStates.length ?? 0));
  // Whoever is told of the topic is told of all of it.
  await until(() => told('UpdateMetadataRequest') === 600 && told('LeaderAndIsrRequest') === 600, 'made');
  expect(cluster.sent.filter(each => each.api === 'UpdateMetadataRequest' && each.message.topicStates?.some(({ topicName }) => topicName === 'wide'))).toHaveLength(1);
  expect([most > 1, most <= 128]).toEqual([true, true]);
  await one.controller.close();
});
