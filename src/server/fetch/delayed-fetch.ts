// One fetch on its way: reads its partitions, answers when there is enough, or waits for more (ReplicaManager.fetchMessages,
// DelayedFetch.scala).
//
// What ends it at once: enough bytes, an error that its reading met, an epoch that parted, a better replica to read from, a
// partition whose log has gone on to another segment. A partition that the broker does not know ends nothing, unless no
// other was asked for.
//
// Reading is from memory where it can be; where only a log thread can tell, the fetch goes on when that has told. Slices
// that were found and turn out to be too little are let go before the wait, so that waiting fetches hold nothing.
//
// It goes in steps of so many partitions. A fetch of few takes them one behind the other; one of very many in turns that give way to
// everybody else, and it rests between two looks. It is watched at its partitions from its first wait to its end.

import { Deadline, type TimerWheel } from '../../base/timer-wheel.js';
import type { TurnQueue } from '../../base/turn-queue.js';
import type { Located } from '../../log/partition-log.js';
import { FirstBatch } from '../../native/exchange.js';
import { ErrorCode } from '../../protocol/errors.js';
import { appendErrorCode } from '../produce/append-errors.js';
import type { Partition } from '../../replication/partition.js';
import type { DelayedOperation } from '../../replication/purgatory.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import type { ReplicaQuota } from '../../replication/replication-quota.js';
import type { FetchEntry } from './fetch-entry.js';
import { isKnown, leadershipProblem, lookAt, readableEnd, refuseFor, whereWaysPart, type ReadRules } from './fetch-read.js';

/** More partitions than this are gone through in turns; a step is so many. */
export const LARGE = 1000;
export const AT_ONCE = 256;
/** More pieces than this no answer has: what is beyond comes with the next fetch. */
const MOST_SLICES = 4096;
/** Bytes of a record batch without a record. */
const SMALLEST_BATCH = 61;
/** From here on the first batch comes whole, and of later ones no piece; before, the limits are hard, and cut (KIP-74). */
const WHOLE_BATCHES_FROM = 3;
/** Of FetchEntry.segment. */
const AN_OLDER_ONE = -1;
/** Between two looks at very many partitions, for each: so that one fetch of theirs takes no more than a part of the time. */
const REST_MS = 1 / 250;

export interface FetchLimits {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
}

export interface FetchEnvironment {
  readonly replicas: ReplicaManager;
  readonly wheel: TimerWheel;
  readonly releaseSlice: (slice: number) => void;
  readonly turns: TurnQueue;
  /** What followers that lag may be given. */
  readonly quota: ReplicaQuota;
  /** Hears of appends to logs that are waited for since a moment ago. */
  readonly lookAgain: () => void;
}

/** `asking`: a log thread looks. `resting`: something moved, and is looked at a little later. */
type Stage = 'sorting' | 'reading' | 'asking' | 'joining' | 'waiting' | 'resting' | 'over';

export class DelayedFetch implements DelayedOperation {
  /** Once it runs: those known, in the order asked, and behind them the others. */
  readonly entries: FetchEntry[];
  /** How many of them the broker knows. Only these are read and waited for. */
  known = 0;
  readonly #rules: ReadRules;
  readonly #limits: FetchLimits;
  readonly #environment: FetchEnvironment;
  readonly #answer: () => void;
  readonly #broke: (error: unknown) => void;
  readonly #watchedAt: Partition[] = [];
  readonly #deadline = new Deadline(() => this.#expired());
  /** Takes its steps in turns. */
  readonly #large: boolean;
  #stage: Stage = 'sorting';
  #next = 0;
  #unknown: FetchEntry[] | undefined;
  #bytes = 0;
  /** Bytes that there are, answered or not, of each partition up to its own limit: these end a wait. */
  #available = 0;
  #slices = 0;
  #urgent = false;
  #lastTry = false;
  #joined = false;
  /** Time has passed since the first partition of this look was read. */
  #paused = false;
  /** Something moved since this look began. */
  #stirred = false;
  #looks = 0;
  #rest: Deadline | undefined;

  /**
   * `answer` is called once, maybe from inside run(); the entries' slices are then the caller's. Or `broke` is: partitions
   * tell many that they moved, and what fails for one must not keep it from the others.
   */
  constructor(
    entries: FetchEntry[], rules: ReadRules, limits: FetchLimits, environment: FetchEnvironment, answer: () => void, broke: (error: unknown) => void,
  ) {
    this.entries = entries;
    this.#rules = rules;
    this.#limits = limits;
    this.#environment = environment;
    this.#answer = answer;
    this.#broke = broke;
    this.#large = entries.length > LARGE;
  }

  get over(): boolean {
    return this.#stage === 'over';
  }

  /** Once. Answers before it returns, where it can and there are not very many partitions. */
  run(): void {
    this.#goOn();
  }

  /** Nobody is there to be answered any more. */
  abandon(): void {
    if (this.over) return;
    this.#end();
    this.#releaseAll();
  }

  /** A partition moved: high watermark, leadership, or its end. */
  moved(): void {
    this.#stirred = true;
    if (this.#stage === 'waiting') this.#lookOrRest();
  }

  #goOn(): void {
    if (this.#large) {
      this.#environment.turns.work(() => this.#step(), () => {}, error => this.#break(error));
      return;
    }
    try {
      while (this.#step());
    } catch (error) {
      this.#break(error);
    }
  }

  /** Does a part; false where there is nothing more to do at present. */
  #step(): boolean {
    switch (this.#stage) {
      case 'sorting': return this.#sortSome();
      case 'reading': return this.#readSome();
      case 'joining': return this.#joinSome();
      default: return false;
    }
  }

  #break(error: unknown): void {
    // What comes behind its end is not the fetch's.
    if (this.over) throw error;
    this.abandon();
    this.#broke(error);
  }

  #sortSome(): boolean {
    const { entries } = this;
    for (const end = Math.min(entries.length, this.#next + AT_ONCE); this.#next < end; this.#next++) {
      const entry = entries[this.#next]!;
      if (isKnown(entry, this.#rules.apiVersion, this.#environment.replicas.metadata)) entries[this.known++] = entry;
      else (this.#unknown ??= []).push(entry);
    }
    if (this.#next < entries.length) return true;
    if (this.#unknown !== undefined) for (const [at, entry] of this.#unknown.entries()) entries[this.known + at] = entry;
    this.#beginLook();
    return true;
  }

  #beginLook(): void {
    this.#stage = 'reading';
    // Of very many some may move while others are read.
    this.#paused = this.#large;
    this.#stirred = false;
    this.#looks++;
    this.#next = 0;
    this.#bytes = 0;
    this.#available = 0;
    this.#slices = 0;
    this.#urgent = this.known === 0 || this.#limits.maxWaitMs <= 0 || this.#lastTry;
  }

  #look(): void {
    this.#beginLook();
    this.#goOn();
  }

  #readSome(): boolean {
    const first = this.#looks === 1;
    const end = Math.min(this.known, this.#next + AT_ONCE);
    while (this.#next < end) {
      const entry = this.entries[this.#next++]!;
      const found = lookAt(entry, this.#rules, this.#environment.replicas, first);
      if (found === undefined) {
        this.#urgent = true;
        continue;
      }
      const { partition, below } = found;
      const active = partition.log!.activeSegmentBase;
      if (first) entry.segment = entry.fetchOffset >= active ? active : AN_OLDER_ONE;
      // Beyond what may be read there is nothing to wait for.
      if (entry.fetchOffset > below) this.#urgent = true;
      if (entry.fetchOffset >= below || this.#isThrottled(partition)) continue;
      // Nor in a segment that gets nothing more.
      if (entry.segment < active && active < below) this.#urgent = true;
      if (!this.#read(entry, partition, below)) return false;
    }
    return end < this.known || this.#decide();
  }

  /** A follower that is not in sync is given nothing beyond the rate; one that is must not fall out for it (shouldLeaderThrottle). */
  #isThrottled(partition: Partition): boolean {
    const { replicaId } = this.#rules;
    if (replicaId < 0) return false;
    const { quota } = this.#environment;
    return quota.isThrottled(partition.topic, partition.index) && partition.leading?.isr.includes(replicaId) !== true && quota.exceeded();
  }

  /** False: a log thread has to look, and reading goes on when it has. */
  #read(entry: FetchEntry, partition: Partition, below: number): boolean {
    if (this.#slices >= MOST_SLICES) {
      this.#urgent = true;
      return true;
    }
    if (entry.maxBytes < 0 || this.#limits.maxBytes < 0) {
      // Kafka's read throws there, and the partition is answered UNKNOWN_SERVER_ERROR.
      entry.refuse(ErrorCode.InvalidRequest);
      this.#urgent = true;
      return true;
    }
    const room = Math.max(0, Math.min(entry.maxBytes, this.#limits.maxBytes - this.#bytes));
    const cuts = this.#rules.apiVersion < WHOLE_BATCHES_FROM;
    const first = cuts ? FirstBatch.cut : this.#bytes === 0 ? FirstBatch.whole : FirstBatch.wholeOrNothing;
    if (first !== FirstBatch.whole && room < (cuts ? 1 : SMALLEST_BATCH)) {
      this.#leaveOut(entry, room);
      return true;
    }
    const log = partition.log!;
    const located = log.locateHot(entry.fetchOffset, below, room, first);
    if (located !== undefined) {
      this.#take(entry, located, first, room);
      return true;
    }
    this.#stage = 'asking';
    this.#paused = true;
    log.locate(entry.fetchOffset, below, room, first, (cold, code) => {
      if (this.over) {
        if (cold !== null) this.#environment.releaseSlice(cold.slice);
        return;
      }
      if (code !== 0) {
        refuseFor(entry, appendErrorCode(code), this.#rules, this.#environment.replicas);
        this.#urgent = true;
      } else this.#take(entry, cold, first, room);
      this.#stage = 'reading';
      this.#goOn();
    });
    return false;
  }

  #take(entry: FetchEntry, located: Located | null, first: FirstBatch, room: number): void {
    if (located === null) {
      if (first === FirstBatch.wholeOrNothing) this.#leaveOut(entry, room);
      return;
    }
    this.#available += Math.min(located.length, entry.maxBytes);
    entry.slice = located.slice;
    entry.length = located.length;
    this.#bytes += located.length;
    this.#slices++;
  }

  /** There is something, and too little room left for it. */
  #leaveOut(entry: FetchEntry, room: number): void {
    // Where the partition's own limit left room for more, its first batch at least is longer than the room.
    this.#available += room < entry.maxBytes ? room + 1 : room;
    // Kafka's records of the partition are then replaced by none, and with them what they say of transactions.
    if (room > 0) entry.details = undefined;
  }

  /** Everything is read: it answers, or waits. */
  #decide(): boolean {
    const { minBytes } = this.#limits;
    if (this.#urgent || this.#bytes >= minBytes || this.#available >= minBytes) {
      this.#end();
      this.#answer();
      return false;
    }
    this.#releaseAll();
    if (this.#joined) {
      this.#wait();
      return false;
    }
    this.#joined = true;
    this.#environment.wheel.add(this.#deadline, this.#limits.maxWaitMs);
    this.#stage = 'joining';
    this.#next = 0;
    return true;
  }

  #joinSome(): boolean {
    for (const end = Math.min(this.known, this.#next + AT_ONCE); this.#next < end; this.#next++) this.#join(this.entries[this.#next]!);
    if (this.#next < this.known) return true;
    this.#wait();
    // Watches that are set outside of a drain: an append just before told nobody.
    if (this.#paused && !this.over) this.#environment.lookAgain();
    return false;
  }

  #join(entry: FetchEntry): void {
    const partition = this.#environment.replicas.find(entry.topic, entry.index);
    if (partition === undefined) {
      this.#stirred = true;
      return;
    }
    this.#watchedAt.push(partition);
    partition.wait(this);
    if (!this.#paused) return;
    this.#stirred ||= partition.log === undefined || partition.role === 'none' || partition.highWatermark !== entry.highWatermark
      || (this.#rules.replicaId >= 0 && partition.log.endOffset !== entry.endOffset);
  }

  #wait(): void {
    this.#stage = 'waiting';
    if (this.#stirred || this.#lastTry) this.#lookOrRest();
  }

  /**
   * Few are looked at at once, where it may find something. Of very many the first news is, and the last; behind a look in vain it rests.
   */
  #lookOrRest(): void {
    if (!this.#large) {
      if (this.#lastTry || this.#mayFindSomething()) this.#look();
      return;
    }
    if (this.#looks === 1 || this.#lastTry) {
      this.#look();
      return;
    }
    this.#stage = 'resting';
    this.#rest ??= new Deadline(() => { if (this.#stage === 'resting') this.#look(); });
    this.#environment.wheel.add(this.#rest, this.known * REST_MS);
  }

  /** Saves a whole look where nothing that matters moved. */
  #mayFindSomething(): boolean {
    const rules = this.#rules;
    try {
      for (let at = 0; at < this.known; at++) {
        const entry = this.entries[at]!;
        const partition = this.#environment.replicas.find(entry.topic, entry.index);
        if (partition?.log === undefined || partition.role === 'none') return true;
        if (leadershipProblem(entry, partition, rules) !== 0 || whereWaysPart(entry, partition) !== undefined) return true;
        if (entry.fetchOffset !== readableEnd(partition, rules) && !this.#isThrottled(partition)) return true;
      }
    } catch (error) {
      this.#break(error);
    }
    return false;
  }

  #expired(): void {
    this.#lastTry = true;
    if (this.#stage === 'waiting' || this.#stage === 'resting') this.#look();
    else this.#urgent = true;
  }

  #end(): void {
    this.#stage = 'over';
    const { wheel, turns } = this.#environment;
    wheel.remove(this.#deadline);
    if (this.#rest !== undefined) wheel.remove(this.#rest);
    const left = this.#watchedAt;
    if (!this.#large) {
      for (const partition of left) partition.unwait(this);
      return;
    }
    if (left.length > 0) turns.work(() => {
      for (const partition of left.splice(-AT_ONCE)) partition.unwait(this);
      return left.length > 0;
    }, () => {}, () => {});
  }

  #releaseAll(): void {
    for (const entry of this.entries) {
      entry.letGo(this.#environment.releaseSlice);
      entry.length = 0;
    }
    this.#bytes = 0;
  }
}
