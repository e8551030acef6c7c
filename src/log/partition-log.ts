// One partition's log as TypeScript sees it: the native log by its index, and beside it what a broker decides with —
// end offset, producer state, leader epochs. The end offset here trails the native one by the completions still on
// their way: it moves when the main isolate hears of an append, in log order.

import type { Clock } from '../base/clock.js';
import type { TopicName } from '../base/topic-name.js';
import { NativeCode } from '../native/codes.js';
import type { Commands } from '../native/commands.js';
import { AppendFlag, FirstBatch, LogFact, MEMORY_CANNOT_TELL, NOTHING_THERE, ScanField, SegmentField, type LogOptions, type NativeExchange } from '../native/exchange.js';
import { NativeError, type JobResult, type Jobs } from '../native/jobs.js';
import { learnBatches } from './kept-batches.js';
import type { LeaderEpochCache } from './leader-epoch-cache.js';
import { replayProducers } from './producer-replay.js';
import type { ProducerSnapshots } from './producer-snapshots.js';
import type { ProducerStateManager } from './producer-state.js';

/** Cookie bits of an append: a pending entry of the producer state belongs to it; somebody here waits for it; it is a follower's. */
export const IDEMPOTENT = 1;
export const AWAITED = 2;
const FOLLOWED = 4;

/** What a log works through. */
export interface LogAccess {
  readonly native: NativeExchange;
  readonly jobs: Jobs;
  readonly commands: Commands;
  readonly clock: Clock;
  /** All of the exchange's arena. */
  readonly arena: DataView;
}

export interface PartitionLogFacts {
  readonly topic: TopicName;
  readonly partition: number;
  readonly topicId: string;
  readonly logDir: string;
  readonly directory: string;
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerStateManager;
  readonly snapshots: ProducerSnapshots;
}

/** Where a read found something: a slice of one segment, to be sent or released. */
export interface Located {
  readonly slice: number;
  readonly length: number;
  /** Base offset of the first batch in it, which may lie below the offset asked for. */
  readonly firstOffset: number;
}

/** A record that a search by time found. */
export interface FoundOffset {
  readonly offset: number;
  readonly timestamp: number;
  /** Of the batch that holds it. */
  readonly leaderEpoch: number;
}

export interface SegmentFacts {
  readonly baseOffset: number;
  readonly bytes: number;
  /** When it was last written to. */
  readonly modified: number;
}

/** How an awaited append ended: base and last offset, or the native code that says why not. */
export type AppendEnd = (code: number, baseOffset: number, lastOffset: number, timestamp: number) => void;

/** How a follower's append ended. */
export interface FollowerAppendEnd {
  /** Of native code; 0: well. */
  readonly code: number;
  /** Of what was kept, which may be less than was given; -1 where that is nothing. */
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Of the last batch that was kept, or -1. */
  readonly leaderEpoch: number;
  readonly kept: boolean;
}

interface FollowerAppend {
  readonly offset: number;
  readonly ended: (end: FollowerAppendEnd) => void;
}

/** An index that no native log has: whatever is asked of it ends like what is asked of a log that is just closing. */
const NOWHERE = 0x7fffffff;

const facts = new Float64Array(LogFact.size);
const BATCHES_PER_SCAN = 1024;

export class PartitionLog {
  readonly topic: TopicName;
  readonly partition: number;
  topicId: string;
  readonly logDir: string;
  /** Changes when the log is renamed on its way out. */
  readonly directory: string;
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerStateManager;
  readonly snapshots: ProducerSnapshots;
  readonly #native: NativeExchange;
  readonly #jobs: Jobs;
  readonly #access: LogAccess;
  readonly #awaited: AppendEnd[] = [];
  readonly #followed: FollowerAppend[] = [];
  #commitsAlone = false;
  /** Index of the native log, for commands; as long as it is not open, of none. */
  index = NOWHERE;
  endOffset = 0;
  startOffset = 0;
  /** Everything below is on disk; where an unclean start begins to look (recovery-point-offset-checkpoint). */
  recoveryPoint = 0;
  /** Base offset of the segment that is written to, as far as is heard: like the end, it trails the native log. */
  activeSegmentBase = 0;
  /** What an append with producer state must name, so that it fails when one queued before it failed. */
  generation = 1;
  /** Called when the end moved. */
  onAppended: () => void = () => {};
  /** Called when the log was cut: it ends at `endOffset` now. Says the high watermark, which cannot be beyond. */
  onTruncated: (endOffset: number) => number = endOffset => endOffset;

  constructor(access: LogAccess, given: PartitionLogFacts) {
    this.#access = access;
    this.#native = access.native;
    this.#jobs = access.jobs;
    this.topic = given.topic;
    this.partition = given.partition;
    this.topicId = given.topicId;
    this.logDir = given.logDir;
    this.directory = given.directory;
    this.epochs = given.epochs;
    this.producers = given.producers;
    this.snapshots = given.snapshots;
  }

  /** Opens the native log; after an unclean stop this rescans from the recovery point. */
  async open(options: LogOptions, recoveryPoint: number, startOffset: number, clean: boolean): Promise<{ rescanned: number }> {
    const opened = await this.#jobs.run(`opening ${this.directory}`, (native, cookie) => {
      this.index = native.openLog(cookie, this.directory, options, recoveryPoint, startOffset, clean);
    }).catch((error: unknown) => {
      // Its place among the native logs is free for the next one.
      if (this.isOpen) this.#native.forgetLog(this.index);
      this.index = NOWHERE;
      throw error;
    });
    this.endOffset = opened.first;
    this.startOffset = opened.second;
    this.#native.configureLog(this.index, options);
    this.recoveryPoint = this.#fact(LogFact.recoveryPoint);
    this.activeSegmentBase = this.#fact(LogFact.activeSegmentBase);
    return { rescanned: opened.fourth };
  }

  /** Until it is closed. Requests may still come then: a broker that stops is asked up to its end. */
  get isOpen(): boolean {
    return this.index !== NOWHERE;
  }

  /** Somebody waits for the append that is given to native code next with cookie AWAITED. */
  awaitAppend(end: AppendEnd): void {
    this.#awaited.push(end);
  }

  /** A completion of kind `appended`: they come in log order. */
  appended(code: number, cookie: number, baseOffset: number, lastOffset: number, timestamp: number, generation: number, leaderEpoch: number): void {
    // Taken from the completion, never asked for: the log may already have moved past failures that are not yet heard of.
    this.generation = generation;
    const followed = (cookie & FOLLOWED) !== 0 ? this.#followed.shift() : undefined;
    if (code !== 0) {
      if ((cookie & IDEMPOTENT) !== 0) this.producers.rollback(code === NativeCode.staleGeneration);
    } else if (baseOffset >= 0) {
      if ((cookie & IDEMPOTENT) !== 0) this.producers.commit(baseOffset, lastOffset, timestamp);
      if (followed !== undefined) learnBatches(this.#access.arena, followed.offset, lastOffset, this.epochs, this.producers);
      this.endOffset = lastOffset + 1;
      this.onAppended();
    }
    if ((cookie & AWAITED) !== 0) this.#awaited.shift()?.(code, baseOffset, lastOffset, timestamp);
    followed?.ended({ code, baseOffset, lastOffset, leaderEpoch, kept: code === 0 && baseOffset >= 0 });
  }

  /**
   * Appends batches as the leader of `leaderEpoch` wrote them: those that continue the log, up to the first that is cut off, broken, or of
   * a later epoch. They lie in the arena, where they must stay until `ended` is called: the end offset, the epochs in them and their producers
   * are known then.
   */
  appendAsFollower(offset: number, length: number, leaderEpoch: number, ended: (end: FollowerAppendEnd) => void): void {
    if (!this.isOpen) {
      queueMicrotask(() => ended({ code: NativeCode.closed, baseOffset: -1, lastOffset: -1, leaderEpoch: -1, kept: false }));
      return;
    }
    this.#followed.push({ offset, ended });
    this.#access.commands.append(this.index, offset, length, leaderEpoch, AppendFlag.follower | AppendFlag.notify, this.generation, FOLLOWED);
  }

  /**
   * The log's leader epoch is `epoch` from here on, and began at `startOffset`: appends of lower epochs that are handed over later, though
   * decided before, fail with `fencedEpoch`. How those before it ended is known when this resolves. The same epoch again says where it
   * began; a lower one fails. What the epoch cache says of it is the caller's: a leader notes where its epoch begins, a follower learns it from batches.
   */
  beginEpoch(epoch: number): Promise<{ readonly startOffset: number }> {
    return this.#inOrder(`beginning epoch ${epoch} in ${this.directory}`, (native, cookie) => native.beginEpoch(cookie, this.index, epoch), begun => ({ startOffset: begun.first }));
  }

  /** What is below `watermark` is committed. Answers that wait for that go out, or come back with Kafka's error `code`. */
  advance(watermark: number, code: number): void {
    // Where nobody else has to have a record, none waits.
    if (this.isOpen && !this.#commitsAlone) this.#access.commands.advance(this.index, watermark, code);
  }

  /**
   * Whether an append with acks=all is committed as soon as it is written. Said by a leader when its epoch has begun, and when it changes. Says where
   * the native log ends: where it was so until now, everything below is committed.
   */
  commitAlone(alone: boolean): number {
    this.#commitsAlone = alone;
    return this.isOpen ? this.#native.commitAlone(this.index, alone) : this.endOffset;
  }

  /** This broker leads no more: answers that wait, and those of appends that are still queued, come back with Kafka's error `code`. */
  takeBack(code: number): void {
    this.#commitsAlone = false;
    if (this.isOpen) this.#native.takeBack(this.index, code);
  }

  /** A slice from memory alone; null: there is nothing; undefined: only a log thread can tell. */
  locateHot(from: number, below: number, maxBytes: number, first: FirstBatch): Located | null | undefined {
    const slice = this.#native.locateHot(this.index, from, below, maxBytes, first);
    if (slice === MEMORY_CANNOT_TELL) return undefined;
    if (slice === NOTHING_THERE) return null;
    const sliceFacts = this.#native.sliceFacts;
    return { slice, length: sliceFacts[1]!, firstOffset: sliceFacts[2]! };
  }

  /** The same by a log thread. */
  locate(from: number, below: number, maxBytes: number, first: FirstBatch, found: (located: Located | null, code: number) => void): void {
    this.#jobs.start(
      (native, cookie) => native.locate(cookie, this.index, from, below, maxBytes, first),
      result => found(result.code !== 0 || result.first < 0 ? null : { slice: result.first, length: result.second, firstOffset: result.third }, result.code),
    );
  }

  /** Batches from the one that contains `from`, read into memory: for coordinators and old formats, never on the hot road. */
  async read(from: number, below: number, maxBytes: number): Promise<Buffer> {
    if (from >= below) return Buffer.alloc(0);
    const located = await this.#jobs.run(`reading ${this.directory}`, (native, cookie) => native.locate(cookie, this.index, from, below, maxBytes, FirstBatch.whole));
    if (located.first < 0) return Buffer.alloc(0);
    return this.readSlice(located.first, located.second);
  }

  /** Takes a slice and copies it into memory. */
  async readSlice(slice: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    const read = await this.#jobs.run(`reading ${this.directory}`, (native, cookie) => native.readSlice(cookie, slice, bytes));
    return bytes.subarray(0, read.first);
  }

  /** First record at or after `timestamp` and `from`. */
  async findByTimestamp(timestamp: number, from: number): Promise<FoundOffset | undefined> {
    return this.#search((native, cookie) => native.findByTimestamp(cookie, this.index, timestamp, from));
  }

  /** The record with the largest timestamp (KIP-734). */
  async maxTimestamp(): Promise<FoundOffset | undefined> {
    return this.#search((native, cookie) => native.maxTimestamp(cookie, this.index));
  }

  async #search(begin: (native: NativeExchange, cookie: number) => void): Promise<FoundOffset | undefined> {
    const found = await this.#jobs.run(`searching ${this.directory}`, begin);
    return found.fourth === 0 ? undefined : { offset: found.first, timestamp: found.second, leaderEpoch: found.third };
  }

  /** All segments, oldest first, and where the log ends. */
  async segments(): Promise<{ readonly segments: readonly SegmentFacts[]; readonly endOffset: number }> {
    for (let room = this.#fact(LogFact.segments) + 1; ;) {
      const target = new Float64Array(room * SegmentField.size);
      const found = await this.#jobs.run(`looking at ${this.directory}`, (native, cookie) => native.segments(cookie, this.index, target));
      // It may have rolled meanwhile.
      if (found.first > room) room = found.first + 1;
      else return { segments: Array.from({ length: found.first }, (_, index) => segmentAt(target, index * SegmentField.size)), endOffset: found.second };
    }
  }

  /** Calls back with the header of every batch from `from` on: `fields` and where its record begins (ScanField). */
  async scan(from: number, each: (fields: Float64Array, at: number) => void): Promise<void> {
    const target = new Float64Array(BATCHES_PER_SCAN * ScanField.size);
    for (let next = from; next < this.endOffset;) {
      const scanned = await this.#jobs.run(`scanning ${this.directory}`, (native, cookie) => native.scan(cookie, this.index, next, target));
      for (let index = 0; index < scanned.first; index++) each(target, index * ScanField.size);
      if (scanned.first === 0 || scanned.second <= next) return;
      next = scanned.second;
    }
  }

  /**
   * Removes every batch that reaches `offset`, in order with the appends; what is given to the log afterwards comes behind. When it resolves, epochs, producers, their
   * snapshots and the recovery point are those of the shorter log. Nobody may append until then: who becomes a leader or a follower
   * begins its epoch first, which fences whatever is still on its way, so that nothing of a producer is in flight here.
   */
  truncateTo(offset: number): Promise<void> {
    return this.#cut((native, cookie) => native.truncate(cookie, this.index, offset));
  }

  /** The same of everything: the log is empty and goes on at `offset`. */
  truncateFullyAndStartAt(offset: number): Promise<void> {
    return this.#cut((native, cookie) => native.truncateFullyAndStartAt(cookie, this.index, offset));
  }

  async #cut(begin: (native: NativeExchange, cookie: number) => void): Promise<void> {
    const cut = await this.#inOrder(`truncating ${this.directory}`, begin, ({ first: end, second: start }) => {
      const shorter = end < this.endOffset || start !== this.startOffset;
      this.endOffset = end;
      this.startOffset = start;
      this.activeSegmentBase = this.#fact(LogFact.activeSegmentBase);
      // One that was started anew may end beyond what was on disk, and beyond its epochs.
      this.recoveryPoint = start === end ? end : Math.min(this.recoveryPoint, end);
      // Also where nothing was cut: an epoch that began at the end, and in which nothing was written, is the leader's to confirm.
      if (start === end) this.epochs.clear();
      else this.epochs.truncateFromEnd(end);
      return shorter ? { start, end, watermark: this.onTruncated(end) } : undefined;
    });
    if (cut === undefined) return;
    await this.snapshots.removeOutside(cut.start - 1, cut.end);
    await this.producers.rebuild(fresh => replayProducers(this, fresh, this.#access.clock.now()));
    this.producers.highWatermarkMoved(cut.watermark);
  }

  /** Records below `offset` are gone. Never lowers; rejects with `offsetOutOfRange` past the end. */
  raiseStartOffset(offset: number): Promise<void> {
    return this.#inOrder(`raising the start of ${this.directory}`, (native, cookie) => native.setLogStartOffset(cookie, this.index, offset), () => {
      if (offset <= this.startOffset) return;
      this.startOffset = offset;
      this.epochs.truncateFromStart(offset);
    });
  }

  /** A job in log order, whose end is taken note of in the order of completions: a promise alone would come behind those of later appends. */
  #inOrder<T>(what: string, begin: (native: NativeExchange, cookie: number) => void, note: (result: JobResult) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.start(begin, result => {
        if (result.code !== 0) reject(new NativeError(what, result.code));
        else resolve(note(result));
      });
    });
  }

  /** Makes everything appended so far durable. */
  flush(): Promise<void> {
    return this.#inOrder(`flushing ${this.directory}`, (native, cookie) => native.flushLog(cookie, this.index), flushed => this.flushed(flushed.first));
  }

  /** The same for all segments but the active one, beside the appends. */
  flushRolled(): Promise<void> {
    return this.#inOrder(`flushing ${this.directory}`, (native, cookie) => native.flushRolled(cookie, this.index), flushed => this.flushed(flushed.first));
  }

  /** A segment begins at `baseOffset`: told behind the appends before it. */
  rolled(baseOffset: number): void {
    this.activeSegmentBase = baseOffset;
  }

  /** Everything below `offset` is on disk. */
  flushed(offset: number): void {
    this.recoveryPoint = Math.max(this.recoveryPoint, offset);
  }

  configure(options: LogOptions): void {
    this.#native.configureLog(this.index, options);
  }

  /** Bytes in all segments. */
  get bytes(): number {
    return this.#fact(LogFact.bytes);
  }

  async close(flush: boolean): Promise<void> {
    await this.#end((native, cookie) => native.closeLog(cookie, this.index, flush));
  }

  /** Closes without flushing: the directory is to go. */
  async abandon(): Promise<void> {
    await this.#end((native, cookie) => native.abandonLog(cookie, this.index));
  }

  async #end(begin: (native: NativeExchange, cookie: number) => void): Promise<void> {
    if (!this.isOpen) return;
    try {
      const ended = await this.#jobs.run(`closing ${this.directory}`, begin);
      this.flushed(ended.first);
    } finally {
      this.#native.forgetLog(this.index);
      this.index = NOWHERE;
      this.producers.retire();
    }
  }

  #fact(which: number): number {
    return this.#native.logFacts(this.index, facts) ? facts[which]! : 0;
  }
}

function segmentAt(target: Float64Array, at: number): SegmentFacts {
  return { baseOffset: target[at + SegmentField.baseOffset]!, bytes: target[at + SegmentField.bytes]!, modified: target[at + SegmentField.modified]! };
}
