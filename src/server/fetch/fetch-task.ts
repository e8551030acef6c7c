// One fetch on its way: reads its partitions, answers when there is enough, or waits for more (DelayedFetch.scala).
//
// Reading is from memory where it can be; where only a log thread can tell, the task goes on when that has told. Slices
// that were found and turn out to be too little are let go before the wait, so that waiting fetches hold nothing.

import { Deadline, type TimerWheel } from '../../base/timer-wheel.js';
import type { Located } from '../../log/partition-log.js';
import { appendErrorCode } from '../produce/append-errors.js';
import type { Partition, Waiter } from '../../replication/partition.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import type { FetchEntry } from './fetch-entry.js';
import { lookAt, type ReadRules } from './fetch-read.js';

export interface FetchLimits {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
}

export interface FetchEnvironment {
  readonly replicas: ReplicaManager;
  readonly wheel: TimerWheel;
  readonly releaseSlice: (slice: number) => void;
}

export class FetchTask implements Waiter {
  readonly entries: FetchEntry[];
  readonly #rules: ReadRules;
  readonly #limits: FetchLimits;
  readonly #environment: FetchEnvironment;
  readonly #answer: () => void;
  readonly #waitingAt: Partition[] = [];
  readonly #deadline = new Deadline(() => this.#expired());
  #next = 0;
  #bytes = 0;
  #urgent = false;
  #state: 'reading' | 'waiting' | 'over' = 'reading';
  #lastTry = false;
  #armed = false;
  /** A log thread was asked in this look: time has passed since its first partition was read. */
  #wentCold = false;

  /** `answer` is called once, maybe from inside run(); the entries' slices are then the caller's. */
  constructor(entries: FetchEntry[], rules: ReadRules, limits: FetchLimits, environment: FetchEnvironment, answer: () => void) {
    this.entries = entries;
    this.#rules = rules;
    this.#limits = limits;
    this.#environment = environment;
    this.#answer = answer;
  }

  get over(): boolean {
    return this.#state === 'over';
  }

  run(): void {
    this.#state = 'reading';
    this.#wentCold = false;
    this.#next = 0;
    this.#bytes = 0;
    this.#urgent = this.entries.length === 0 || this.#limits.maxWaitMs <= 0 || this.#lastTry;
    this.#readOn();
  }

  /** Nobody is there to be answered any more. */
  abandon(): void {
    if (this.#state === 'over') return;
    this.#leaveWaiters();
    this.#environment.wheel.remove(this.#deadline);
    this.#state = 'over';
    this.#releaseAll();
  }

  /** A partition moved: high watermark, leadership, or its end. */
  moved(): void {
    if (this.#state === 'waiting' && this.#mayFindSomething()) {
      this.#leave();
      this.run();
    }
  }

  #readOn(): void {
    while (this.#next < this.entries.length) {
      const entry = this.entries[this.#next++]!;
      const found = lookAt(entry, this.#rules, this.#environment.replicas);
      if (found === undefined) {
        if (entry.errorCode !== 0 || entry.details?.divergingEpoch !== undefined) this.#urgent = true;
      } else if (entry.fetchOffset < found.below && !this.#read(entry, found.partition, found.below)) return;
    }
    this.#decide();
  }

  /** False: a log thread has to look, and reading goes on when it has. */
  #read(entry: FetchEntry, partition: Partition, below: number): boolean {
    // The first batch is sent whole however large it is (from v3 on), after that the limits hold.
    const first = this.#bytes === 0 && this.#rules.apiVersion >= 3;
    const room = Math.min(entry.maxBytes, this.#limits.maxBytes - this.#bytes);
    if (room <= 0 && !first) return true;
    const log = partition.log!;
    const located = log.locateHot(entry.fetchOffset, below, Math.max(room, 0), first);
    if (located !== undefined) {
      this.#take(entry, located);
      return true;
    }
    this.#wentCold = true;
    log.locate(entry.fetchOffset, below, Math.max(room, 0), first, (cold, code) => {
      if (this.#state === 'over') {
        if (cold !== null) this.#environment.releaseSlice(cold.slice);
        return;
      }
      if (code !== 0) {
        entry.refuse(appendErrorCode(code));
        this.#urgent = true;
      } else this.#take(entry, cold);
      this.#readOn();
    });
    return false;
  }

  #take(entry: FetchEntry, located: Located | null): void {
    if (located === null) return;
    entry.slice = located.slice;
    entry.length = located.length;
    this.#bytes += located.length;
  }

  #decide(): void {
    if (this.#urgent || this.#bytes >= this.#limits.minBytes) {
      this.#leave();
      this.#state = 'over';
      this.#answer();
      return;
    }
    this.#releaseAll();
    this.#wait();
  }

  #wait(): void {
    this.#state = 'waiting';
    if (!this.#armed) {
      this.#armed = true;
      this.#environment.wheel.add(this.#deadline, this.#limits.maxWaitMs);
    }
    let moved = false;
    for (const entry of this.entries) {
      const partition = this.#environment.replicas.find(entry.topic, entry.index);
      if (partition === undefined) continue;
      this.#waitingAt.push(partition);
      partition.wait(this);
      // While a log thread looked at one partition, another may have moved on.
      moved ||= partition.log === undefined || partition.role === 'none' || partition.highWatermark !== entry.highWatermark
        || (this.#rules.replicaId >= 0 && partition.log.endOffset !== entry.endOffset);
    }
    if (moved && this.#wentCold) this.moved();
  }

  /** Saves a whole look where nothing that matters moved. */
  #mayFindSomething(): boolean {
    for (const entry of this.entries) {
      const partition = this.#environment.replicas.find(entry.topic, entry.index);
      if (partition?.log === undefined || partition.role === 'none') return true;
      if (partition.leadershipError(entry.currentLeaderEpoch) !== 0) return true;
      const below = this.#rules.replicaId >= 0 ? partition.log.endOffset : this.#rules.readCommitted ? partition.lastStableOffset : partition.highWatermark;
      if (entry.fetchOffset < below || entry.fetchOffset > partition.log.endOffset) return true;
    }
    return false;
  }

  #expired(): void {
    this.#lastTry = true;
    if (this.#state === 'waiting') {
      this.#leaveWaiters();
      this.run();
    } else this.#urgent = true;
  }

  #leave(): void {
    this.#leaveWaiters();
    // A look in between does not move the deadline; only the end takes it away.
    if (this.#state !== 'waiting') this.#environment.wheel.remove(this.#deadline);
  }

  #leaveWaiters(): void {
    for (const partition of this.#waitingAt) partition.unwait(this);
    this.#waitingAt.length = 0;
  }

  #releaseAll(): void {
    for (const entry of this.entries) {
      if (entry.slice >= 0) this.#environment.releaseSlice(entry.slice);
      entry.slice = -1;
      entry.length = 0;
    }
    this.#bytes = 0;
  }
}
