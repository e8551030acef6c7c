// An independent client: node:net and the codecs, nothing of the server. Raw bytes where a story wants to be rude.
import { connect, type Socket } from 'node:net';
import { apiByKey, type ApiData } from '../../src/protocol/apis.js';
import type { MessageCodec } from '../../src/protocol/codec.js';
import { decodeResponseHeader, encodeRequestHeader } from '../../src/protocol/headers.js';
import {
  ApiVersionsRequest, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
  DeleteTopicsRequest, DeleteTopicsResponse, DescribeClusterRequest, DescribeClusterResponse, DescribeConfigsRequest, DescribeConfigsResponse,
  FetchRequest, FetchResponse, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, InitProducerIdRequest, InitProducerIdResponse,
  ListOffsetsRequest, ListOffsetsResponse, MetadataRequest, MetadataResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
  ProduceRequest, ProduceResponse, type ApiVersionsResponse,
  type CreateTopicsRequestInput, type FetchRequestInput, type ListOffsetsRequestInput, type MetadataRequestInput, type ProduceRequestInput,
} from '../../src/protocol/messages.js';
import { readRecords, walkBatches, type LogRecord } from '../../src/protocol/records/index.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';

interface Waiting {
  readonly api: ApiData;
  readonly version: number;
  readonly correlationId: number;
  readonly resolve: (message: object) => void;
  readonly reject: (error: Error) => void;
}

export type PartitionFetch = NonNullable<NonNullable<FetchRequestInput['topics']>[number]['partitions']>[number];

/** The connection ended before the answer. */
export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded';
}

export class TestClient {
  readonly socket: Socket;
  readonly #clientId: string | null;
  readonly #waiting: Waiting[] = [];
  #received: Buffer = Buffer.alloc(0);
  #correlationId = 0;
  /** Resolves when the connection ended, from whichever side. */
  readonly ended: Promise<void>;
  isEnded = false;

  private constructor(socket: Socket, clientId: string | null) {
    this.socket = socket;
    this.#clientId = clientId;
    socket.setNoDelay(true);
    socket.on('data', bytes => this.#receive(bytes));
    socket.on('error', () => {});
    this.ended = new Promise(resolve => socket.on('close', () => {
      this.isEnded = true;
      for (const each of this.#waiting.splice(0)) each.reject(new ConnectionEnded(`before the answer of ${each.api.name} v${each.version}`));
      resolve();
    }));
  }

  static connect(port: number, clientId: string | null = 'story'): Promise<TestClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => resolve(new TestClient(socket, clientId)));
    });
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The bytes of a request, size included. */
  frame<I>(request: MessageCodec<unknown, I>, message: I, version: number, correlationId = 0): Buffer {
    const api = apiByKey(request.apiKey)!;
    const writer = new Writer();
    writer.writeInt32(0);
    encodeRequestHeader(writer, api, version, correlationId, this.#clientId);
    request.encode(writer, message, version);
    const bytes = Buffer.from(writer.finish());
    bytes.writeInt32BE(bytes.length - 4);
    return bytes;
  }

  /** Sends a request and resolves with its answer. */
  ask<A>(request: MessageCodec<unknown, object>, message: object, version: number): Promise<A> {
    const { bytes, answer } = this.prepare<A>(request, message, version);
    this.socket.write(bytes);
    return answer;
  }

  /** A request's bytes, to be sent by the caller in this order, and the promise of its answer. */
  prepare<A>(request: MessageCodec<unknown, object>, message: object, version: number): { bytes: Buffer; answer: Promise<A> } {
    const correlationId = ++this.#correlationId;
    const bytes = this.frame(request, message, version, correlationId);
    const answer = new Promise<A>((resolve, reject) => {
      this.#waiting.push({ api: apiByKey(request.apiKey)!, version, correlationId, resolve: message => resolve(message as A), reject });
    });
    answer.catch(() => {});
    return { bytes, answer };
  }

  /** Sends a request that is never answered (acks=0, or hostile). */
  tell(request: MessageCodec<unknown, object>, message: object, version: number): void {
    this.socket.write(this.frame(request, message, version, ++this.#correlationId));
  }

  raw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  get outstanding(): number {
    return this.#waiting.length;
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 4) {
      const size = this.#received.readInt32BE(0);
      if (this.#received.length < 4 + size) return;
      const frame = this.#received.subarray(4, 4 + size);
      this.#received = this.#received.subarray(4 + size);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) throw new Error('an answer to no request');
      try {
        waiting.resolve(this.#decode(waiting, frame));
      } catch (error) {
        waiting.reject(error as Error);
      }
    }
  }

  #decode({ api, version, correlationId }: Waiting, frame: Buffer): object {
    const reader = new Reader(frame);
    const header = decodeResponseHeader(reader, api, version);
    if (header.correlationId !== correlationId) throw new Error(`answer ${header.correlationId} where ${correlationId} was due: out of order`);
    const start = reader.position;
    const message = api.response.decode(reader, version);
    // ApiVersions answers a version it does not know in version 0.
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes behind the answer of ${api.name} v${version} (body at ${start})`);
    return message;
  }

  // ---- domain verbs

  apiVersions(version = 4): Promise<ApiVersionsResponse> {
    return this.ask(ApiVersionsRequest, { clientSoftwareName: 'story', clientSoftwareVersion: '1.0' }, version);
  }

  metadata(message: MetadataRequestInput = { topics: null }, version = 12): Promise<MetadataResponse> {
    return this.ask(MetadataRequest, message, version);
  }

  async createTopic(name: string, settings: { partitions?: number; configs?: Readonly<Record<string, string>> } = {}): Promise<string> {
    const { topics: [made] } = await this.createTopics({
      topics: [{ name, numPartitions: settings.partitions ?? 1, replicationFactor: 1, configs: Object.entries(settings.configs ?? {}).map(([key, value]) => ({ name: key, value })) }],
    });
    if (made!.errorCode !== 0) throw new Error(`creating ${name}: error ${made!.errorCode} ${made!.errorMessage}`);
    return made!.topicId;
  }

  createTopics(message: CreateTopicsRequestInput, version = 7): Promise<CreateTopicsResponse> {
    return this.ask(CreateTopicsRequest, { timeoutMs: 20_000, ...message }, version);
  }

  deleteTopics(names: readonly string[], version = 6, timeoutMs = 20_000): Promise<DeleteTopicsResponse> {
    return this.ask(DeleteTopicsRequest, { topics: version >= 6 ? names.map(name => ({ name })) : [], topicNames: version >= 6 ? [] : names, timeoutMs }, version);
  }

  createPartitions(name: string, count: number, extra: { assignments?: { brokerIds: number[] }[] | null; validateOnly?: boolean } = {}, version = 3): Promise<CreatePartitionsResponse> {
    return this.ask(CreatePartitionsRequest, { topics: [{ name, count, assignments: extra.assignments ?? null }], timeoutMs: 20_000, validateOnly: extra.validateOnly ?? false }, version);
  }

  describeCluster(endpointType = 1, version = 1): Promise<DescribeClusterResponse> {
    return this.ask(DescribeClusterRequest, version >= 1 ? { endpointType } : {}, version);
  }

  describeConfigs(topic: string, keys: readonly string[] | null = null, version = 4): Promise<DescribeConfigsResponse> {
    return this.ask(DescribeConfigsRequest, { resources: [{ resourceType: 2, resourceName: topic, configurationKeys: keys }] }, version);
  }

  /** SET each of `configs`; null deletes. */
  alterTopic(topic: string, configs: Readonly<Record<string, string | null>>, version = 1): Promise<IncrementalAlterConfigsResponse> {
    return this.ask(IncrementalAlterConfigsRequest, {
      resources: [{ resourceType: 2, resourceName: topic, configs: Object.entries(configs).map(([name, value]) => ({ name, configOperation: value === null ? 1 : 0, value })) }],
    }, version);
  }

  initProducerId(version = 5): Promise<InitProducerIdResponse> {
    return this.ask(InitProducerIdRequest, { transactionalId: null, transactionTimeoutMs: 60_000 }, version);
  }

  produceAll(message: ProduceRequestInput, version = 11): Promise<ProduceResponse> {
    return this.ask(ProduceRequest, { acks: -1, timeoutMs: 20_000, ...message }, version);
  }

  /** One batch to one partition. */
  async produce(topic: string, records: Uint8Array | null, { partition = 0, acks = -1, version = 11 } = {}): Promise<ProduceResponse['responses'][number]['partitionResponses'][number]> {
    const answer = await this.produceAll(produceOne(topic, partition, records, acks), version);
    return answer.responses[0]!.partitionResponses[0]!;
  }

  fetchAll(message: FetchRequestInput, version = 12): Promise<FetchResponse> {
    return this.ask(FetchRequest, { replicaId: -1, maxWaitMs: 0, minBytes: 1, maxBytes: 50 << 20, ...message }, version);
  }

  /** One partition from `offset`, by name. */
  async fetch(topic: string, offset: number, options: FetchOptions = {}): Promise<FetchResponse['responses'][number]['partitions'][number]> {
    const { partition = 0, version = 12, partitionMaxBytes = 1 << 20, asked = {}, ...rest } = options;
    const answer = await this.fetchAll({
      topics: [{ topic, topicId: rest.topicId, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes, ...asked }] }],
      ...(rest.maxWaitMs === undefined ? {} : { maxWaitMs: rest.maxWaitMs }),
      ...(rest.minBytes === undefined ? {} : { minBytes: rest.minBytes }),
      ...(rest.maxBytes === undefined ? {} : { maxBytes: rest.maxBytes }),
      ...(rest.isolationLevel === undefined ? {} : { isolationLevel: rest.isolationLevel }),
    }, version);
    if (answer.errorCode !== 0) throw new Error(`fetch error ${answer.errorCode}`);
    return answer.responses[0]!.partitions[0]!;
  }

  listOffsetsAll(message: ListOffsetsRequestInput, version = 9): Promise<ListOffsetsResponse> {
    return this.ask(ListOffsetsRequest, { replicaId: -1, ...message }, version);
  }

  async listOffsets(topic: string, timestamp: number, { partition = 0, version = 9, isolationLevel = 0, currentLeaderEpoch = -1 } = {}): Promise<ListOffsetsResponse['topics'][number]['partitions'][number]> {
    const answer = await this.listOffsetsAll({
      ...(version >= 2 ? { isolationLevel } : {}),
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp, ...(version >= 4 ? { currentLeaderEpoch } : {}), ...(version === 0 ? { maxNumOffsets: 10 } : {}) }] }],
    }, version);
    return answer.topics[0]!.partitions[0]!;
  }

  async offsetForLeaderEpoch(topic: string, leaderEpoch: number, { partition = 0, currentLeaderEpoch = -1, version = 4 } = {}): Promise<OffsetForLeaderEpochResponse['topics'][number]['partitions'][number]> {
    const answer = await this.ask<OffsetForLeaderEpochResponse>(OffsetForLeaderEpochRequest, {
      ...(version >= 3 ? { replicaId: -1 } : {}),
      topics: [{ topic, partitions: [{ partition, leaderEpoch, ...(version >= 2 ? { currentLeaderEpoch } : {}) }] }],
    }, version);
    return answer.topics[0]!.partitions[0]!;
  }
}

export interface FetchOptions {
  readonly partition?: number;
  readonly version?: number;
  readonly partitionMaxBytes?: number;
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly isolationLevel?: number;
  readonly topicId?: string;
  readonly asked?: Partial<PartitionFetch>;
}

export function produceOne(topic: string, partition: number, records: Uint8Array | null, acks = -1): ProduceRequestInput {
  return { acks, timeoutMs: 20_000, topicData: [{ name: topic, partitionData: [{ index: partition, records }] }] };
}

/** The records of an answer, of uncompressed batches, in order. */
export function recordsOf(bytes: Uint8Array | null): LogRecord[] {
  return bytes === null ? [] : [...walkBatches(bytes)].flatMap(batch => readRecords(batch));
}

/** Their values as text. */
export function valuesOf(bytes: Uint8Array | null): string[] {
  return recordsOf(bytes).map(({ value }) => value?.toString() ?? '');
}
