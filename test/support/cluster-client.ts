// A client of a whole cluster: knows who leads what, keeps a connection to each broker, and gives up on what is not answered.
import { setTimeout as delay } from 'node:timers/promises';
import type { MessageCodec } from '../../src/protocol/codec.js';
import {
  AlterPartitionReassignmentsRequest, CreateTopicsRequest, DeleteTopicsRequest, ElectLeadersRequest, MetadataRequest,
  type AlterPartitionReassignmentsResponse, type CreateTopicsResponse, type DeleteTopicsResponse, type ElectLeadersResponse, type MetadataResponse,
} from '../../src/protocol/messages.js';
import { TestClient } from './client.js';

/** A request that was not answered in time; its connection is closed, for what comes late must not be taken for the next answer. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

export type TopicMetadata = MetadataResponse['topics'][number];
export type PartitionMetadata = TopicMetadata['partitions'][number];

export interface NewTopic {
  readonly name: string;
  readonly partitions?: number;
  readonly replicas?: number;
  /** Instead of a number of partitions and replicas: the brokers of each partition. */
  readonly assignment?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 5_000;
const RETRY_MS = 50;

export class ClusterClient {
  readonly #bootstrap: readonly number[];
  readonly #clientId: string;
  readonly #connections = new Map<number, Promise<TestClient>>();
  /** Port by broker, as last heard. */
  readonly #brokers = new Map<number, number>();
  /** By topic id and partition: what was told of the newest leader epoch. */
  readonly #newest = new Map<string, PartitionMetadata>();
  #controller = -1;
  #turn = 0;

  constructor(bootstrap: readonly number[], clientId: string) {
    this.#bootstrap = bootstrap;
    this.#clientId = clientId;
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.then(client => client.destroy(), () => {});
    this.#connections.clear();
  }

  /** The connection to a port; a new one where there is none. */
  async connection(port: number): Promise<TestClient> {
    const known = this.#connections.get(port);
    if (known !== undefined) {
      const client = await known;
      if (!client.isEnded) return client;
    }
    const fresh = TestClient.connect(port, this.#clientId);
    this.#connections.set(port, fresh);
    fresh.catch(() => this.#connections.delete(port));
    return fresh;
  }

  /** Asks the broker at a port. Rejects when the connection ends, and when no answer comes in time. */
  async ask<A>(port: number, request: MessageCodec<unknown, object>, message: object, version: number, timeoutMs = TIMEOUT_MS): Promise<A> {
    const client = await this.connection(port);
    let late: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      late = setTimeout(() => {
        reject(new Unanswered(`${request.name} v${version} to port ${port}`));
        client.destroy();
      }, timeoutMs);
    });
    try {
      return await Promise.race([client.ask<A>(request, message, version), silence]);
    } finally {
      clearTimeout(late);
    }
  }

  /** A broker that is cut off tells of leaders of old; like Kafka's clients, we do not go back to them (Metadata.updateLatestMetadata). */
  #newestOf(topicId: string, told: PartitionMetadata): PartitionMetadata {
    const key = `${topicId} ${told.partitionIndex}`;
    const known = this.#newest.get(key);
    if (known !== undefined && told.leaderEpoch < known.leaderEpoch) return known;
    this.#newest.set(key, told);
    return told;
  }

  /** What one broker, or the first of all that answers, knows of these topics (null: all). */
  async metadata(topics: readonly string[] | null, port?: number): Promise<MetadataResponse> {
    const ports = port === undefined ? [...new Set([...this.#brokers.values(), ...this.#bootstrap])] : [port];
    let last: unknown;
    for (let tried = 0; tried < ports.length; tried += 1) {
      this.#turn += 1;
      try {
        const asked = { topics: topics?.map(name => ({ name })) ?? null, allowAutoTopicCreation: false };
        const answer = await this.ask<MetadataResponse>(ports[this.#turn % ports.length]!, MetadataRequest, asked, 12, 2_000);
        for (const { nodeId, port: at } of answer.brokers) this.#brokers.set(nodeId, at);
        this.#controller = answer.controllerId;
        return { ...answer, topics: answer.topics.map(topic => ({ ...topic, partitions: topic.partitions.map(partition => this.#newestOf(topic.topicId, partition)) })) };
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  portOf(broker: number): number | undefined { return this.#brokers.get(broker); }
  get ports(): readonly number[] { return [...this.#brokers.values()]; }

  /** The port of a partition's leader, where it has one. */
  async leaderOf(topic: string, partition: number): Promise<number | undefined> {
    const answer = await this.metadata([topic]);
    const found = answer.topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === partition);
    return found === undefined ? undefined : this.portOf(found.leaderId);
  }

  async askController<A>(request: MessageCodec<unknown, object>, message: object, version: number, timeoutMs = 30_000): Promise<A> {
    await this.metadata([]);
    const port = this.portOf(this.#controller);
    if (port === undefined) throw new Unanswered('there is no controller');
    return this.ask<A>(port, request, message, version, timeoutMs);
  }

  async controllerId(): Promise<number> {
    await this.metadata([]);
    return this.#controller;
  }

  /** Makes topics, and is back once every broker that answers says that they have leaders. */
  async createTopics(topics: readonly NewTopic[], timeoutMs = 60_000): Promise<void> {
    const answer = await this.askController<CreateTopicsResponse>(CreateTopicsRequest, {
      timeoutMs, topics: topics.map(({ name, partitions = 1, replicas = 3, assignment, configs = {} }) => ({
        name, ...(assignment === undefined ? { numPartitions: partitions, replicationFactor: replicas } : { numPartitions: -1, replicationFactor: -1 }),
        assignments: (assignment ?? []).map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      })),
    }, 5, timeoutMs);
    for (const made of answer.topics) if (made.errorCode !== 0) throw new Error(`creating ${made.name}: error ${made.errorCode} ${made.errorMessage}`);
    await this.untilLed(topics.map(({ name }) => name), timeoutMs);
  }

  async untilLed(topics: readonly string[], timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const said = await Promise.all(this.ports.map(port => this.metadata(topics, port)));
      if (said.every(answer => answer.topics.length === topics.length && answer.topics.every(topic => topic.errorCode === 0 && topic.partitions.every(({ leaderId }) => leaderId >= 0)))) return;
      if (performance.now() > deadline) throw new Error(`no leaders for ${topics.join(', ')}`);
      await delay(RETRY_MS);
    }
  }

  deleteTopics(names: readonly string[]): Promise<DeleteTopicsResponse> {
    return this.askController(DeleteTopicsRequest, { topicNames: names, timeoutMs: 30_000 }, 5);
  }

  /** Null replicas: cancels what is under way. */
  async reassign(topic: string, partition: number, replicas: readonly number[] | null): Promise<number> {
    const answer = await this.askController<AlterPartitionReassignmentsResponse>(AlterPartitionReassignmentsRequest, {
      timeoutMs: 5_000, topics: [{ name: topic, partitions: [{ partitionIndex: partition, replicas }] }],
    }, 0, 6_000);
    return answer.errorCode !== 0 ? answer.errorCode : answer.responses[0]?.partitions[0]?.errorCode ?? 0;
  }

  /** Preferred leaders for these partitions; null: for all. */
  electPreferred(topicPartitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null): Promise<ElectLeadersResponse> {
    return this.askController(ElectLeadersRequest, { electionType: 0, topicPartitions, timeoutMs: 5_000 }, 2, 6_000);
  }
}
