// What this broker knows of the cluster, from the controller's UpdateMetadata (ZkMetadataCache.scala).

import type { TopicName } from '../base/topic-name.js';

/** An endpoint of a broker for one listener. */
export interface Endpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: number;
}

export interface LiveBroker {
  readonly id: number;
  readonly rack: string | null;
  readonly endpoints: readonly Endpoint[];
}

export interface PartitionState {
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
  readonly offlineReplicas: readonly number[];
  readonly zkVersion: number;
  readonly controllerEpoch: number;
}

export interface TopicState {
  readonly name: TopicName;
  /** Zero uuid where the topic has none (older inter-broker protocols). */
  readonly id: string;
  readonly partitions: Map<number, PartitionState>;
}

/** Leader of a partition whose topic is being deleted (LeaderAndIsr.LeaderDuringDelete). */
export const LEADER_DURING_DELETE = -2;
export const NO_LEADER = -1;
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

export interface TopicChange {
  readonly name: TopicName;
  /** Undefined where nothing is said of it; the zero uuid takes it away. */
  readonly id: string | undefined;
  readonly partitions: readonly PartitionState[];
}

export interface MetadataUpdate {
  readonly controllerId: number;
  readonly brokers: readonly LiveBroker[];
  readonly topics: readonly TopicChange[];
}

export class MetadataCache {
  #controllerId = -1;
  #brokers = new Map<number, LiveBroker>();
  readonly #topics = new Map<string, TopicState>();
  readonly #names = new Map<string, TopicName>();
  readonly #waiting = new Set<() => void>();

  /** Live brokers are replaced by each update; partitions are merged, and dropped where the leader is -2. */
  update(update: MetadataUpdate): { readonly deleted: { readonly topic: TopicName; readonly partition: number }[] } {
    this.#controllerId = update.controllerId;
    this.#brokers = new Map(update.brokers.map(broker => [broker.id, broker]));
    const deleted: { topic: TopicName; partition: number }[] = [];
    for (const change of update.topics) {
      for (const partition of change.partitions) {
        if (partition.leader === LEADER_DURING_DELETE) {
          if (this.#drop(change.name, partition.partition)) deleted.push({ topic: change.name, partition: partition.partition });
        } else {
          this.#topic(change.name, change.id).partitions.set(partition.partition, partition);
        }
      }
    }
    for (const look of [...this.#waiting]) look();
    return { deleted };
  }

  get controllerId(): number {
    return this.#controllerId;
  }

  brokers(): IterableIterator<LiveBroker> {
    return this.#brokers.values();
  }

  broker(id: number): LiveBroker | undefined {
    return this.#brokers.get(id);
  }

  topics(): IterableIterator<TopicState> {
    return this.#topics.values();
  }

  topic(name: string): TopicState | undefined {
    return this.#topics.get(name);
  }

  topicName(id: string): TopicName | undefined {
    return this.#names.get(id);
  }

  has(topic: string, partition: number): boolean {
    return this.#topics.get(topic)?.partitions.has(partition) ?? false;
  }

  /** Calls `look` after each update until the returned function is called. */
  onUpdate(look: () => void): () => void {
    this.#waiting.add(look);
    return () => this.#waiting.delete(look);
  }

  #topic(name: TopicName, told: string | undefined): TopicState {
    const known = this.#topics.get(name);
    const id = told ?? known?.id ?? ZERO_ID;
    if (known !== undefined && known.id === id) return known;
    const topic: TopicState = { name, id, partitions: known?.partitions ?? new Map<number, PartitionState>() };
    if (known !== undefined) this.#names.delete(known.id);
    this.#topics.set(name, topic);
    if (id !== ZERO_ID) this.#names.set(id, name);
    return topic;
  }

  #drop(name: string, partition: number): boolean {
    const topic = this.#topics.get(name);
    if (topic === undefined || !topic.partitions.delete(partition)) return false;
    if (topic.partitions.size === 0) {
      this.#topics.delete(name);
      this.#names.delete(topic.id);
    }
    return true;
  }
}
