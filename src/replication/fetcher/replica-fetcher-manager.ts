// Which fetcher fetches which partition (AbstractFetcherManager.scala, ReplicaFetcherManager.scala): `num.replica.fetchers`
// for each leader, and a partition goes to one of them by a hash of its name.

import { javaHash } from '../../base/java-hash.js';
import { Turns } from '../../base/turns.js';
import type { FollowedPartition, InitialFetchState } from './followed-partition.js';
import type { LeaderEndpoint } from './leader-endpoint.js';
import { PartitionFetchState } from './partition-fetch-state.js';
import { ReplicaFetcher, type FetcherEnvironment } from './replica-fetcher.js';
import type { ReplicaFetchers } from './replica-fetchers.js';

/** Partitions moved between two looks at the clock. */
const MOVED_AT_ONCE = 64;

export interface ReplicaFetcherManagerOptions extends FetcherEnvironment {
  /** num.replica.fetchers */
  readonly fetchers: number;
  /** The way of one fetcher to a leader. */
  readonly endpoint: (leader: number, fetcher: number) => LeaderEndpoint;
}

interface Fetched {
  readonly state: PartitionFetchState;
  readonly fetcher: ReplicaFetcher;
}

export class ReplicaFetcherManager implements ReplicaFetchers {
  readonly #options: ReplicaFetcherManagerOptions;
  /** By leader, then by the fetcher's number. */
  readonly #fetchers = new Map<number, (ReplicaFetcher | undefined)[]>();
  readonly #fetched = new Map<FollowedPartition, Fetched>();
  /** Left their fetchers by themselves. */
  readonly #failed = new Set<FollowedPartition>();
  /** Of partitions that left while their logs were at work: how it goes on is seen when those rest. */
  readonly #resting = new Map<FollowedPartition, PartitionFetchState>();
  #size: number;

  constructor(options: ReplicaFetcherManagerOptions) {
    this.#options = options;
    this.#size = options.fetchers;
  }

  /** Partitions that are not fetched though they should be. */
  get failedPartitions(): ReadonlySet<FollowedPartition> {
    return this.#failed;
  }

  get fetcherCount(): number {
    let count = 0;
    for (const fetchers of this.#fetchers.values()) for (const fetcher of fetchers) if (fetcher !== undefined) count++;
    return count;
  }

  /** How far the slowest partition of all trails its leader's watermark. */
  get maxLag(): number {
    let most = 0;
    for (const fetchers of this.#fetchers.values()) for (const fetcher of fetchers) most = Math.max(most, fetcher?.maxLag ?? 0);
    return most;
  }

  /** How far a partition is fetched; undefined where it is not. */
  fetchState(partition: FollowedPartition): Readonly<PartitionFetchState> | undefined {
    return this.#fetched.get(partition)?.state;
  }

  /** The number of the fetcher that a partition belongs to. */
  fetcherId(topic: string, index: number): number {
    const hash = (Math.imul(31, javaHash(topic)) + index) | 0;
    return (hash === -0x80000000 ? 0 : Math.abs(hash)) % this.#size;
  }

  addPartitions(states: Iterable<InitialFetchState>): void {
    for (const initial of states) {
      this.#failed.delete(initial.partition);
      const current = this.#fetched.get(initial.partition);
      if (current?.state.leaderEpoch === initial.leaderEpoch && current.state.leader === initial.leader) continue;
      if (current !== undefined) this.#remove(current);
      this.#add(initial);
    }
  }

  #add(initial: InitialFetchState): void {
    const { partition } = initial;
    const fetcher = this.#fetcher(initial.leader, this.fetcherId(partition.topic, partition.index));
    const state = new PartitionFetchState(initial, fetcher.tellsDivergence, fetcher.appendEnded);
    this.#fetched.set(partition, { state, fetcher });
    const leaving = this.#resting.get(partition);
    if (leaving !== undefined) {
      state.busy = true;
      leaving.rested = () => {
        this.#resting.delete(partition);
        if (!state.gone) fetcher.rested(state);
      };
    }
    fetcher.add(state);
  }

  #fetcher(leader: number, id: number): ReplicaFetcher {
    let fetchers = this.#fetchers.get(leader);
    if (fetchers === undefined) this.#fetchers.set(leader, (fetchers = []));
    return (fetchers[id] ??= new ReplicaFetcher(this.#options.endpoint(leader, id), this.#options, ({ partition }) => {
      this.#fetched.delete(partition);
      this.#failed.add(partition);
    }));
  }

  removePartitions(partitions: Iterable<FollowedPartition>): void {
    for (const partition of partitions) {
      this.#failed.delete(partition);
      const current = this.#fetched.get(partition);
      if (current !== undefined) this.#remove(current);
    }
  }

  #remove({ state, fetcher }: Fetched): void {
    const { partition } = state;
    this.#fetched.delete(partition);
    fetcher.remove(state);
    // Where it only waited for whoever had it before, that one still rests.
    if (!state.busy || this.#resting.has(partition)) return;
    this.#resting.set(partition, state);
    state.rested = () => this.#resting.delete(partition);
  }

  adoptTopicId(partition: FollowedPartition, topicId: string): void {
    const current = this.#fetched.get(partition);
    current?.fetcher.adoptTopicId(current.state, topicId);
  }

  /** num.replica.fetchers changed. */
  async resize(size: number): Promise<void> {
    this.#size = size;
    const turns = new Turns(this.#options.clock, this.#options.timers);
    let moved = 0;
    for (const current of [...this.#fetched.values()]) {
      if (++moved % MOVED_AT_ONCE === 0) await turns.next();
      const { state, fetcher } = current;
      const { partition, leader, leaderEpoch, topicId } = state;
      if (this.#fetched.get(partition) !== current || this.#fetcher(leader, this.fetcherId(partition.topic, partition.index)) === fetcher) continue;
      this.#remove(current);
      this.#add({ partition, leader, leaderEpoch, topicId });
    }
    this.shutdownIdle();
  }

  shutdownIdle(): void {
    for (const [leader, fetchers] of this.#fetchers) {
      for (const [id, fetcher] of fetchers.entries()) {
        if (fetcher === undefined || fetcher.partitionCount > 0) continue;
        fetcher.close();
        fetchers[id] = undefined;
      }
      if (fetchers.every(fetcher => fetcher === undefined)) this.#fetchers.delete(leader);
    }
  }

  close(): void {
    for (const fetchers of this.#fetchers.values()) for (const fetcher of fetchers) fetcher?.close();
    this.#fetchers.clear();
    this.#fetched.clear();
  }
}
