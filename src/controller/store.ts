// The controller's view of ZooKeeper, but for the state znodes of partitions: election, brokers, topics, notifications and
// what administrators ask for by znodes (KafkaZkClient.scala).

import { topicNames, type TopicName } from '../base/topic-name.js';
import type { Clock } from '../base/clock.js';
import { kafkaUuid, type Random } from '../base/random.js';
import { sideBySide } from '../base/side-by-side.js';
import { isZkError, type Watcher, type ZooKeeper } from '../zookeeper/types.js';
import { decodeBrokerRegistration } from '../zookeeper/znodes/broker.js';
import { decodeConfig } from '../zookeeper/znodes/config.js';
import { decodeController, encodeController } from '../zookeeper/znodes/controller.js';
import { decodeFeature, encodeFeature } from '../zookeeper/znodes/feature.js';
import { ZnodeFormatError } from '../zookeeper/znodes/json.js';
import { brokerPath, deleteTopicPath, partitionsPath, topicConfigPath, topicPath, ZnodePath } from '../zookeeper/znodes/paths.js';
import { decodeTopic, encodeTopic } from '../zookeeper/znodes/topic.js';
import { newPartition, ZERO_ID, type BrokerFacts, type TopicFacts } from './context.js';
import { ControllerMoved, type FencedWrites } from './fenced-writes.js';
import { READS_AT_ONCE } from './leadership-store.js';
import type { ReplicaAssignment } from './replica-assignment.js';
import type { InterBrokerProtocol } from './request-versions.js';

export type Election = { readonly won: true; readonly epoch: number; readonly epochVersion: number } | { readonly won: false };

export class ControllerStore {
  readonly #zk: ZooKeeper;
  readonly #writes: FencedWrites;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #protocol: InterBrokerProtocol;

  constructor(zk: ZooKeeper, writes: FencedWrites, { clock, random, protocol }: { readonly clock: Clock; readonly random: Random; readonly protocol: InterBrokerProtocol }) {
    this.#zk = zk;
    this.#writes = writes;
    this.#clock = clock;
    this.#random = random;
    this.#protocol = protocol;
  }

  /** Who is controller now, watching for a change. -1: nobody. */
  async currentController(watcher: Watcher): Promise<number> {
    // exists() first: it arms the watch even where there is no controller.
    if ((await this.#zk.exists(ZnodePath.controller, watcher)) === null) return -1;
    const { data } = await this.#read(ZnodePath.controller) ?? { data: null };
    return data === null ? -1 : decodeController(data).brokerId;
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
      if (isZkError(error, 'NODEEXISTS', 'BADVERSION')) return this.#wonUnheard();
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
      await this.#writes.write([{ type: 'delete', path: ZnodePath.controller, version: -1 }]);
    } catch (error) {
      if (!(error instanceof ControllerMoved) && !isZkError(error, 'NONODE')) throw error;
    }
  }

  async #epoch(): Promise<{ epoch: number; version: number }> {
    for (;;) {
      const found = await this.#read(ZnodePath.controllerEpoch);
      if (found !== undefined) return { epoch: Number(found.data?.toString() ?? '0'), version: found.version };
      await this.#zk.create(ZnodePath.controllerEpoch, Buffer.from('0')).catch(ignoring('NODEEXISTS'));
    }
  }

  /** The features node as this inter-broker protocol has it (KafkaController.maybeSetupFeatureVersioning). */
  async prepareFeatures(): Promise<void> {
    const { features: enabled, featureNode: version } = this.#protocol;
    const found = await this.#read(ZnodePath.feature);
    const known = found === undefined || found.data === null ? undefined : decodeFeature(found.data);
    const features = enabled && known?.status === 1 ? known.features : {};
    const data = encodeFeature({ status: enabled ? 1 : 0, features }, version);
    if (found === undefined) await this.#zk.create(ZnodePath.feature, data).catch(ignoring('NODEEXISTS'));
    else if (found.data === null || !data.equals(found.data)) await this.#zk.setData(ZnodePath.feature, data);
  }

  async brokers(watcher: Watcher, watcherOf: (broker: number) => Watcher): Promise<BrokerFacts[]> {
    const { children } = await this.#zk.getChildren(ZnodePath.brokerIds, watcher);
    const found = await Promise.all(children.map(child => this.broker(Number(child), watcherOf(Number(child)))));
    return found.flatMap(broker => (broker === undefined ? [] : [broker]));
  }

  async broker(id: number, watcher: Watcher): Promise<BrokerFacts | undefined> {
    const found = await this.#read(brokerPath(id), watcher);
    if (found === undefined || found.data === null) return undefined;
    const { rack, endpoints } = decodeBrokerRegistration(found.data);
    return { id, epoch: found.czxid, rack, endpoints };
  }

  /** Children that can name no topic were made by hand: nobody is told of them. */
  async topicNames(watcher: Watcher): Promise<TopicName[]> {
    return topicNames((await this.#zk.getChildren(ZnodePath.topics, watcher)).children);
  }

  /** A topic's id and assignment; `watcher` hears when they are changed. Undefined: it is gone. */
  async topic(name: TopicName, watcher: Watcher): Promise<TopicFacts | undefined> {
    const found = await this.#read(topicPath(name), watcher);
    if (found === undefined || found.data === null) return undefined;
    const decoded = decodeTopic(found.data);
    let id = decoded.topicId;
    if (id === undefined && this.#protocol.topicIds) {
      // Topics of an older inter-broker protocol get their id from the controller (KIP-516).
      id = kafkaUuid(this.#random);
      await this.#writes.write([{ type: 'setData', path: topicPath(name), data: encodeTopic({ ...decoded, topicId: id }), version: found.version }]);
    }
    const partitions = new Map([...decoded.partitions].map(([index, replicas]) => [
      index, newPartition(name, index, { replicas, adding: decoded.addingReplicas.get(index) ?? [], removing: decoded.removingReplicas.get(index) ?? [] }),
    ] as const));
    return { name, id: id ?? ZERO_ID, partitions };
  }

  /** Replaces a topic's assignments. */
  async writeAssignments(topic: TopicFacts, assignments: ReadonlyMap<number, ReplicaAssignment>): Promise<void> {
    const moving = (of: 'adding' | 'removing'): Map<number, readonly number[]> => new Map([...assignments].filter(([, assignment]) => assignment[of].length > 0).map(([index, assignment]) => [index, assignment[of]] as const));
    const data = encodeTopic({
      topicId: topic.id === ZERO_ID ? undefined : topic.id,
      partitions: new Map([...assignments].map(([index, { replicas }]) => [index, replicas] as const)),
      addingReplicas: moving('adding'), removingReplicas: moving('removing'),
    });
    await this.#writes.write([{ type: 'setData', path: topicPath(topic.name), data, version: -1 }]);
  }

  /** Partitions of which there is a node below the topic. */
  async existingPartitions(topic: TopicName): Promise<Set<number>> {
    return new Set((await this.#children(partitionsPath(topic))).map(Number));
  }

  async deletions(watcher: Watcher): Promise<TopicName[]> {
    return topicNames((await this.#zk.getChildren(ZnodePath.deleteTopics, watcher)).children);
  }

  /** Overrides by topic. */
  async topicConfigs(topics: Iterable<TopicName>): Promise<Map<TopicName, ReadonlyMap<string, string>>> {
    const configs = new Map<TopicName, ReadonlyMap<string, string>>();
    await sideBySide(topics, READS_AT_ONCE, async topic => {
      const found = await this.#read(topicConfigPath(topic));
      configs.set(topic, new Map(Object.entries(decodeConfig(found?.data ?? null))));
    });
    return configs;
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

  /** Level by level, the deepest first, each in few writes. */
  async #eraseTree(path: string): Promise<void> {
    const levels = [[path]];
    for (let level = levels[0]!; level.length > 0; level = levels.at(-1)!) {
      const below: string[] = [];
      await sideBySide(level, READS_AT_ONCE, async parent => {
        for (const child of await this.#children(parent)) below.push(`${parent}/${child}`);
      });
      levels.push(below);
    }
    for (const level of levels.toReversed()) await this.eraseAll(level);
  }

  /** Those that are gone already are no mistake. */
  async eraseAll(paths: readonly string[]): Promise<void> {
    const written = await this.#writes.writeEach(paths.map(path => ({ item: path, ops: [{ type: 'delete', path, version: -1 }] })));
    for (const each of written.values()) if (!each.done && !isZkError(each.error, 'NONODE')) throw each.error;
  }

  async #erase(path: string): Promise<void> {
    await this.#writes.write([{ type: 'delete', path, version: -1 }]).catch(ignoring('NONODE'));
  }

  async watchChildren(path: string, watcher: Watcher): Promise<string[]> {
    return (await this.#zk.getChildren(path, watcher)).children;
  }

  /** What the children of `parent` say; those that nobody can read say nothing. */
  async readEach<Told>(parent: string, names: readonly string[], decode: (data: Buffer) => Told): Promise<Told[]> {
    const told: Told[] = [];
    await sideBySide(names, READS_AT_ONCE, async name => {
      const data = (await this.#read(`${parent}/${name}`))?.data ?? null;
      if (data !== null) told.push(...readable(data, decode));
    });
    return told;
  }

  /** A node that administrators write. Its watcher is armed even where there is none. */
  async asked<Told>(path: string, decode: (data: Buffer) => Told, watcher: Watcher): Promise<Told | undefined> {
    if ((await this.#zk.exists(path, watcher)) === null) return undefined;
    const data = (await this.#read(path))?.data ?? null;
    return data === null ? undefined : readable(data, decode)[0];
  }

  async replace(path: string, data: Buffer): Promise<void> {
    await this.#writes.write([{ type: 'setData', path, data, version: -1 }]).catch(ignoring('NONODE'));
  }

  async erase(path: string): Promise<void> {
    await this.#erase(path);
  }

  async #children(path: string): Promise<string[]> {
    try {
      return (await this.#zk.getChildren(path)).children;
    } catch (error) {
      if (isZkError(error, 'NONODE')) return [];
      throw error;
    }
  }

  async #read(path: string, watcher?: Watcher): Promise<{ data: Buffer | null; version: number; czxid: number } | undefined> {
    try {
      const { data, stat } = await this.#zk.getData(path, watcher);
      return { data, version: stat.version, czxid: stat.czxid };
    } catch (error) {
      if (isZkError(error, 'NONODE')) return undefined;
      throw error;
    }
  }
}

function readable<Told>(data: Buffer, decode: (data: Buffer) => Told): Told[] {
  try {
    return [decode(data)];
  } catch (error) {
    if (error instanceof ZnodeFormatError) return [];
    throw error;
  }
}

function ignoring(...codes: Parameters<typeof isZkError>[1][]): (error: unknown) => void {
  return error => {
    if (!isZkError(error, ...codes)) throw error;
  };
}
