// The controller's reads and writes of ZooKeeper, in the controller's terms. Every write checks /controller_epoch, so a
// controller that lost its place finds out by ControllerMoved before it can do harm (KafkaZkClient.scala).

import { topicNames, type TopicName } from '../base/topic-name.js';
import type { Clock } from '../base/clock.js';
import { kafkaUuid, type Random } from '../base/random.js';
import { sideBySide } from '../base/side-by-side.js';
import { ZkError, type Op, type Watcher, type ZooKeeper } from '../zookeeper/types.js';
import { decodeBrokerRegistration } from '../zookeeper/znodes/broker.js';
import { decodeConfig } from '../zookeeper/znodes/config.js';
import { decodeController, encodeController } from '../zookeeper/znodes/controller.js';
import { ZnodeFormatError } from '../zookeeper/znodes/json.js';
import { decodeLogDirEvent } from '../zookeeper/znodes/notifications.js';
import { decodePartitionState, encodePartitionState } from '../zookeeper/znodes/partition.js';
import { decodeTopic, encodeTopic } from '../zookeeper/znodes/topic.js';
import { encodeFeature } from '../zookeeper/znodes/feature.js';
import { brokerPath, deleteTopicPath, partitionPath, partitionsPath, partitionStatePath, topicConfigPath, topicPath, ZnodePath } from '../zookeeper/znodes/paths.js';
import type { BrokerFacts, ControllerContext, Leadership, PartitionFacts, TopicFacts } from './context.js';

export const ISR_CHANGES = ZnodePath.isrChanges;
export const LOG_DIR_EVENTS = ZnodePath.logDirEvents;
/** Reads and writes that are on their way together: enough for a group commit, few enough for a short turn. */
export const STORE_AT_ONCE = 128;

/** Somebody else is the controller now: resign. */
export class ControllerMoved extends Error {
  override readonly name = 'ControllerMoved';
}

export type Election = { readonly won: true; readonly epoch: number; readonly epochVersion: number } | { readonly won: false };

export class ControllerStore {
  readonly #zk: ZooKeeper;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #context: ControllerContext;

  constructor(zk: ZooKeeper, clock: Clock, random: Random, context: ControllerContext) {
    this.#zk = zk;
    this.#clock = clock;
    this.#random = random;
    this.#context = context;
  }

  /** Who is controller now, watching for a change. -1: nobody. */
  async currentController(watcher: Watcher): Promise<number> {
    // exists() first: it arms the watch even where there is no controller.
    if ((await this.#zk.exists(ZnodePath.controller, watcher)) === null) return -1;
    try {
      const { data } = await this.#zk.getData(ZnodePath.controller);
      return data === null ? -1 : decodeController(data).brokerId;
    } catch (error) {
      if (isCode(error, 'NONODE')) return -1;
      throw error;
    }
  }

  /** Tries to become controller: the ephemeral node and the raised epoch in one multi, so that no two share an epoch. */
  async elect(brokerId: number): Promise<Election> {
    const { epoch, version } = await this.#epoch();
    try {
      const results = await this.#zk.multi([
        { type: 'create', path: ZnodePath.controller, data: encodeController({ brokerId, timestamp: this.#clock.now() }), mode: 'ephemeral' },
        { type: 'setData', path: ZnodePath.controllerEpoch, data: Buffer.from(String(epoch + 1)), version },
      ]);
      const written = results[1];
      return { won: true, epoch: epoch + 1, epochVersion: written !== undefined && written.type === 'setData' ? written.stat.version : version + 1 };
    } catch (error) {
      if (isCode(error, 'NODEEXISTS') || isCode(error, 'BADVERSION')) return this.#wonUnheard();
      throw error;
    }
  }

  /** The connection may have been lost behind an election that was won: then the node is this very session's. */
  async #wonUnheard(): Promise<Election> {
    if (!(await this.holdsPlace())) return { won: false };
    const { epoch, version } = await this.#epoch();
    return { won: true, epoch, epochVersion: version };
  }

  async holdsPlace(): Promise<boolean> {
    return (await this.#zk.exists(ZnodePath.controller))?.ephemeralOwner === this.#zk.sessionId;
  }

  async resign(): Promise<void> {
    try {
      await this.#write([{ type: 'delete', path: ZnodePath.controller, version: -1 }]);
    } catch (error) {
      if (!(error instanceof ControllerMoved) && !isCode(error, 'NONODE')) throw error;
    }
  }

  async #epoch(): Promise<{ epoch: number; version: number }> {
    for (;;) {
      try {
        const { data, stat } = await this.#zk.getData(ZnodePath.controllerEpoch);
        return { epoch: Number(data?.toString() ?? '0'), version: stat.version };
      } catch (error) {
        if (!isCode(error, 'NONODE')) throw error;
      }
      try {
        await this.#zk.create(ZnodePath.controllerEpoch, Buffer.from('0'));
      } catch (error) {
        if (!isCode(error, 'NODEEXISTS')) throw error;
      }
    }
  }

  /** A fresh cluster gets its features node; notifications of an earlier controller's time are dropped. */
  async prepare(): Promise<void> {
    if ((await this.#zk.exists(ZnodePath.feature)) === null) await this.#zk.create(ZnodePath.feature, encodeFeature({ status: 1, features: {} })).catch(ignore('NODEEXISTS'));
    await Promise.all([this.dropNotifications(ISR_CHANGES), this.dropNotifications(LOG_DIR_EVENTS)]);
  }

  async dropNotifications(parent: string): Promise<void> {
    const { children } = await this.#zk.getChildren(parent);
    await Promise.all(children.map(child => this.#zk.delete(`${parent}/${child}`).catch(ignore('NONODE'))));
  }

  /** Brokers that told of a failed log directory. */
  async logDirEvents(names: readonly string[]): Promise<Set<number>> {
    const brokers = await Promise.all(names.map(async name => {
      try {
        const { data } = await this.#zk.getData(`${LOG_DIR_EVENTS}/${name}`);
        return data === null ? [] : [decodeLogDirEvent(data)];
      } catch (error) {
        if (isCode(error, 'NONODE') || error instanceof ZnodeFormatError) return [];
        throw error;
      }
    }));
    return new Set(brokers.flat());
  }

  async brokers(watcher: Watcher): Promise<BrokerFacts[]> {
    const { children } = await this.#zk.getChildren(ZnodePath.brokerIds, watcher);
    const found = await Promise.all(children.map(async child => {
      try {
        const { data, stat } = await this.#zk.getData(brokerPath(Number(child)));
        if (data === null) return [];
        const registration = decodeBrokerRegistration(data);
        return [{ id: Number(child), epoch: stat.czxid, rack: registration.rack, endpoints: registration.endpoints }];
      } catch (error) {
        if (isCode(error, 'NONODE')) return [];
        throw error;
      }
    }));
    return found.flat();
  }

  /** Children that can name no topic were made by hand: nobody is told of them. */
  async topicNames(watcher: Watcher): Promise<TopicName[]> {
    return topicNames((await this.#zk.getChildren(ZnodePath.topics, watcher)).children);
  }

  /** A topic's id and assignment; `watcher` hears when partitions are added. Undefined: it is gone. */
  async topic(name: TopicName, watcher: Watcher): Promise<TopicFacts | undefined> {
    try {
      const { data, stat } = await this.#zk.getData(topicPath(name), watcher);
      if (data === null) return undefined;
      const decoded = decodeTopic(data);
      let id = decoded.topicId;
      if (id === undefined) {
        // Topics of an older inter-broker protocol get their id from the controller (KIP-516).
        id = kafkaUuid(this.#random);
        await this.#write([{ type: 'setData', path: topicPath(name), data: encodeTopic({ ...decoded, topicId: id }), version: stat.version }]);
      }
      const partitions = new Map<number, PartitionFacts>();
      for (const [index, replicas] of decoded.partitions) partitions.set(index, { topic: name, index, replicas, leadership: undefined });
      return { name, id, partitions };
    } catch (error) {
      if (isCode(error, 'NONODE')) return undefined;
      throw error;
    }
  }

  async leadership(partition: PartitionFacts): Promise<Leadership | undefined> {
    try {
      const { data, stat } = await this.#zk.getData(statePath(partition));
      if (data === null) return undefined;
      const state = decodePartitionState(data);
      return { leader: state.leader, leaderEpoch: state.leaderEpoch, isr: state.isr, controllerEpoch: state.controllerEpoch, recoveryState: state.leaderRecoveryState, zkVersion: stat.version };
    } catch (error) {
      if (isCode(error, 'NONODE')) return undefined;
      throw error;
    }
  }

  /** Makes the parents of new partitions' state nodes. */
  async createPartitionParents(partitions: readonly PartitionFacts[]): Promise<void> {
    const topics = new Set(partitions.map(partition => partition.topic));
    await sideBySide(topics, STORE_AT_ONCE, topic => this.#create(partitionsPath(topic)));
    await sideBySide(partitions, STORE_AT_ONCE, partition => this.#create(partitionPath(partition.topic, partition.index)));
  }

  async #create(path: string): Promise<void> {
    await this.#write([{ type: 'create', path, data: null, mode: 'persistent' }]).catch(ignore('NODEEXISTS'));
  }

  async createLeadership(partition: PartitionFacts, state: Omit<Leadership, 'zkVersion'>): Promise<Leadership> {
    await this.#write([{ type: 'create', path: statePath(partition), data: encodeState(state), mode: 'persistent' }]);
    return { ...state, zkVersion: 0 };
  }

  /** Conditional on the version last seen; rejects with BADVERSION where somebody else wrote meanwhile. */
  async writeLeadership(partition: PartitionFacts, state: Omit<Leadership, 'zkVersion'>, zkVersion: number): Promise<Leadership> {
    const results = await this.#write([{ type: 'setData', path: statePath(partition), data: encodeState(state), version: zkVersion }]);
    const written = results.at(-1);
    return { ...state, zkVersion: written !== undefined && written.type === 'setData' ? written.stat.version : zkVersion + 1 };
  }

  async deletions(watcher: Watcher): Promise<TopicName[]> {
    return topicNames((await this.#zk.getChildren(ZnodePath.deleteTopics, watcher)).children);
  }

  async topicConfig(topic: TopicName): Promise<ReadonlyMap<string, string>> {
    try {
      const { data } = await this.#zk.getData(topicConfigPath(topic));
      return data === null ? new Map() : new Map(Object.entries(decodeConfig(data)));
    } catch (error) {
      if (isCode(error, 'NONODE')) return new Map();
      throw error;
    }
  }

  /** The last step of a deletion: nothing of the topic remains but what watchers remember. */
  async eraseTopic(topic: TopicName): Promise<void> {
    await this.#eraseTree(topicPath(topic));
    await this.#erase(topicConfigPath(topic));
    await this.eraseDeletion(topic);
  }

  async eraseDeletion(topic: TopicName): Promise<void> {
    await this.#erase(deleteTopicPath(topic));
  }

  async #eraseTree(path: string): Promise<void> {
    let children: string[];
    try {
      children = (await this.#zk.getChildren(path)).children;
    } catch (error) {
      if (isCode(error, 'NONODE')) return;
      throw error;
    }
    await sideBySide(children, STORE_AT_ONCE, child => this.#eraseTree(`${path}/${child}`));
    await this.#erase(path);
  }

  async #erase(path: string): Promise<void> {
    await this.#write([{ type: 'delete', path, version: -1 }]).catch(ignore('NONODE'));
  }

  async watchChildren(path: string, watcher: Watcher): Promise<string[]> {
    return (await this.#zk.getChildren(path, watcher)).children;
  }

  async #write(ops: Op[]): ReturnType<ZooKeeper['multi']> {
    const fence: Op = { type: 'check', path: ZnodePath.controllerEpoch, version: this.#context.epochVersion };
    try {
      return (await this.#zk.multi([fence, ...ops])).slice(1);
    } catch (error) {
      if (error instanceof ZkError && error.path === ZnodePath.controllerEpoch) throw new ControllerMoved('the controller epoch has moved on');
      throw error;
    }
  }
}

function statePath(partition: PartitionFacts): string {
  return partitionStatePath(partition.topic, partition.index);
}

function encodeState(state: Omit<Leadership, 'zkVersion'>): Buffer {
  return encodePartitionState({ leader: state.leader, leaderEpoch: state.leaderEpoch, isr: [...state.isr], controllerEpoch: state.controllerEpoch, leaderRecoveryState: state.recoveryState });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof ZkError && error.code === code;
}

function ignore(code: string): (error: unknown) => void {
  return error => {
    if (!isCode(error, code)) throw error;
  };
}
