// One partition on this broker: its log, how far that is committed, its settings, and the role that this broker has in it
// (Partition.scala). What only a leader has is in LeaderState, what only a follower has in FollowerState; here is what
// joins them to the log, to those who wait (Purgatory), and to the controller (ISR changes).
//
// A produce or fetch needs nothing of a partition's hot state but this object, so that handlers can move to other
// isolates one day.

import type { Logger } from '../base/logger.js';
import type { TopicName } from '../base/topic-name.js';
import type { PartitionLog } from '../log/partition-log.js';
import { ErrorCode } from '../protocol/errors.js';
import { FollowerState } from './follower-state.js';
import { afterFailure, type IsrAnswer, type IsrChange } from './isr-change.js';
import { LeaderState, type PendingIsr } from './leader-state.js';
import type { DelayedOperation, Purgatory, Watchable } from './purgatory.js';
import type { RemoteReplica } from './remote-replica.js';

/** Who asks does not say which epoch it believes in. */
const NO_LEADER_EPOCH = -1;
const NO_REPLICAS: readonly number[] = [];

export type Role = 'leader' | 'follower' | 'none';

/** What all partitions of a broker share. */
export interface PartitionSeams {
  readonly brokerId: number;
  readonly purgatory: Purgatory;
  readonly logger: Logger;
  /** Milliseconds, never backwards. */
  readonly now: () => number;
  /** replica.lag.time.max.ms */
  readonly maxLagMs: number;
  /** A broker that is known to live: of nobody else a replica may join the ISR. */
  readonly isAlive: (broker: number) => boolean;
  /** Marks a log whose appends must wake the main isolate. */
  readonly watch: (log: number, watched: boolean) => void;
  readonly alterIsr: (change: IsrChange, answered: (answer: IsrAnswer) => void) => void;
}

export interface LeadershipChange {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly controllerEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly addingReplicas: readonly number[];
}

export class Partition implements Watchable {
  readonly topic: TopicName;
  readonly index: number;
  /** Kafka's own topics take records from nobody but the admin client (ReplicaManager.scala). */
  readonly internal: boolean;
  log: PartitionLog | undefined;
  /** Its log cannot be had: whoever asks for it hears KAFKA_STORAGE_ERROR (HostedPartition.Offline of ReplicaManager.scala). */
  offline = false;
  /** The metadata tells of it. Of others clients hear UNKNOWN_TOPIC_OR_PARTITION, though this broker should lead it. */
  known = false;
  leader = -1;
  leaderEpoch = -1;
  /** zkVersion of the state znode. */
  partitionEpoch = -1;
  replicas = NO_REPLICAS;
  /** Those that a reassignment adds. */
  addingReplicas = NO_REPLICAS;
  /** Everything below it is committed. */
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
  watchers: Set<DelayedOperation> | undefined;
  marked = false;
  readonly #seams: PartitionSeams;
  #leading: LeaderState | undefined;
  #following: FollowerState | undefined;
  #controllerEpoch = -1;
  /** What the log was told in this term: true, it lets acks=all through as soon as it is written; undefined, nothing yet. */
  #alone: boolean | undefined;
  /** As the log was told last. */
  #toldWatermark = -1;

  constructor(topic: TopicName, index: number, internal: boolean, seams: PartitionSeams) {
    this.topic = topic;
    this.index = index;
    this.internal = internal;
    this.#seams = seams;
  }

  /** While this broker leads it. */
  get leading(): LeaderState | undefined {
    return this.#leading;
  }

  /** While another one does. */
  get following(): FollowerState | undefined {
    return this.#following;
  }

  get role(): Role {
    if (this.#leading !== undefined) return 'leader';
    return this.#following !== undefined ? 'follower' : 'none';
  }

  /** Joins the log; from here on its appends move this partition. */
  attach(log: PartitionLog, highWatermark: number): void {
    this.log = log;
    log.producers.reinstate();
    this.highWatermark = Math.max(log.startOffset, Math.min(highWatermark, log.endOffset));
    log.onAppended = () => this.#endMoved();
    log.onTruncated = () => this.#truncated();
  }

  /** `epochStart`: where the epoch begins in the log, which has fenced everything older (PartitionLog.beginEpoch). */
  becomeLeader(change: LeadershipChange, epochStart: number): void {
    const now = this.#seams.now();
    // A new leader appends nothing: it notes where its epoch begins (Partition.scala).
    this.log!.epochs.assign(change.leaderEpoch, epochStart);
    this.#adopt(change);
    this.#leading = new LeaderState({ ...change, brokerId: this.#seams.brokerId, epochStart }, now, this.#leading);
    this.#following = undefined;
    this.#raiseWatermark(this.#leading);
    this.#moved();
  }

  /** At once. The log has to fence what is queued from the time before. */
  becomeFollower(change: LeadershipChange): void {
    this.#endLeading(ErrorCode.NotLeaderOrFollower);
    this.#adopt(change);
    this.#following = new FollowerState(change.leader, change.leaderEpoch);
    this.#moved();
  }

  /** The replica leaves this broker. */
  stop(): void {
    this.#endRole(ErrorCode.NotLeaderOrFollower);
  }

  /** Its log directory failed. */
  goOffline(): void {
    this.offline = true;
    this.#endRole(ErrorCode.KafkaStorageError);
    const { log } = this;
    if (log !== undefined && this.watchers !== undefined && this.watchers.size > 0) this.#seams.watch(log.index, false);
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
    return this.#leading !== undefined ? ErrorCode.None : ErrorCode.NotLeaderOrFollower;
  }

  /** Fewer in sync than acks=all asks for. */
  get underMinIsr(): boolean {
    return this.#leading?.isUnderMinIsr(this.minInsyncReplicas) === true;
  }

  /** An append is committed as soon as it is written: nobody else has to have it. */
  get commitsAlone(): boolean {
    return this.#alone === true;
  }

  /** A new leader does not know yet how far its predecessor had committed (KIP-207). */
  get watermarkIsBehindEpoch(): boolean {
    return this.#leading !== undefined && this.highWatermark < this.#leading.epochStart;
  }

  /** Where read_committed ends: at the oldest transaction that is undecided, or whose decision is not committed; at the high watermark where there is none. */
  get lastStableOffset(): number {
    const unstable = this.log!.producers.firstUnstableOffset;
    return unstable === undefined ? this.highWatermark : Math.min(unstable, this.highWatermark);
  }

  /** `replica` is another broker that this partition is assigned to: of nobody else a fetch is believed to be a follower's. */
  hasFollower(replica: number): boolean {
    return this.#leading?.remote(replica) !== undefined;
  }

  /** A follower (hasFollower) fetched from `offset`, and no divergence was found: it has everything below. */
  followerFetched(replica: number, offset: number, startOffset: number, brokerEpoch: number): void {
    const leading = this.#leading!;
    const remote = leading.remote(replica)!;
    const before = remote.endOffset;
    remote.fetched(offset, startOffset, this.log!.endOffset, this.#seams.now(), brokerEpoch);
    // While the leader commits alone its log has acknowledged what we have not heard of yet: whether the follower has all that
    // is committed can only be said once the log has stopped that.
    if (this.#alone === true) this.#raiseWatermark(leading);
    const joins = leading.canJoin(remote, this.highWatermark) && this.#seams.isAlive(replica);
    if (joins) this.#askToJoin(leading, remote);
    if (joins || before !== offset) this.#raiseWatermark(leading);
  }

  /** The leader's watermark, told when what came with it is in the log: ours is the lesser of it and our end. */
  adoptWatermark(highWatermark: number): void {
    const [following, log] = [this.#following, this.log];
    if (following === undefined || log === undefined) return;
    following.leaderHighWatermark = highWatermark;
    this.#setWatermark(following.highWatermarkWithin(log.startOffset, log.endOffset));
  }

  /** Its topic's settings changed. */
  reconfigured(): void {
    if (this.#leading !== undefined && this.log !== undefined) this.#raiseWatermark(this.#leading);
  }

  /** Members of the ISR that lag are to leave it. Called every now and then. */
  maybeShrinkIsr(): void {
    const leading = this.#leading;
    if (leading === undefined || leading.remotes.length === 0) return;
    const leaving = leading.outOfSync(this.log!.endOffset, this.#seams.now(), this.#seams.maxLagMs);
    if (leaving.length > 0) {
      const from = leading.isr;
      const change = leading.shrink(leaving);
      this.#seams.logger.info({ topic: this.topic, partition: this.index, from: from.join(), to: change.isr.join(), highWatermark: this.highWatermark, endOffset: this.log!.endOffset }, 'shrinking the ISR');
      this.#submit(leading, change);
    }
    // Who has ceased to be caught up, and is in no ISR, holds nothing back any more.
    this.#raiseWatermark(leading);
  }

  /** Where `epoch` ends here: the epoch found and its end, or undefined (LeaderEpochFileCache.java). */
  endOfEpoch(epoch: number): { readonly leaderEpoch: number; readonly endOffset: number } | undefined {
    return this.log?.epochs.endOffsetFor(epoch, this.log.endOffset);
  }

  wait(operation: DelayedOperation): void {
    this.#seams.purgatory.watch(this, operation);
  }

  unwait(operation: DelayedOperation): void {
    this.#seams.purgatory.unwatch(this, operation);
  }

  watched(watched: boolean): void {
    if (this.log !== undefined) this.#seams.watch(this.log.index, watched);
  }

  /** Lets through the acks=all that the watermark has passed: once, however often it moved. */
  settle(): void {
    const leading = this.#leading;
    if (leading === undefined || this.#alone === true || this.highWatermark === this.#toldWatermark || this.log === undefined) return;
    this.#toldWatermark = this.highWatermark;
    const tooFew = leading.maximalIsr.length < leading.effectiveMinIsr(this.minInsyncReplicas);
    this.log.advance(this.highWatermark, tooFew ? ErrorCode.NotEnoughReplicasAfterAppend : ErrorCode.None);
  }

  #adopt(change: LeadershipChange): void {
    this.leader = change.leader;
    this.leaderEpoch = change.leaderEpoch;
    this.partitionEpoch = change.partitionEpoch;
    this.replicas = change.replicas;
    this.addingReplicas = change.addingReplicas;
    this.#controllerEpoch = change.controllerEpoch;
  }

  #endRole(code: ErrorCode): void {
    this.#endLeading(code);
    this.#following = undefined;
    this.#moved();
  }

  #endLeading(code: ErrorCode): void {
    if (this.#leading === undefined) return;
    this.#leading = undefined;
    const { log } = this;
    if (log === undefined) return;
    if (this.#alone === true) this.#commitAlone(log, false);
    this.#alone = undefined;
    this.#toldWatermark = -1;
    log.takeBack(code);
  }

  #endMoved(): void {
    if (this.#leading !== undefined) this.#raiseWatermark(this.#leading);
    this.#moved();
  }

  /** Only a follower's log is cut. Says the watermark, which lies within the log. */
  #truncated(): number {
    const { startOffset, endOffset } = this.log!;
    this.#setWatermark(Math.max(startOffset, Math.min(this.highWatermark, endOffset)));
    this.#moved();
    return this.highWatermark;
  }

  #raiseWatermark(leading: LeaderState): void {
    const log = this.log!;
    // It stands still below min ISR (KIP-966's part in 3.9).
    if (leading.isUnderMinIsr(this.minInsyncReplicas)) {
      this.#commitAlone(log, false);
      return;
    }
    const { endOffset } = log;
    if (leading.remotes.length === 0) {
      this.#commitAlone(log, true);
      this.#raiseTo(endOffset);
      return;
    }
    const { offset, alone } = leading.watermark(endOffset, this.#seams.now(), this.#seams.maxLagMs, this.#seams.isAlive);
    this.#commitAlone(log, alone);
    this.#raiseTo(offset);
  }

  /** Where it changes, all that the log has by then is committed: it was acknowledged, or nobody else has to have it. */
  #commitAlone(log: PartitionLog, alone: boolean): void {
    const before = this.#alone;
    if (before === alone) return;
    this.#alone = alone;
    const endOffset = log.commitAlone(alone);
    if (alone || before === true) this.#raiseTo(endOffset);
  }

  #raiseTo(offset: number): void {
    if (offset > this.highWatermark) this.#setWatermark(offset);
  }

  #setWatermark(offset: number): void {
    if (offset === this.highWatermark) return;
    this.highWatermark = offset;
    this.log!.producers.highWatermarkMoved(offset);
    if (this.#alone === true) this.#moved();
    else this.#seams.purgatory.mark(this);
  }

  #moved(): void {
    if (this.watchers !== undefined && this.watchers.size > 0) this.#seams.purgatory.mark(this);
  }

  #askToJoin(leading: LeaderState, remote: RemoteReplica): void {
    const from = leading.isr;
    const change = leading.expand(remote.brokerId);
    this.#seams.logger.info({ topic: this.topic, partition: this.index, from: from.join(), to: change.isr.join() }, 'expanding the ISR');
    this.#submit(leading, change);
  }

  #submit(leading: LeaderState, change: PendingIsr): void {
    const { brokerId, alterIsr } = this.#seams;
    const { topic, index: partition, leaderEpoch, partitionEpoch } = this;
    alterIsr(
      { topic, topicId: this.log!.topicId, partition, leader: brokerId, leaderEpoch, partitionEpoch, isr: change.isr, controllerEpoch: this.#controllerEpoch },
      answer => this.#answered(leading, change, answer),
    );
  }

  #answered(leading: LeaderState, change: PendingIsr, answer: IsrAnswer): void {
    // A new leadership, or a later change, has made it a matter of the past.
    if (this.#leading !== leading || leading.pending !== change || this.log === undefined) return;
    const { logger } = this.#seams;
    const about = { topic: this.topic, partition: this.index, isr: change.isr.join() };
    if ('committed' in answer) {
      const { leaderEpoch, partitionEpoch, isr } = answer.committed;
      if (leaderEpoch !== this.leaderEpoch || partitionEpoch < this.partitionEpoch) return;
      leading.commit(isr);
      this.partitionEpoch = partitionEpoch;
      logger.info({ ...about, isr: isr.join(), partitionEpoch }, 'the ISR is changed');
    } else {
      const { errorCode } = answer;
      const next = afterFailure(errorCode);
      if (next === 'retry') {
        logger.warn({ ...about, errorCode }, 'the ISR could not be changed: trying again');
        this.#submit(leading, change);
        return;
      }
      logger.info({ ...about, errorCode, next }, 'the ISR was not changed');
      if (next === 'wait') return;
      leading.revert();
    }
    this.#raiseWatermark(leading);
  }
}
