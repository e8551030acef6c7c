// One fetch on its way: reads its partitions, answers when there is enough, or waits for more (ReplicaManager.fetchMessages,
// DelayedFetch.scala).
//
// What ends it at once: enough bytes, an error that its reading met, an epoch that parted, a partition whose log has gone
// on to another segment. A partition that the broker does not know ends nothing, unless no other was asked for.
//
// Reading is from memory where it can be; where only a log thread can tell, the task goes on when that has told. Slices
// that were found and turn out to be too little are let go before the wait, so that waiting fetches hold nothing.
//
// A fetch of very many partitions goes through them in turns that give way to everybody else. What moves meanwhile in a
// partition that was passed already is noticed before it waits. It stays with its partitions from its first wait to its
// end, rather than leave and join thousands of them each time one moves.

import { Deadline, type TimerWheel } from '../../base/timer-wheel.js';
import type { TurnQueue } from '../../base/turn-queue.js';
import type { Located } from '../../log/partition-log.js';
import { FirstBatch } from '../../native/exchange.js';
import { ErrorCode } from '../../protocol/errors.js';
import { appendErrorCode } from '../produce/append-errors.js';
import type { Partition } from '../../replication/partition.js';
import type { DelayedOperation } from '../../replication/purgatory.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import type { FetchEntry } from './fetch-entry.js';
import { isKnown, leadershipProblem, lookAt, readableEnd, refuseFor, whereWaysPart, type ReadRules } from './fetch-read.js';

/** More partitions than this are gone through in turns; a turn looks at the clock each time it has done so many. */
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
/** Between two looks at so many partitions, for each: so that one fetch of theirs takes no more than a part of the time. */
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
  /** Hears of appends to logs that are waited for since a moment ago. */
  readonly lookAgain: () => void;
}

export class FetchTask implements DelayedOperation {
  /** Once it runs: those known, in the order asked, and behind them the others. */
  readonly entries: FetchEntry[];
  /** How many of them the broker knows. Only these are read and waited for. */
  known = 0;
  readonly #rules: ReadRules;
  readonly #limits: FetchLimits;
  readonly #environment: FetchEnvironment;
  readonly #answer: () => void;
  readonly #broke: (error: unknown) => void;
  readonly #waitingAt: Partition[] = [];
  readonly #deadline = new Deadline(() => this.#expired());
  /** Goes through its partitions in turns. */
  readonly #large: boolean;
  #next = 0;
  #unknown: FetchEntry[] | undefined;
  #bytes = 0;
  /** Bytes that there are, answered or not, of each partition up to its own limit: these end a wait. */
  #available = 0;
  #slices = 0;
  #urgent = false;
  #state: 'reading' | 'joining' | 'resting' | 'waiting' | 'over' = 'reading';
  #lastTry = false;
  #armed = false;
  /** A log thread was asked in this look: time has passed since its first partition was read. */
  #wentCold = false;
  /** Of a large one: something moved since its last look began; it has looked in vain; when it may look again. */
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
    return this.#state === 'over';
  }

  /** Once. Answers before it returns, where it can and there are not very many partitions. */
  run(): void {
    if (!this.#large) {
      try {
        this.#sortSome(this.entries.length);
      } catch (error) {
        this.#break(error);
        return;
      }
      this.#look();
      return;
    }
    this.#inTurns(() => this.#sortSome(AT_ONCE), () => this.#look());
  }

  #look(): void {
    this.#state = 'reading';
    this.#wentCold = false;
    this.#stirred = false;
    this.#looks++;
    this.#next = 0;
    this.#bytes = 0;
    this.#available = 0;
    this.#slices = 0;
    this.#urgent = this.known === 0 || this.#limits.maxWaitMs <= 0 || this.#lastTry;
    this.#readOn();
  }

  /** Nobody is there to be answered any more. */
  abandon(): void {
    if (this.#state === 'over') return;
    this.#end();
    this.#releaseAll();
  }

  /** A partition moved: high watermark, leadership, or its end. */
  moved(): void {
    if (this.#large) {
      this.#stirred = true;
      if (this.#state === 'waiting') this.#lookOrRest();
    } else if (this.#state === 'waiting' && this.#hasMoved()) {
      this.#leaveWaiters();
      this.#look();
    }
  }

  #hasMoved(): boolean {
    try {
      return this.#mayFindSomething();
    } catch (error) {
      this.#break(error);
      return false;
    }
  }

  #break(error: unknown): void {
    // What comes behind its end is not the fetch's.
    if (this.over) throw error;
    this.abandon();
    this.#broke(error);
  }

  /** Puts up to `most` further partitions in their place; false where none are left. */
  #sortSome(most: number): boolean {
    const { entries } = this;
    for (const end = Math.min(entries.length, this.#next + most); this.#next < end; this.#next++) {
      const entry = entries[this.#next]!;
      if (isKnown(entry, this.#rules.apiVersion, this.#environment.replicas.metadata)) entries[this.known++] = entry;
      else (this.#unknown ??= []).push(entry);
    }
    if (this.#next < entries.length) return true;
    if (this.#unknown !== undefined) for (const [at, entry] of this.#unknown.entries()) entries[this.known + at] = entry;
    return false;
  }

  #readOn(): void {
    if (!this.#large) {
      try {
        if (this.#readSome(this.known) === 'end') this.#decide();
      } catch (error) {
        this.#break(error);
      }
      return;
    }
    let reached: 'more' | 'end' | 'cold' = 'more';
    this.#inTurns(() => (reached = this.#readSome(AT_ONCE)) === 'more', () => { if (reached === 'end') this.#decide(); });
  }

  /** Looks at up to `most` further partitions. 'cold': a log thread has to look first, and reading goes on when it has. */
  #readSome(most: number): 'more' | 'end' | 'cold' {
    const first = this.#looks === 1;
    const end = Math.min(this.known, this.#next + most);
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
      // Beyond what may be read, or in a segment that gets nothing more: there is nothing to wait for.
      if (entry.fetchOffset > below || (entry.fetchOffset < below && entry.segment < active && active < below)) this.#urgent = true;
      if (entry.fetchOffset < below && !this.#read(entry, partition, below)) return 'cold';
    }
    return end < this.known ? 'more' : 'end';
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
    this.#wentCold = true;
    log.locate(entry.fetchOffset, below, room, first, (cold, code) => {
      if (this.#state === 'over') {
        if (cold !== null) this.#environment.releaseSlice(cold.slice);
        return;
      }
      if (code !== 0) {
        refuseFor(entry, appendErrorCode(code), this.#rules, this.#environment.replicas);
        this.#urgent = true;
      } else this.#take(entry, cold, first, room);
      this.#readOn();
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

  #decide(): void {
    const { minBytes } = this.#limits;
    if (this.#urgent || this.#bytes >= minBytes || this.#available >= minBytes) {
      this.#end();
      this.#answer();
      return;
    }
    this.#releaseAll();
    if (!this.#armed) {
      this.#armed = true;
      this.#environment.wheel.add(this.#deadline, this.#limits.maxWaitMs);
    }
    if (!this.#large) this.#wait();
    else if (this.#waitingAt.length === 0) this.#join();
    else this.#waitOn();
  }

  #wait(): void {
    this.#state = 'waiting';
    let moved = false;
    for (let at = 0; at < this.known; at++) moved = this.#joinOne(this.entries[at]!) || moved;
    if (moved && this.#wentCold) this.moved();
  }

  /** Waits at the entry's partition, and says whether that moved since it was looked at. */
  #joinOne(entry: FetchEntry): boolean {
    const partition = this.#environment.replicas.find(entry.topic, entry.index);
    if (partition === undefined) return true;
    this.#waitingAt.push(partition);
    partition.wait(this);
    return partition.log === undefined || partition.role === 'none' || partition.highWatermark !== entry.highWatermark
      || (this.#rules.replicaId >= 0 && partition.log.endOffset !== entry.endOffset);
  }

  #join(): void {
    this.#state = 'joining';
    let next = 0;
    this.#inTurns(() => {
      for (const end = Math.min(this.known, next + AT_ONCE); next < end; next++) if (this.#joinOne(this.entries[next]!)) this.#stirred = true;
      return next < this.known;
    }, () => {
      this.#waitOn();
      // The watches are set outside a drain: an append just before told nobody.
      this.#environment.lookAgain();
    });
  }

  #waitOn(): void {
    this.#state = 'waiting';
    if (this.#stirred || this.#lastTry) this.#lookOrRest();
  }

  /** The first news is looked at at once; a fetch that looked again in vain rests before the next look. */
  #lookOrRest(): void {
    if (this.#looks === 1 || this.#lastTry) {
      this.#look();
      return;
    }
    this.#state = 'resting';
    this.#rest ??= new Deadline(() => { if (this.#state === 'resting') this.#look(); });
    this.#environment.wheel.add(this.#rest, this.known * REST_MS);
  }

  /** Steps of a large one, as long as somebody is there to be answered. */
  #inTurns(step: () => boolean, done: () => void): void {
    this.#environment.turns.work(() => !this.over && step(), () => { if (!this.over) done(); }, error => this.#break(error));
  }

  /** Saves a whole look where nothing that matters moved. */
  #mayFindSomething(): boolean {
    const rules = this.#rules;
    for (let at = 0; at < this.known; at++) {
      const entry = this.entries[at]!;
      const partition = this.#environment.replicas.find(entry.topic, entry.index);
      if (partition?.log === undefined || partition.role === 'none') return true;
      if (leadershipProblem(entry, partition, rules) !== 0) return true;
      if (entry.fetchOffset !== readableEnd(partition, rules) || whereWaysPart(entry, partition) !== undefined) return true;
    }
    return false;
  }

  #expired(): void {
    this.#lastTry = true;
    if (this.#state === 'waiting' || this.#state === 'resting') {
      if (!this.#large) this.#leaveWaiters();
      this.#look();
    } else this.#urgent = true;
  }

  #end(): void {
    this.#state = 'over';
    this.#environment.wheel.remove(this.#deadline);
    if (this.#rest !== undefined) this.#environment.wheel.remove(this.#rest);
    if (!this.#large) {
      this.#leaveWaiters();
      return;
    }
    const left = this.#waitingAt;
    if (left.length > 0) this.#environment.turns.work(() => {
      for (const partition of left.splice(-AT_ONCE)) partition.unwait(this);
      return left.length > 0;
    }, () => {}, () => {});
  }

  #leaveWaiters(): void {
    for (const partition of this.#waitingAt) partition.unwait(this);
    this.#waitingAt.length = 0;
  }

  #releaseAll(): void {
    for (const entry of this.entries) {
      entry.letGo(this.#environment.releaseSlice);
      entry.length = 0;
    }
    this.#bytes = 0;
  }
}
