// Controllers on a real (embedded) ZooKeeper, and brokers that are nothing but a note of what they were told.
import { silentLogger } from '../../../src/base/logger.js';
import type { Timers } from '../../../src/base/timers.js';
import type { BrokerChannel } from '../../../src/controller/broker-sender.js';
import { Controller } from '../../../src/controller/controller.js';
import { interBrokerProtocol } from '../../../src/controller/request-versions.js';
import type { ControllerSettings } from '../../../src/controller/settings.js';
import { createPersistentPaths, register } from '../../../src/server/registration.js';
import type { Op, ZooKeeper } from '../../../src/zookeeper/types.js';
import { decodePartitionState, type PartitionState } from '../../../src/zookeeper/znodes/partition.js';
import { encodeTopic } from '../../../src/zookeeper/znodes/topic.js';
import { connected, embedded, system } from '../../zookeeper/support/kit.js';

export interface ToldState {
  readonly partitionIndex: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: number[];
  readonly replicas: number[];
  readonly addingReplicas: number[];
  readonly removingReplicas: number[];
  readonly isNew: boolean;
  readonly deletePartition: boolean;
  readonly offlineReplicas: number[];
}

export interface Sent {
  readonly broker: number;
  readonly api: string;
  readonly version: number | undefined;
  readonly message: { readonly controllerEpoch: number; readonly brokerEpoch: number; readonly topicStates?: { readonly topicName: string; readonly topicId?: string; readonly partitionStates: ToldState[] }[]; readonly liveBrokers?: { id: number }[] };
}

/** How a controller reaches ZooKeeper, its time, and what it is set to. */
export interface Road {
  readonly through: (zk: ZooKeeper) => ZooKeeper;
  readonly timers: Timers;
  readonly settings: Partial<ControllerSettings>;
  readonly rack: string | null;
}

export interface Member {
  readonly zk: ZooKeeper;
  readonly controller: Controller;
  readonly epoch: number;
  leave(): Promise<void>;
}

export const TOPIC_ID = 'bm90LWEtdG9waWMtaWQtMQ';

/** Brokers that answer everything with "done", and note what they were told. */
export class Cluster {
  readonly sent: Sent[] = [];
  readonly connect: string;
  /** The error that brokers answer for every replica that is to be stopped. */
  stopError = 0;
  /** Brokers that take requests and do not answer. */
  readonly hung = new Set<number>();
  /** Brokers whose connections break under each request. */
  readonly broken = new Set<number>();
  /** What a broker answers to LeaderAndIsr, by partition. */
  readonly offline = new Map<number, Set<string>>();

  private constructor(connect: string) {
    this.connect = connect;
  }

  static async start(): Promise<Cluster> {
    const cluster = new Cluster((await embedded({ tickTimeMs: 500 })).connect);
    await createPersistentPaths(await connected(cluster.connect));
    return cluster;
  }

  async join(brokerId: number, { through = client => client, timers = system.timers, settings = {}, rack = null }: Partial<Road> = {}): Promise<Member> {
    const zk = through(await connected(this.connect));
    const epoch = await register({ zookeeper: zk, brokerId, endpoints: [{ listener: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }], rack, clock: system.clock, logger: silentLogger, predecessorIsDead: false });
    const controller = new Controller({
      brokerId, zookeeper: zk, ...system, timers, logger: silentLogger, channel: broker => this.#channel(broker),
      settings: {
        protocol: interBrokerProtocol('3.9'), interBrokerListener: 'PLAINTEXT', socketTimeoutMs: 30_000, deleteTopicEnable: true, uncleanElection: () => false,
        rebalances: false, rebalanceMs: 300_000, imbalancePercentage: () => 10, ...settings,
      },
    });
    await controller.start();
    return { zk, controller, epoch, leave: () => zk.close() };
  }

  /** What was told of a topic, newest last. */
  told(api: string, broker: number, topic: string): ToldState[] {
    return this.sent.filter(each => each.api === api && each.broker === broker).flatMap(({ message }) => (message.topicStates ?? []).filter(({ topicName }) => topicName === topic).flatMap(({ partitionStates }) => partitionStates));
  }

  #channel(broker: number): BrokerChannel {
    return {
      send: async (request, message, options) => {
        const sent: Sent = { broker, api: request.name, version: options?.version, message: message as Sent['message'] };
        this.sent.push(sent);
        if (this.broken.has(broker)) throw new Error('disconnected');
        if (this.hung.has(broker)) return new Promise<never>(() => {});
        return this.#answer(sent) as never;
      },
    };
  }

  #answer({ broker, api, message }: Sent): object {
    const offline = this.offline.get(broker) ?? new Set();
    const states = message.topicStates ?? [];
    const stopped = api === 'StopReplicaRequest' ? states : [];
    return {
      errorCode: 0,
      partitionErrors: stopped.flatMap(({ topicName, partitionStates }) => partitionStates.map(({ partitionIndex }) => ({ topicName, partitionIndex, errorCode: this.stopError }))),
      topics: states.map(({ topicName, topicId, partitionStates }) => ({ topicId, partitionErrors: partitionStates.map(({ partitionIndex }) => ({ partitionIndex, errorCode: offline.has(`${topicName}-${partitionIndex}`) ? 56 : 0 })) })),
    };
  }
}

/** A ZooKeeper that counts what is asked of it, and that a test may come between. */
export class Between {
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

/** A topic's znode with that many partitions, all of them on broker 1. */
export const topic = (partitions: number): Buffer => assigned(...Array.from({ length: partitions }, () => [1]));

/** A topic's znode: replicas by partition. */
export const assigned = (...replicas: (readonly number[])[]): Buffer =>
  encodeTopic({ topicId: TOPIC_ID, partitions: new Map(replicas.map((each, index) => [index, each])), addingReplicas: new Map(), removingReplicas: new Map() });

export const concerns = (ops: readonly Op[], path: string): boolean => ops.some(op => op.path.startsWith(path));

export async function stateOf(zk: ZooKeeper, name: string, partition = 0): Promise<PartitionState | undefined> {
  const found = await zk.getData(`/brokers/topics/${name}/partitions/${partition}/state`).catch(() => undefined);
  return found === undefined || found.data === null ? undefined : decodePartitionState(found.data);
}
