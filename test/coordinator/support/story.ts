import { silentLogger } from '../../../src/base/logger.js';
import { seededRandom } from '../../../src/base/random.js';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { createGroupCoordinator } from '../../../src/coordinator/group/coordinator.js';
import type { GroupCoordinator, GroupCoordinatorConfig } from '../../../src/coordinator/group/coordinator.js';
import type { JoinGroupResponseInput, SyncGroupResponseInput } from '../../../src/protocol/messages.js';
import { ManualTime, settled } from './manual-time.js';
import { MemoryLog } from './memory-log.js';

export const CONFIG: GroupCoordinatorConfig = {
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  maxSize: 1_000,
  initialRebalanceDelayMs: 3_000,
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  commitTimeoutMs: 5_000,
  loadBufferBytes: 5 * 1024 * 1024,
  retentionCheckIntervalMs: 600_000,
};

export const PARTITIONS = 4;

/** The newest versions; stories about older ones say so. */
export const NEWEST = { join: 9, sync: 5, leave: 5, commit: 9 };

/** A promise one can look into without waiting. */
export interface Watched<T> {
  readonly promise: Promise<T>;
  answer: T | null;
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: Watched<T> = { promise, answer: null };
  void promise.then(answer => { watched.answer = answer; });
  return watched;
}

export function bytes(text: string): Buffer {
  return Buffer.from(text);
}

export interface StoryOptions {
  readonly config?: Partial<GroupCoordinatorConfig>;
  readonly seed?: number;
  /** Of __consumer_offsets, which this broker leads from the start. */
  readonly led?: readonly number[];
}

/** A coordinator with its log and its time in the test's hands. */
export class Story {
  readonly time = new ManualTime();
  readonly log = new MemoryLog();
  readonly topics = new Set<string>(['orders', 'returns']);
  /** What versions 0 have put into ZooKeeper. */
  readonly zookeeper = new Map<string, number>();
  readonly #config: GroupCoordinatorConfig;
  readonly #seed: number;
  coordinator!: GroupCoordinator;
  #epoch = 0;

  constructor(options: StoryOptions = {}) {
    this.#config = { ...CONFIG, ...options.config };
    this.#seed = options.seed ?? 1;
    this.#create();
  }

  static async begin(options: StoryOptions = {}): Promise<Story> {
    const story = new Story(options);
    await story.lead(options.led ?? [0, 1, 2, 3]);
    return story;
  }

  #create(): void {
    this.coordinator = createGroupCoordinator({
      config: this.#config,
      clock: this.time,
      timers: this.time,
      random: seededRandom(this.#seed + this.#epoch),
      logger: silentLogger,
      log: this.log,
      metadata: { offsetsPartitionCount: () => PARTITIONS, topicExists: (topic, partition) => this.topics.has(topic) && partition < 8 },
      legacyOffsets: {
        commit: async (group, topic, partition, offset) => {
          if (group === '..') return false;
          this.zookeeper.set(`${group}/${topic}/${partition}`, offset);
          return true;
        },
        fetch: async (group, topic, partition) => this.zookeeper.get(`${group}/${topic}/${partition}`) ?? null,
      },
      inflate: () => Promise.reject(new Error('nothing here is compressed')),
    });
  }

  async lead(partitions: readonly number[]): Promise<void> {
    this.#epoch++;
    await Promise.all(partitions.map(partition => this.coordinator.onElected(partition, this.#epoch)));
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The broker stops, with or without saying so, and another process takes over from the log. */
  async restart(): Promise<void> {
    this.coordinator.close();
    this.#create();
    await this.lead([0, 1, 2, 3]);
  }

  partitionOf(group: string): number {
    return this.coordinator.partitionFor(group);
  }

  member(group: string, options: Partial<MemberOptions> = {}): TestMember {
    return new TestMember(this, group, options);
  }

  /** Members that start together, and their group when it is stable. The first one leads. */
  async stableGroup(group: string, members: number, options: Partial<MemberOptions> = {}): Promise<TestMember[]> {
    const all = Array.from({ length: members }, (_, i) => this.member(group, { clientId: `client-${i}`, ...options }));
    const joins = [];
    for (const member of all) {
      joins.push(member.join());
      await settled();
    }
    await this.time.advance(2 * this.#config.initialRebalanceDelayMs + 1);
    await Promise.all(joins.map(({ promise }) => promise));
    const leader = all.find(member => member.leads)!;
    await Promise.all(all.map(member => member.sync(member === leader ? sharesFor(all) : {}).promise));
    return all;
  }

  async state(group: string): Promise<string> {
    return (await this.describe(group)).groupState!;
  }

  async describe(group: string) {
    const { groups } = await this.coordinator.admin.describeGroups({ groups: [group], includeAuthorizedOperations: false });
    return groups![0]!;
  }

  /** Committed offsets as "topic-partition=offset", sorted. */
  offsets(group: string, requireStable = false): string[] {
    const fetched = this.coordinator.offsets.fetchOffsets(group, null, requireStable);
    return fetched.topics.flatMap(({ name, partitions }) => partitions.map(p => `${name}-${p.partitionIndex}=${p.errorCode === 0 ? p.committedOffset : `error ${p.errorCode}`}`)).sort();
  }

  /** A commit from outside any group management, unless told otherwise. */
  commit(group: string, offsets: Record<string, number>, as: Partial<{ memberId: string; generation: number; instanceId: string | null; metadata: string | null; version: number; retentionMs: number; timestamp: number }> = {}) {
    const topics = new Map<string, { partitionIndex: number; committedOffset: number; committedLeaderEpoch: number; commitTimestamp: number; committedMetadata: string | null }[]>();
    for (const [place, offset] of Object.entries(offsets)) {
      const dash = place.lastIndexOf('-');
      const topic = place.slice(0, dash);
      const partition = { partitionIndex: Number(place.slice(dash + 1)), committedOffset: offset, committedLeaderEpoch: -1, commitTimestamp: as.timestamp ?? -1, committedMetadata: as.metadata ?? '' };
      topics.set(topic, [...topics.get(topic) ?? [], partition]);
    }
    return watch(this.coordinator.offsets.offsetCommit({
      groupId: group,
      generationIdOrMemberEpoch: as.generation ?? -1,
      memberId: as.memberId ?? '',
      groupInstanceId: as.instanceId ?? null,
      retentionTimeMs: as.retentionMs ?? -1,
      topics: Array.from(topics, ([name, partitions]) => ({ name, partitions })),
    }, { apiVersion: as.version ?? NEWEST.commit, clientId: 'committer', clientHost: '/127.0.0.1' }));
  }
}

/** The error codes of an OffsetCommit answer, one per partition. */
export function commitErrors(answer: { topics?: readonly { partitions?: readonly { errorCode?: number | undefined }[] | undefined }[] | undefined } | null): number[] {
  return answer?.topics?.flatMap(topic => topic.partitions!.map(partition => partition.errorCode!)) ?? [];
}

export function sharesFor(members: readonly TestMember[]): Record<string, string> {
  return Object.fromEntries(members.map((member, i) => [member.id, `share ${i}`]));
}

export interface MemberOptions {
  readonly clientId: string;
  readonly instanceId: string | null;
  readonly protocols: readonly string[];
  readonly subscription: Buffer;
  readonly protocolType: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly joinVersion: number;
}

/** A client as Kafka's own would behave, one request at a time. */
export class TestMember {
  id = '';
  generation = -1;
  leads = false;
  options: MemberOptions;
  readonly #story: Story;
  readonly #group: string;

  constructor(story: Story, group: string, options: Partial<MemberOptions>) {
    this.#story = story;
    this.#group = group;
    this.options = {
      clientId: 'client', instanceId: null, protocols: ['range'], subscription: consumerSubscription(['orders']), protocolType: 'consumer',
      sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000, joinVersion: NEWEST.join, ...options,
    };
  }

  get client() {
    return { apiVersion: this.options.joinVersion, clientId: this.options.clientId, clientHost: '/127.0.0.1' };
  }

  /** Asks for an id first where the version wants it. */
  join(): Watched<JoinGroupResponseInput> {
    return watch(this.#join());
  }

  async #join(): Promise<JoinGroupResponseInput> {
    let answer = await this.joinOnce();
    if (answer.errorCode === ErrorCode.MemberIdRequired) {
      this.id = answer.memberId!;
      answer = await this.joinOnce();
    }
    if (answer.errorCode === ErrorCode.None) {
      this.id = answer.memberId!;
      this.generation = answer.generationId!;
      this.leads = answer.leader === this.id;
    }
    return answer;
  }

  joinOnce(): Promise<JoinGroupResponseInput> {
    const { instanceId, protocols, subscription, protocolType, sessionTimeoutMs, rebalanceTimeoutMs } = this.options;
    return this.#story.coordinator.members.joinGroup({
      groupId: this.#group, memberId: this.id, groupInstanceId: instanceId, protocolType, sessionTimeoutMs, rebalanceTimeoutMs, reason: null,
      protocols: protocols.map(name => ({ name, metadata: subscription })),
    }, this.client);
  }

  sync(plan: Record<string, string> = {}, version = NEWEST.sync): Watched<SyncGroupResponseInput> {
    return watch(this.#story.coordinator.members.syncGroup({
      groupId: this.#group, memberId: this.id, generationId: this.generation, groupInstanceId: this.options.instanceId,
      protocolType: version >= 5 ? this.options.protocolType : null,
      protocolName: version >= 5 ? this.options.protocols[0]! : null,
      assignments: Object.entries(plan).map(([memberId, share]) => ({ memberId, assignment: bytes(share) })),
    }, { ...this.client, apiVersion: version }));
  }

  async heartbeat(): Promise<number> {
    const answer = await this.#story.coordinator.members.heartbeat({
      groupId: this.#group, memberId: this.id, generationId: this.generation, groupInstanceId: this.options.instanceId,
    });
    return answer.errorCode!;
  }

  leave() {
    return this.#story.coordinator.members.leaveGroup({
      groupId: this.#group, memberId: '', members: [{ memberId: this.id, groupInstanceId: this.options.instanceId, reason: null }],
    }, { ...this.client, apiVersion: NEWEST.leave });
  }

  commit(offsets: Record<string, number>) {
    return this.#story.commit(this.#group, offsets, { memberId: this.id, generation: this.generation, instanceId: this.options.instanceId });
  }
}

/** Version 1 of the consumer protocol's subscription, laid out by hand: topics, no user data, no owned partitions. */
export function consumerSubscription(topics: readonly string[]): Buffer {
  const parts: Buffer[] = [int16(1), int32(topics.length)];
  for (const topic of topics) parts.push(int16(topic.length), bytes(topic));
  parts.push(int32(-1), int32(0));
  return Buffer.concat(parts);
}

export function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

export function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}
