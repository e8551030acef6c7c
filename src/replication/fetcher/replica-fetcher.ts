// Fetches from one leader for the partitions that follow it (AbstractFetcherThread.scala, ReplicaFetcherThread.scala).
//
// It goes in rounds, as Kafka's thread does: truncate what has to be truncated; fetch for all that are ready; append what
// came, and see to what the leader refused. The next round begins when the last append of this one has ended, so that one
// answer lies in the arena at a time, and each request says how far we really are.

import type { Clock } from '../../base/clock.js';
import { failure } from '../../base/failure.js';
import type { Logger } from '../../base/logger.js';
import type { Timer, Timers } from '../../base/timers.js';
import type { TurnQueue } from '../../base/turn-queue.js';
import { ReplicaFetchRequest } from '../../protocol/hot/replica-fetch-request.js';
import { AnswerProcessor } from './answer-processor.js';
import type { FetcherContext } from './fetcher-context.js';
import { FollowerFetchSession } from './follower-fetch-session.js';
import type { FollowerAppendEnd } from './followed-partition.js';
import type { FetchAnswer, LeaderEndpoint } from './leader-endpoint.js';
import type { PartitionFetchState } from './partition-fetch-state.js';
import type { ReplicaQuota } from '../replication-quota.js';
import { truncateByEpochs } from './truncating.js';

/** replica.fetch.*, and who we are. */
export interface FetcherSettings {
  readonly brokerId: number;
  readonly minBytes: number;
  /** Of one partition. */
  readonly maxBytes: number;
  readonly responseMaxBytes: number;
  readonly waitMaxMs: number;
  readonly backoffMs: number;
}

export interface FetcherEnvironment {
  readonly settings: FetcherSettings;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly turns: TurnQueue;
  readonly logger: Logger;
  readonly quota: ReplicaQuota;
  /** Of our registration. */
  readonly brokerEpoch: () => number;
}

const TRUNCATED_AT_ONCE = 500;

export class ReplicaFetcher {
  readonly #endpoint: LeaderEndpoint;
  readonly #given: FetcherEnvironment;
  readonly #session = new FollowerFetchSession();
  readonly #request = new ReplicaFetchRequest();
  readonly #states = new Set<PartitionFetchState>();
  readonly #truncating = new Set<PartitionFetchState>();
  /** By when their delay ends: all last equally long. */
  #delayed: PartitionFetchState[] = [];
  readonly #heldBack = new Set<PartitionFetchState>();
  #throttling = false;
  #inRound = false;
  /** Answers in a row that could not be used. */
  #passedOver = 0;
  #wake: Timer | undefined;
  /** The next round begins behind what is done now. */
  #isSoon = false;
  #closed = false;
  readonly #failed: (state: PartitionFetchState) => void;
  readonly #context: FetcherContext;
  readonly #processor: AnswerProcessor;

  /** `failed` hears of each partition that left by itself. */
  constructor(endpoint: LeaderEndpoint, given: FetcherEnvironment, failed: (state: PartitionFetchState) => void) {
    this.#endpoint = endpoint;
    this.#given = given;
    this.#failed = failed;
    this.#context = {
      endpoint,
      logger: given.logger,
      delay: state => this.#delay(state),
      fail: (state, why, error) => this.#fail(state, why, error),
      fenced: state => this.#fenced(state),
      work: (state, what, begin) => this.#work(state, what, begin),
      changed: state => this.#changed(state),
      unforeseen: error => this.#unforeseen(error),
    };
    this.#processor = new AnswerProcessor(this.#context, this.#session, given.turns, given.quota, () => this.#beginRound());
  }

  /** For the states that this fetcher is given. */
  readonly appendEnded = (state: PartitionFetchState, end: FollowerAppendEnd): void => this.#processor.appendEnded(state, end);

  get tellsDivergence(): boolean {
    return this.#endpoint.tellsDivergence;
  }

  get partitionCount(): number {
    return this.#states.size;
  }

  /** How far the slowest partition trails the leader's watermark. */
  get maxLag(): number {
    let most = 0;
    for (const { lag } of this.#states) most = Math.max(most, lag);
    return most;
  }

  add(state: PartitionFetchState): void {
    this.#states.add(state);
    this.#session.follow(state);
    this.#admit(state);
  }

  /** Its log, which was at work for whoever had it before, has come to rest. */
  rested(state: PartitionFetchState): void {
    state.busy = false;
    state.begin(this.#endpoint.tellsDivergence);
    this.#session.changed(state);
    this.#admit(state);
  }

  #admit(state: PartitionFetchState): void {
    if (state.busy) return;
    if (state.partition.log === undefined) {
      this.#fail(state, 'its log cannot be had');
      return;
    }
    if (state.truncating) this.#truncating.add(state);
    this.#roundSoon();
  }

  remove(state: PartitionFetchState): void {
    state.gone = true;
    this.#states.delete(state);
    this.#truncating.delete(state);
    this.#heldBack.delete(state);
    this.#session.leave(state);
  }

  adoptTopicId(state: PartitionFetchState, topicId: string): void {
    state.topicId = topicId;
    this.#session.changed(state);
    this.#roundSoon();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.cancel();
    for (const state of this.#states) state.gone = true;
    this.#states.clear();
    this.#endpoint.close();
  }

  /** Behind whatever adds further partitions now, so that one request tells of all. */
  #roundSoon(): void {
    if (this.#inRound || this.#isSoon) return;
    this.#roundIn(0);
    this.#isSoon = true;
  }

  #roundIn(ms: number): void {
    this.#wake?.cancel();
    this.#isSoon = false;
    if (this.#closed) return;
    this.#wake = this.#given.timers.after(ms, () => {
      this.#wake = undefined;
      this.#isSoon = false;
      this.#beginRound();
    });
  }

  #beginRound(): void {
    if (this.#closed) return;
    this.#inRound = true;
    this.#endDelays();
    if (this.#truncating.size === 0) this.#fetch();
    else void this.#truncateAll().catch((error: unknown) => this.#unforeseen(error)).then(() => this.#fetch());
  }

  async #truncateAll(): Promise<void> {
    while (this.#truncating.size > 0 && !this.#closed) {
      const states: PartitionFetchState[] = [];
      for (const state of this.#truncating) {
        if (states.length === TRUNCATED_AT_ONCE) break;
        this.#truncating.delete(state);
        // It comes back when it is ready again.
        if (!state.isDelayed && !state.busy) states.push(state);
      }
      await truncateByEpochs(this.#context, states);
    }
  }

  #fetch(): void {
    this.#inRound = false;
    if (this.#closed) return;
    const { settings, quota, brokerEpoch } = this.#given;
    this.#throttle(quota.exceeded());
    const request = this.#request;
    this.#session.build(request, settings.maxBytes, this.#wants);
    if (this.#session.size === 0 && request.forgotten.partitionCount === 0) {
      this.#rest();
      return;
    }
    request.replicaId = settings.brokerId;
    request.replicaEpoch = brokerEpoch();
    request.minBytes = settings.minBytes;
    request.maxBytes = settings.responseMaxBytes;
    request.maxWaitMs = this.#session.hasMore ? 0 : settings.waitMaxMs;
    request.usesTopicIds = this.#session.canUseTopicIds && this.#endpoint.takesTopicIds;
    this.#inRound = true;
    this.#endpoint.fetch(request, this.#taken, this.#fetchFailed);
  }

  readonly #wants = (state: PartitionFetchState): boolean => {
    if (!state.isReadyForFetch) return false;
    const { partition } = state;
    // Whoever saw its directory fail will take it away.
    if (partition.log === undefined) {
      this.#delay(state);
      return false;
    }
    // One in sync is not throttled: it would leave the ISR only to come back.
    if (!this.#throttling || state.isReplicaInSync || !this.#given.quota.isThrottled(partition.topic, partition.index)) return true;
    this.#heldBack.add(state);
    return false;
  };

  #throttle(exceeded: boolean): void {
    if (exceeded && !this.#throttling) this.#session.allChanged();
    if (!exceeded && this.#heldBack.size > 0) {
      for (const state of this.#heldBack) this.#session.changed(state);
      this.#heldBack.clear();
    }
    this.#throttling = exceeded;
  }

  /** Nobody is ready: until somebody is. */
  #rest(): void {
    const { clock, settings } = this.#given;
    const next = this.#delayed[0]?.delayedUntil;
    if (next !== undefined) this.#roundIn(Math.max(Math.ceil(next - clock.monotonic()), 0));
    else if (this.#heldBack.size > 0) this.#roundIn(settings.backoffMs);
  }

  readonly #fetchFailed = (error: Error): void => {
    if (this.#closed) return;
    this.#given.logger.warn({ leader: this.#endpoint.brokerId, error: String(error) }, 'a fetch from a leader failed');
    this.#session.handleError();
    this.#delayAll();
    this.#beginRound();
  };

  readonly #taken = (answer: FetchAnswer): void => {
    if (this.#closed) {
      answer.release();
      return;
    }
    const { rows } = answer;
    const handled = this.#session.handleAnswer(rows);
    if (handled !== 'taken') {
      answer.release();
      this.#given.logger.info({ leader: this.#endpoint.brokerId, errorCode: rows.errorCode, partitions: rows.partitionCount }, 'the answer to a fetch cannot be used');
      // Once, the session is just begun anew. A leader that goes on like that is not asked without a pause.
      if (handled === 'failed' || ++this.#passedOver > 1) this.#delayAll();
      this.#beginRound();
      return;
    }
    this.#passedOver = 0;
    this.#processor.process(answer);
  };

  async #work(state: PartitionFetchState, what: string, begin: () => Promise<void>): Promise<boolean> {
    state.busy = true;
    let error: unknown;
    try {
      await begin();
    } catch (thrown) {
      error = thrown;
    }
    state.busy = false;
    if (state.gone) {
      state.rested?.();
      return false;
    }
    if (error !== undefined) {
      this.#fail(state, `${what} failed`, error);
      return false;
    }
    return true;
  }

  #changed(state: PartitionFetchState): void {
    if (state.gone) return;
    if (state.truncating) this.#truncating.add(state);
    this.#session.changed(state);
  }

  #delay(state: PartitionFetchState): void {
    if (state.isDelayed || state.gone) return;
    state.delay(this.#given.clock.monotonic() + this.#given.settings.backoffMs);
    this.#delayed.push(state);
    this.#session.changed(state);
  }

  #delayAll(): void {
    for (const state of this.#states) this.#delay(state);
  }

  #endDelays(): void {
    const now = this.#given.clock.monotonic();
    let ended = 0;
    for (const state of this.#delayed) {
      if (state.delayedUntil > now) break;
      ended++;
      state.endDelay();
      if (!state.gone) this.#changed(state);
    }
    if (ended > 0) this.#delayed = this.#delayed.slice(ended);
  }

  #fenced(state: PartitionFetchState): void {
    this.#fail(state, `the leader knows a newer epoch than ${state.leaderEpoch}: it is fetched again when we are told of it`);
  }

  #fail(state: PartitionFetchState, why: string, error?: unknown): void {
    if (state.gone) return;
    const { topic, index } = state.partition;
    this.#given.logger.warn({ topic, partition: index, leader: this.#endpoint.brokerId, why, ...(error === undefined ? {} : { error: failure(error) }) }, 'a partition is no longer fetched');
    this.remove(state);
    this.#failed(state);
  }

  #unforeseen(error: unknown): void {
    this.#given.logger.error({ leader: this.#endpoint.brokerId, error: failure(error) }, 'a replica fetcher failed at part of its work');
  }
}
