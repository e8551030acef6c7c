// Brokers with logs in memory, whose replica fetchers fetch from each other over frames in an arena.

import { silentLogger } from '../../../../src/base/logger.js';
import { seededRandom, type Random } from '../../../../src/base/random.js';
import { topicName, type TopicName } from '../../../../src/base/topic-name.js';
import { TurnQueue } from '../../../../src/base/turn-queue.js';
import { PeerDisconnected, type PeerChannel, type RawAnswer, type SendOptions } from '../../../../src/network/peer-channel.js';
import type { AnyCodec, MessageCodec } from '../../../../src/protocol/codec.js';
import { FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse } from '../../../../src/protocol/messages.js';
import { Reader } from '../../../../src/protocol/reader.js';
import { Writer } from '../../../../src/protocol/writer.js';
import type { FollowedPartition } from '../../../../src/replication/fetcher/followed-partition.js';
import { RemoteLeaderEndpoint } from '../../../../src/replication/fetcher/remote-leader-endpoint.js';
import { ReplicaFetcherManager } from '../../../../src/replication/fetcher/replica-fetcher-manager.js';
import type { FetcherSettings } from '../../../../src/replication/fetcher/replica-fetcher.js';
import type { ReplicaQuota } from '../../../../src/replication/replication-quota.js';
import { ModelLeader, type Led } from './model-leader.js';
import { commonPrefix, ModelLog } from './model-log.js';
import { VirtualTime } from './virtual-time.js';

const ARENA = 2 << 20;
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const DELAY_MS = 3;
const LOOKS_EVERY_MS = 20;
/** What lies where an answer was: whoever reads it there reads nonsense. */
const RELEASED = 0xee;

export function topicIdOf(topic: string, life = 0): string {
  return Buffer.alloc(16, `${topic}/${life}/`).toString('base64url');
}

export interface WorldOptions {
  readonly brokers?: number;
  readonly seed?: number;
  /** Of fetches between brokers, by inter.broker.protocol.version. */
  readonly fetchVersion?: number;
  readonly epochVersion?: number;
  readonly settings?: Partial<FetcherSettings>;
  readonly fetchers?: number;
  readonly quota?: ReplicaQuota;
}

export class ModelPartition implements FollowedPartition, Led {
  readonly topic: TopicName;
  readonly index: number;
  topicId: string;
  log: ModelLog | undefined;
  highWatermark = 0;
  leaderEpoch = -1;
  leads = false;

  constructor(topic: TopicName, index: number, topicId: string, log: ModelLog) {
    this.topic = topic;
    this.index = index;
    this.topicId = topicId;
    this.log = log;
  }

  adoptWatermark(highWatermark: number): void {
    this.highWatermark = Math.max(this.log!.startOffset, Math.min(highWatermark, this.log!.endOffset));
  }
}

export class ModelBroker {
  readonly id: number;
  readonly partitions = new Map<string, ModelPartition>();
  readonly leader = new ModelLeader(() => this.partitions.values());
  manager: ReplicaFetcherManager;
  alive = true;
  readonly #make: () => ReplicaFetcherManager;

  constructor(id: number, make: () => ReplicaFetcherManager) {
    this.id = id;
    this.#make = make;
    this.manager = make();
  }

  restartManager(): void {
    this.manager.close();
    this.manager = this.#make();
  }

  partition(name = 't-0'): ModelPartition {
    return this.partitions.get(name)!;
  }

  log(name = 't-0'): ModelLog {
    return this.partition(name).log!;
  }
}

export class World {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly arena = Buffer.alloc(ARENA, RELEASED);
  readonly brokers: ModelBroker[] = [];
  /** Pairs of brokers that cannot reach each other. */
  readonly cut = new Set<string>();
  /** Answers whose frames nobody has released yet. */
  unreleased = 0;
  /** By partition: who must have a record before it is committed. Where nothing is said, all. */
  readonly isr = new Map<string, ReadonlySet<number>>();
  /** How far followers are, as they said to each leader in its epoch. */
  readonly #ends = new Map<string, Map<number, number>>();
  /** Below these nothing may be cut: what a follower shared with its leader when that one told it where they part. */
  readonly #shared = new Map<string, number>();
  #violation: Error | undefined;
  #arenaUsed = 0;
  readonly #options: WorldOptions;
  readonly #turns: TurnQueue;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.random = seededRandom(options.seed ?? 1);
    this.#turns = new TurnQueue(this.time, this.time);
    for (let id = 0; id < (options.brokers ?? 2); id++) this.brokers.push(new ModelBroker(id, () => this.#manager(id)));
    for (const broker of this.brokers) {
      broker.leader.onDiverging = (replica, { topic, index }) => {
        const name = `${topic}-${index}`;
        const [ours, theirs] = [broker.partitions.get(name)?.log, this.brokers[replica]?.partitions.get(name)?.log];
        if (ours !== undefined && theirs !== undefined) this.#shared.set(`${replica} ${name}`, commonPrefix(ours, theirs));
      };
      broker.leader.onFetched = (replica, led, offset) => this.#fetched(broker.id, replica, led, offset);
    }
  }

  /** Everybody who is in sync has what is below his fetch offset. */
  #fetched(leader: number, replica: number, led: Led, offset: number): void {
    const key = `${leader} ${led.topic}-${led.index} ${led.leaderEpoch}`;
    let ends = this.#ends.get(key);
    if (ends === undefined) this.#ends.set(key, (ends = new Map()));
    ends.set(replica, offset);
    const members = this.isr.get(`${led.topic}-${led.index}`) ?? new Set(this.brokers.map(({ id }) => id));
    let least = led.log!.endOffset;
    for (const id of members) if (id !== leader) least = Math.min(least, ends.get(id) ?? 0);
    led.highWatermark = Math.max(led.highWatermark, least);
  }

  #manager(id: number): ReplicaFetcherManager {
    const { fetchVersion = 17, settings, fetchers = 1, quota = { isThrottled: () => false, exceeded: () => false, record: () => {} } } = this.#options;
    return new ReplicaFetcherManager({
      fetchers,
      settings: { brokerId: id, minBytes: 1, maxBytes: 1 << 20, responseMaxBytes: 10 << 20, waitMaxMs: 500, backoffMs: 1000, ...settings },
      clock: this.time, timers: this.time, turns: this.#turns, logger: silentLogger, quota, brokerEpoch: () => 7,
      endpoint: (leader, fetcher) => new RemoteLeaderEndpoint({ channel: () => new ModelChannel(this, id, leader, fetcher), leader, brokerId: id, fetchVersion, timeoutMs: 30_000 }),
    });
  }

  get epochVersion(): number {
    return this.#options.epochVersion ?? 4;
  }

  /** A replica of every broker, empty. */
  makePartition(topic = 't', index = 0, topicId = (this.#options.fetchVersion ?? 17) >= 13 ? topicIdOf(topic) : NO_ID): void {
    for (const broker of this.brokers) {
      const log = new ModelLog(this.arena, this.time, this.random);
      const name = `${topic}-${index}`;
      log.onCut = to => {
        const shared = this.#shared.get(`${broker.id} ${name}`);
        if (shared !== undefined && to < shared) this.#violation ??= new Error(`broker ${broker.id} cuts ${name} to ${to}, and shares ${shared} with its leader`);
      };
      broker.partitions.set(name, new ModelPartition(topicName(topic)!, index, topicId, log));
    }
  }

  /** Tells the living brokers who leads, as LeaderAndIsr does: some hear of it later than others. */
  async elect(leader: number, leaderEpoch: number, name = 't-0'): Promise<void> {
    const told = this.brokers.filter(({ alive }) => alive).map(async broker => {
      await this.#later(this.random.int(3));
      await (broker.id === leader ? this.lead(leader, leaderEpoch, name) : this.follow(broker.id, leader, leaderEpoch, name));
    });
    await this.whileDone(Promise.all(told));
  }

  async lead(id: number, leaderEpoch: number, name = 't-0'): Promise<void> {
    const broker = this.brokers[id]!;
    const partition = broker.partition(name);
    broker.manager.removePartitions([partition]);
    const { startOffset } = await partition.log!.beginEpoch(leaderEpoch);
    if (leaderEpoch <= partition.leaderEpoch) return;
    partition.log!.epochs.assign(leaderEpoch, startOffset);
    partition.leaderEpoch = leaderEpoch;
    partition.leads = true;
    this.#shared.delete(`${id} ${name}`);
  }

  async follow(id: number, leader: number, leaderEpoch: number, name = 't-0'): Promise<void> {
    const broker = this.brokers[id]!;
    const partition = broker.partition(name);
    broker.manager.removePartitions([partition]);
    if (leaderEpoch <= partition.leaderEpoch) return;
    partition.leads = false;
    partition.leaderEpoch = leaderEpoch;
    await partition.log!.beginEpoch(leaderEpoch);
    if (partition.leaderEpoch === leaderEpoch) broker.manager.addPartitions([{ partition, topicId: partition.topicId, leader, leaderEpoch }]);
  }

  async #later(ms: number): Promise<void> {
    await new Promise<void>(resolve => void this.time.after(ms, resolve));
  }

  /** Lets time pass until `work` is done. */
  async whileDone<T>(work: Promise<T>): Promise<T> {
    let done = false;
    void work.then(() => { done = true; }, () => { done = true; });
    await this.time.until(() => done, 'work ends');
    return work;
  }

  /** Nobody cut what it shared with its leader. */
  check(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** Lets time pass until every living follower's log is its leader's. */
  async caughtUp(leader: number, name = 't-0', limitMs = 60_000): Promise<void> {
    const theirs = this.brokers[leader]!.log(name);
    await this.time.until(() => {
      this.check();
      return this.brokers.every(({ alive, partitions }) => {
        const log = partitions.get(name)?.log;
        return !alive || log === undefined || (log.endOffset === theirs.endOffset && log.story === theirs.story);
      });
    }, () => `all have what ${leader} has in ${name}: ${this.brokers.map(broker => this.#about(broker, name)).join(' | ')}`, limitMs);
  }

  /** A broker came back with less than it had. */
  lost(id: number, name = 't-0'): void {
    this.#shared.delete(`${id} ${name}`);
  }

  #about({ id, alive, manager, partitions }: ModelBroker, name: string): string {
    const { log, leads, leaderEpoch } = partitions.get(name)!;
    const state = manager.fetchState(partitions.get(name)!);
    const fetching = state === undefined ? 'does not fetch' : `fetches from ${state.leader} at ${state.fetchOffset} in epoch ${state.leaderEpoch}${state.busy ? ', log at work' : ''}${state.truncating ? ', truncating' : ''}${state.isDelayed ? ', delayed' : ''}`;
    return `${id}${alive ? '' : ' (dead)'} in epoch ${leaderEpoch}${leads ? ' leads' : ` ${fetching}`}: ${log?.story}`;
  }

  isCut(a: number, b: number): boolean {
    return this.cut.has(`${a}-${b}`) || this.cut.has(`${b}-${a}`);
  }

  /** Puts an answer into the arena. */
  receive(version: number, body: Buffer): RawAnswer {
    if (this.#arenaUsed + body.length > ARENA) this.#arenaUsed = 0;
    const offset = this.#arenaUsed;
    this.#arenaUsed += body.length;
    body.copy(this.arena, offset);
    this.unreleased++;
    return {
      version, bytes: this.arena, offset, length: body.length,
      release: () => {
        this.unreleased--;
        this.arena.fill(RELEASED, offset, offset + body.length);
      },
    };
  }

  close(): void {
    for (const broker of this.brokers) broker.manager.close();
  }
}

/** The way of one fetcher to a leader: frames of the versions that both speak, some time under way. */
class ModelChannel implements PeerChannel {
  readonly isReady = true;
  readonly #world: World;
  readonly #from: number;
  readonly #to: number;

  constructor(world: World, from: number, to: number, _fetcher: number) {
    this.#world = world;
    this.#from = from;
    this.#to = to;
  }

  versionOf(): number | undefined {
    return undefined;
  }

  close(): void {}

  send<Answer>(request: MessageCodec<unknown, never>, message: object): Promise<Answer> {
    const epochs = request.apiKey === OffsetForLeaderEpochRequest.apiKey;
    const version = epochs ? this.#world.epochVersion : ListOffsetsRequest.maxVersion;
    const codec = epochs ? OffsetForLeaderEpochResponse : ListOffsetsResponse;
    return new Promise((resolve, reject) => {
      this.#carry(request, message, version, (asked, answer) => {
        const { leader } = this.#world.brokers[this.#to]!;
        answer(epochs ? leader.epochEnds(asked as OffsetForLeaderEpochRequest) : leader.offsets(asked as ListOffsetsRequest));
      }, answer => resolve(codec.decode(new Reader(encode(codec, answer, version)), version) as Answer), reject);
    });
  }

  sendRaw(request: MessageCodec<unknown, never>, message: object, taken: (answer: RawAnswer) => void, failed: (error: Error) => void, options: SendOptions = {}): void {
    const world = this.#world;
    const version = options.version!;
    this.#carry(request, message, version, (asked, answer) => {
      const fetch = asked as FetchRequest;
      const answers = world.brokers[this.#to]!.leader.fetch(fetch, version);
      const until = world.time.now() + fetch.maxWaitMs;
      const look = (): void => {
        const said = answers(world.time.now() >= until);
        if (said !== undefined) answer(said);
        else world.time.after(LOOKS_EVERY_MS, look);
      };
      look();
    }, answer => taken(world.receive(version, encode(FetchResponse, answer, version))), failed);
  }

  #carry(request: MessageCodec<unknown, never>, message: object, version: number, serve: (asked: unknown, answer: (answer: object) => void) => void, answered: (answer: object) => void, failed: (error: Error) => void): void {
    const { time, random, brokers } = this.#world;
    const broken = (): boolean => !brokers[this.#to]!.alive || !brokers[this.#from]!.alive || this.#world.isCut(this.#from, this.#to);
    const under = (action: () => void): void => void time.after(1 + random.int(DELAY_MS), () => {
      if (broken()) failed(new PeerDisconnected('cut'));
      else action();
    });
    under(() => {
      const codec = request.apiKey === FetchRequest.apiKey ? FetchRequest : request;
      const asked = codec.decode(new Reader(encode(request as unknown as AnyCodec, message, version)), version);
      serve(asked, answer => under(() => answered(answer)));
    });
  }
}

function encode(codec: AnyCodec, message: object, version: number): Buffer {
  const writer = new Writer(64);
  codec.encode(writer, message, version);
  return Buffer.from(writer.finish());
}
