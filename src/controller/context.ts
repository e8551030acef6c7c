// What the controller believes of the cluster. Plain state: it is loaded at election and kept by events.

import type { TopicName } from '../base/topic-name.js';

export interface BrokerFacts {
  readonly id: number;
  /** czxid of the registration: a larger one is a bounce. */
  readonly epoch: number;
  readonly rack: string | null;
  readonly endpoints: readonly { readonly listener: string; readonly host: string; readonly port: number; readonly securityProtocol: number }[];
}

/** Leader, leader epoch and in-sync replicas of a partition, with what fences their znode. */
export interface Leadership {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly controllerEpoch: number;
  /** 0 recovered, 1 recovering from an unclean election (KIP-704). */
  readonly recoveryState: number;
  readonly zkVersion: number;
}

export interface PartitionFacts {
  readonly topic: TopicName;
  readonly index: number;
  replicas: readonly number[];
  /** Undefined until its first election. */
  leadership: Leadership | undefined;
}

export interface TopicFacts {
  readonly name: TopicName;
  readonly id: string;
  readonly partitions: Map<number, PartitionFacts>;
}

export const NO_LEADER = -1;

export class ControllerContext {
  epoch = 0;
  /** zkVersion of /controller_epoch, which fences every write. */
  epochVersion = 0;
  readonly brokers = new Map<number, BrokerFacts>();
  readonly topics = new Map<string, TopicFacts>();
  readonly deleting = new Set<TopicName>();
  /** By broker: replicas that it cannot serve, their log directory failed (ControllerContext.replicasOnOfflineDirs). */
  readonly #offline = new Map<number, WeakSet<PartitionFacts>>();

  clear(): void {
    this.brokers.clear();
    this.topics.clear();
    this.deleting.clear();
    this.#offline.clear();
  }

  isLive(broker: number): boolean {
    return this.brokers.has(broker);
  }

  /** The broker lives, and as far as is known the replica's log directory too. */
  isOnline(broker: number, partition: PartitionFacts): boolean {
    return this.isLive(broker) && !(this.#offline.get(broker)?.has(partition) ?? false);
  }

  /** Returns whether that is news. */
  setOnline(broker: number, partition: PartitionFacts, online: boolean): boolean {
    let offline = this.#offline.get(broker);
    if (online) return offline?.delete(partition) ?? false;
    if (offline === undefined) this.#offline.set(broker, (offline = new WeakSet()));
    if (offline.has(partition)) return false;
    offline.add(partition);
    return true;
  }

  /** A broker went or came: what was known of its directories is of its last life. */
  forgetDirectories(broker: number): void {
    this.#offline.delete(broker);
  }

  /** Of all topics but those that are being deleted: nobody is told of these, and nobody leads them, any more. */
  *partitions(): IterableIterator<PartitionFacts> {
    for (const topic of this.topics.values()) if (!this.deleting.has(topic.name)) yield* topic.partitions.values();
  }

  /** Of these, partitions that have a replica on `broker`. */
  *partitionsOn(broker: number): IterableIterator<PartitionFacts> {
    for (const partition of this.partitions()) if (partition.replicas.includes(broker)) yield partition;
  }
}
