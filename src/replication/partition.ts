// One partition on this broker: who leads it, who is in sync, how far it is committed, and who waits for more.
//
// A produce or fetch needs nothing of a partition's hot state but this object, so that handlers can move to other
// isolates one day.

import type { TopicName } from '../base/topic-name.js';
import type { PartitionLog } from '../log/partition-log.js';
import { ErrorCode } from '../protocol/errors.js';

/** Who asks does not say which epoch it believes in. */
const NO_LEADER_EPOCH = -1;

export type Role = 'leader' | 'follower' | 'none';

/** Something that waits for a partition to move: a fetch for data, a produce for the high watermark. */
export interface Waiter {
  /** Looks again. It takes itself off the partition when it is done. */
  moved(): void;
}

/** What a leader knows of a follower. */
interface FollowerState {
  endOffset: number;
}

export interface LeadershipChange {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export class Partition {
  readonly topic: TopicName;
  readonly index: number;
  readonly brokerId: number;
  log: PartitionLog | undefined;
  role: Role = 'none';
  /** Its log cannot be had: whoever asks for it hears KAFKA_STORAGE_ERROR (HostedPartition.Offline of ReplicaManager.scala). */
  offline = false;
  leader = -1;
  leaderEpoch = -1;
  /** zkVersion of the state znode. */
  partitionEpoch = -1;
  /** Offset at which this broker's leadership began: a high watermark below it is not yet to be shown (KIP-207). */
  leaderEpochStart = 0;
  replicas: readonly number[] = [];
  isr: readonly number[] = [];
  highWatermark = 0;
  minInsyncReplicas = 1;
  /** Flags every append to this partition carries (AppendFlag): log append time, key check. */
  appendFlags = 0;
  /** The largest record batch it takes. */
  maxMessageBytes = 1048588;
  /** Its topic's compression.type is zstd: clients too old for that are refused its records. */
  zstd = false;
  /** message.downconversion.enable: fetches before version 4 may be given its records, had they their format. */
  downConverts = true;
  /** The last request that named this partition, so that one that names it twice is noticed. */
  mark = 0;
  /** Kafka's own topics take records from nobody but the admin client (ReplicaManager.scala). */
  readonly internal: boolean;
  readonly #followers = new Map<number, FollowerState>();
  readonly #waiters = new Set<Waiter>();
  /** Its log lets answers go out as soon as they are appended. */
  #alone = false;
  readonly #watch: (log: number, watched: boolean) => void;

  constructor(topic: TopicName, index: number, brokerId: number, internal: boolean, watch: (log: number, watched: boolean) => void) {
    this.topic = topic;
    this.index = index;
    this.brokerId = brokerId;
    this.internal = internal;
    this.#watch = watch;
  }

  /** Joins the log; from here on its appends move this partition. */
  attach(log: PartitionLog, highWatermark: number): void {
    this.log = log;
    log.producers.reinstate();
    this.highWatermark = Math.max(log.startOffset, Math.min(highWatermark, log.endOffset));
    log.onAppended = () => this.#endMoved();
    log.onTruncated = endOffset => (this.highWatermark = Math.min(this.highWatermark, endOffset));
  }

  becomeLeader(change: LeadershipChange): void {
    const log = this.log!;
    const newEpoch = change.leaderEpoch > this.leaderEpoch;
    this.#adopt(change, 'leader');
    if (newEpoch) {
      this.leaderEpochStart = log.endOffset;
      // A new leader appends nothing: it notes where its epoch begins (Partition.scala).
      log.epochs.assign(change.leaderEpoch, log.endOffset);
      this.#followers.clear();
    }
    const wasAlone = this.#alone;
    this.#alone = this.commitsAlone && !this.underMinIsr;
    const end = log.commitAlone(this.#alone);
    if (wasAlone) this.highWatermark = Math.max(this.highWatermark, end);
    this.#raiseHighWatermark();
    this.wake();
  }

  becomeFollower(change: LeadershipChange): void {
    this.#adopt(change, 'follower');
    this.#followers.clear();
    this.#leadsNoMore(ErrorCode.NotLeaderOrFollower);
    this.wake();
  }

  /** The replica leaves this broker, or stops being fetched. */
  stop(): void {
    this.role = 'none';
    this.#leadsNoMore(this.offline ? ErrorCode.KafkaStorageError : ErrorCode.NotLeaderOrFollower);
    this.wake();
  }

  #leadsNoMore(code: number): void {
    this.#alone = false;
    this.log?.takeBack(code);
  }

  /** Its log directory failed. */
  goOffline(): void {
    this.offline = true;
    // Who waits takes itself off while the log that was watched for it is still known.
    this.stop();
    const { log } = this;
    this.log = undefined;
    // Nobody finds it from here on, to tell it what was decided of its batches.
    log?.producers.retire();
  }

  /** The error for a request that must meet the leader of the epoch it believes in, or none (Partition.scala). */
  leadershipError(currentLeaderEpoch: number): number {
    if (this.offline) return ErrorCode.KafkaStorageError;
    if (currentLeaderEpoch !== NO_LEADER_EPOCH) {
      if (currentLeaderEpoch < this.leaderEpoch) return ErrorCode.FencedLeaderEpoch;
      if (currentLeaderEpoch > this.leaderEpoch) return ErrorCode.UnknownLeaderEpoch;
    }
    return this.role === 'leader' ? ErrorCode.None : ErrorCode.NotLeaderOrFollower;
  }

  /** Fewer in sync than acks=all asks for (min.insync.replicas, bounded by the replica count). */
  get underMinIsr(): boolean {
    return this.isr.length < Math.min(this.minInsyncReplicas, this.replicas.length);
  }

  /** An append is committed as soon as it is written: nobody else has to have it. */
  get commitsAlone(): boolean {
    return this.isr.length <= 1;
  }

  /** Where read_committed ends: the first offset of the oldest open transaction, or the high watermark. */
  get lastStableOffset(): number {
    const undecided = this.log!.producers.firstUndecidedOffset;
    return undecided === undefined ? this.highWatermark : Math.min(undecided, this.highWatermark);
  }

  /** `replica` is another broker that this partition is assigned to: of nobody else a fetch is believed to be a follower's. */
  hasFollower(replica: number): boolean {
    return replica !== this.brokerId && this.replicas.includes(replica);
  }

  /** A follower (hasFollower) fetched from `offset`: it has everything below. */
  followerFetched(replica: number, offset: number): void {
    const state = this.#followers.get(replica);
    if (state === undefined) this.#followers.set(replica, { endOffset: offset });
    else state.endOffset = offset;
    if (this.#raiseHighWatermark()) this.wake();
  }

  /** Where `epoch` ends here: the epoch found and its end, or undefined (LeaderEpochFileCache.java). */
  endOfEpoch(epoch: number): { readonly leaderEpoch: number; readonly endOffset: number } | undefined {
    return this.log?.epochs.endOffsetFor(epoch, this.log.endOffset);
  }

  wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
    if (this.log !== undefined && this.#waiters.size === 1) this.#watch(this.log.index, true);
  }

  unwait(waiter: Waiter): void {
    if (this.#waiters.delete(waiter) && this.#waiters.size === 0 && this.log !== undefined) this.#watch(this.log.index, false);
  }

  /** Lets everyone who waits look again. */
  wake(): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of [...this.#waiters]) waiter.moved();
  }

  #adopt(change: LeadershipChange, role: Role): void {
    this.role = role;
    this.leader = change.leader;
    this.leaderEpoch = change.leaderEpoch;
    this.partitionEpoch = change.partitionEpoch;
    this.replicas = change.replicas;
    this.isr = change.isr;
    for (const replica of this.#followers.keys()) if (!this.hasFollower(replica)) this.#followers.delete(replica);
  }

  #endMoved(): void {
    if (this.role === 'leader') this.#raiseHighWatermark();
    if (this.#waiters.size > 0) this.wake();
  }

  /** High watermark = least end offset among the in-sync replicas; it stands still below min ISR (KIP-966's part in 3.9). */
  #raiseHighWatermark(): boolean {
    const log = this.log;
    if (log === undefined || this.role !== 'leader') return false;
    if (this.underMinIsr) return false;
    let least = log.endOffset;
    if (this.isr.length > 1) {
      for (const replica of this.isr) {
        if (replica !== this.brokerId) least = Math.min(least, this.#followers.get(replica)?.endOffset ?? 0);
      }
    }
    if (least <= this.highWatermark) return false;
    this.highWatermark = least;
    if (!this.#alone) log.advance(least, ErrorCode.None);
    log.producers.highWatermarkMoved(least);
    return true;
  }
}
