// What a follower makes of an answer, partition by partition (processFetchRequest of AbstractFetcherThread.scala,
// processPartitionData of ReplicaFetcherThread.scala).

import type { Logger } from '../../base/logger.js';
import type { TurnQueue } from '../../base/turn-queue.js';
import { ErrorCode } from '../../protocol/errors.js';
import { reactionTo } from './append-end.js';
import type { FetcherContext } from './fetcher-context.js';
import type { FollowedLog, FollowerAppendEnd } from './followed-partition.js';
import type { FollowerFetchSession } from './follower-fetch-session.js';
import type { FetchAnswer } from './leader-endpoint.js';
import { resetOutOfRange } from './out-of-range.js';
import { UNKNOWN_LAG, type PartitionFetchState } from './partition-fetch-state.js';
import type { ReplicaQuota } from '../replication-quota.js';
import { truncateToEpochEnd } from './truncating.js';

/** Answers with more rows than this are gone through in turns. */
const ROWS_AT_ONCE = 128;
/** Rows between two looks at the clock. */
const ROWS_PER_STEP = 16;

/** Goes through one answer at a time. Its records lie in the arena until nobody here reads them any more. */
export class AnswerProcessor {
  readonly #context: FetcherContext;
  readonly #session: FollowerFetchSession;
  readonly #turns: TurnQueue;
  readonly #logger: Logger;
  readonly #quota: ReplicaQuota;
  readonly #ended: () => void;
  #answer!: FetchAnswer;
  /** Rows that were looked at. */
  #row = 0;
  /** What is still waited for: the look at the rows, and all that it began. */
  #pending = 0;
  #outOfRange: PartitionFetchState[] = [];

  /** `ended`: an answer is done with, and released. */
  constructor(context: FetcherContext, session: FollowerFetchSession, turns: TurnQueue, quota: ReplicaQuota, ended: () => void) {
    this.#context = context;
    this.#session = session;
    this.#turns = turns;
    this.#logger = context.logger;
    this.#quota = quota;
    this.#ended = ended;
  }

  /** `answer` was taken by the session. */
  process(answer: FetchAnswer): void {
    this.#answer = answer;
    this.#row = 0;
    this.#pending = 1;
    if (answer.rows.partitionCount <= ROWS_AT_ONCE) {
      while (this.#look());
      this.#looked();
    } else {
      this.#turns.work(() => this.#look(), () => this.#looked(), () => this.#looked());
    }
  }

  /** Looks at some rows of the answer; false when there are no more. */
  #look(): boolean {
    const { partitionCount } = this.#answer.rows;
    for (const end = Math.min(this.#row + ROWS_PER_STEP, partitionCount); this.#row < end; this.#row++) {
      const { state, isAnswered } = this.#session.answered(this.#row);
      if (!isAnswered) continue;
      try {
        this.#process(state!, this.#row);
      } catch (error) {
        this.#context.fail(state!, 'its answer could not be processed', error);
      }
    }
    return this.#row < partitionCount;
  }

  #looked(): void {
    const states = this.#outOfRange;
    if (states.length > 0) {
      this.#outOfRange = [];
      this.#await(resetOutOfRange(this.#context, states));
    }
    this.#done();
  }

  #process(state: PartitionFetchState, at: number): void {
    const errorCode = this.#answer.rows.partitionError[at]!;
    switch (errorCode) {
      case ErrorCode.None:
        this.#processRecords(state, at);
        break;
      case ErrorCode.OffsetOutOfRange:
        this.#outOfRange.push(state);
        break;
      case ErrorCode.FencedLeaderEpoch:
        this.#context.fenced(state);
        break;
      default:
        this.#tellRefusal(state, errorCode);
        this.#context.delay(state);
    }
  }

  #tellRefusal({ partition, fetchOffset }: PartitionFetchState, errorCode: number): void {
    const fields = { topic: partition.topic, partition: partition.index, leader: this.#context.endpoint.brokerId, fetchOffset, errorCode };
    const logger = this.#logger;
    switch (errorCode) {
      // While leadership moves.
      case ErrorCode.UnknownLeaderEpoch:
      case ErrorCode.NotLeaderOrFollower:
        logger.debug(fields, 'the leader of a partition refuses to be it');
        break;
      // While a topic is created or deleted.
      case ErrorCode.UnknownTopicOrPartition:
      case ErrorCode.UnknownTopicId:
      case ErrorCode.InconsistentTopicId:
        logger.warn(fields, 'the leader of a partition does not know it');
        break;
      default:
        logger.error(fields, 'the leader of a partition refuses a fetch');
    }
  }

  #processRecords(state: PartitionFetchState, at: number): void {
    const { rows } = this.#answer;
    const epoch = rows.divergingEpoch[at]!;
    // Its watermark and start are for a log that ends where the leader's does; the next answer tells them again.
    if (this.#context.endpoint.tellsDivergence && epoch >= 0) {
      this.#await(truncateToEpochEnd(this.#context, state, epoch, rows.divergingEnd[at]!));
      return;
    }
    const { log } = state.partition;
    if (log === undefined) {
      this.#context.fail(state, 'its log cannot be had');
      return;
    }
    if (state.fetchOffset !== log.endOffset) {
      this.#context.fail(state, `its log ends at ${log.endOffset}, and ${state.fetchOffset} was fetched`);
      return;
    }
    state.saidWatermark = rows.highWatermark[at]!;
    state.saidStartOffset = rows.logStartOffset[at]!;
    state.recordsAt = rows.recordsAt[at]!;
    state.recordsLength = rows.recordsLength[at]!;
    if (state.recordsLength <= 0) {
      this.#adopt(state, state.fetchOffset, state.lastFetchedEpoch);
      return;
    }
    this.#append(state, log);
  }

  #append(state: PartitionFetchState, log: FollowedLog): void {
    log.appendAsFollower(state.recordsAt, state.recordsLength, state.leaderEpoch, state.appendEnded);
    state.busy = true;
    this.#pending++;
  }

  appendEnded(state: PartitionFetchState, end: FollowerAppendEnd): void {
    state.busy = false;
    if (state.gone) state.rested?.();
    else this.#react(state, end);
    this.#done();
  }

  #react(state: PartitionFetchState, end: FollowerAppendEnd): void {
    switch (reactionTo(end.code)) {
      case 'appended': {
        const quota = this.#quota;
        const { topic, index } = state.partition;
        if (quota.isThrottled(topic, index)) quota.record(state.recordsLength);
        if (end.kept) this.#adopt(state, end.lastOffset + 1, end.leaderEpoch >= 0 ? end.leaderEpoch : state.lastFetchedEpoch);
        else this.#adopt(state, state.fetchOffset, state.lastFetchedEpoch);
        break;
      }
      case 'retry':
        this.#logger.error({ topic: state.partition.topic, partition: state.partition.index, fetchOffset: state.fetchOffset, code: end.code }, 'what a leader sent cannot be appended');
        this.#context.delay(state);
        break;
      case 'misplaced':
        this.#beginEarlier(state);
        break;
      case 'lost':
        this.#context.fail(state, `its log takes nothing more (${end.code})`);
    }
  }

  /**
   * The leader's log starts in the middle of its first batch (records before were deleted), and ours is empty: it begins with
   * that whole batch, and the leader's start offset is adopted behind it. Anywhere else a batch before our end is a contradiction.
   */
  #beginEarlier(state: PartitionFetchState): void {
    const log = state.partition.log!;
    const first = this.#answer.rows.firstBatch(state.recordsAt);
    const { startOffset, endOffset } = log;
    if (startOffset !== endOffset || first.baseOffset >= endOffset || first.lastOffset < endOffset) {
      this.#context.fail(state, `its log ends at ${endOffset}, and the leader sent a batch of ${first.baseOffset} to ${first.lastOffset}`);
      return;
    }
    this.#await(this.#context.work(state, 'emptying its log', () => log.truncateFullyAndStartAt(first.baseOffset)).then(ours => {
      if (ours) this.#append(state, log);
    }));
  }

  /** What came is appended: what the leader said with it holds for us too. */
  #adopt(state: PartitionFetchState, nextOffset: number, leaderEpoch: number): void {
    const { partition } = state;
    partition.adoptWatermark(state.saidWatermark);
    this.#adoptStartOffset(state);
    const moved = nextOffset !== state.fetchOffset;
    if (moved || state.lag === UNKNOWN_LAG) state.lag = Math.max(0, state.saidWatermark - nextOffset);
    if (!moved) return;
    state.fetchOffset = nextOffset;
    state.lastFetchedEpoch = leaderEpoch;
    this.#context.changed(state);
  }

  /** What is deleted at the leader is deleted here, as far as it is committed here. */
  #adoptStartOffset(state: PartitionFetchState): void {
    const { partition } = state;
    const log = partition.log!;
    const startOffset = Math.min(state.saidStartOffset, partition.highWatermark);
    if (startOffset <= log.startOffset) return;
    this.#await(this.#context.work(state, 'raising its start offset', () => log.raiseStartOffset(startOffset)).then(ours => {
      if (ours) this.#context.changed(state);
    }));
  }

  #await(work: Promise<unknown>): void {
    this.#pending++;
    void work.catch((error: unknown) => this.#context.unforeseen(error)).then(() => this.#done());
  }

  #done(): void {
    if (--this.#pending > 0) return;
    this.#answer.release();
    this.#ended();
  }
}
