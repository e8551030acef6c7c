// One partition's log as TypeScript sees it: the native log by its index, and beside it what a broker decides with —
// end offset, producer state, leader epochs. The end offset here trails the native one by the completions still on
// their way: it moves when the main isolate hears of an append, in log order.

import type { TopicName } from '../base/topic-name.js';
import { NativeCode } from '../native/codes.js';
import { FirstBatch, LogFact, MEMORY_CANNOT_TELL, NOTHING_THERE, ScanField, SegmentField, type LogOptions, type NativeExchange } from '../native/exchange.js';
import type { Jobs } from '../native/jobs.js';
import type { LeaderEpochCache } from './leader-epoch-cache.js';
import type { ProducerStateManager } from './producer-state.js';

/** Cookie bits of an append: a pending entry of the producer state belongs to it; somebody here waits for it. */
export const IDEMPOTENT = 1;
export const AWAITED = 2;

export interface PartitionLogFacts {
  readonly topic: TopicName;
  readonly partition: number;
  readonly topicId: string;
  readonly logDir: string;
  readonly directory: string;
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerStateManager;
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
  readonly #native: NativeExchange;
  readonly #jobs: Jobs;
  readonly #awaited: AppendEnd[] = [];
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

  constructor(native: NativeExchange, jobs: Jobs, given: PartitionLogFacts) {
    this.#native = native;
    this.#jobs = jobs;
    this.topic = given.topic;
    this.partition = given.partition;
    this.topicId = given.topicId;
    this.logDir = given.logDir;
    this.directory = given.directory;
    this.epochs = given.epochs;
    this.producers = given.producers;
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
  appended(code: number, cookie: number, baseOffset: number, lastOffset: number, timestamp: number, generation: number): void {
    // Taken from the completion, never asked for: the log may already have moved past failures that are not yet heard of.
    this.generation = generation;
    if (code !== 0) {
      if ((cookie & IDEMPOTENT) !== 0) this.producers.rollback(code === NativeCode.staleGeneration);
    } else {
      if ((cookie & IDEMPOTENT) !== 0) this.producers.commit(baseOffset, lastOffset, timestamp);
      this.endOffset = lastOffset + 1;
      this.onAppended();
    }
    if ((cookie & AWAITED) !== 0) this.#awaited.shift()?.(code, baseOffset, lastOffset, timestamp);
  }

  /** Where the epoch begins, for who leads in it. */
  beginEpoch(_epoch: number): Promise<{ readonly startOffset: number }> {
    return Promise.resolve({ startOffset: this.endOffset });
  }

  /** What is below `watermark` is committed. */
  advance(_watermark: number, _code: number): void {}

  /** Whether an append with acks=all is committed as soon as it is written. Says where the log ends. */
  commitAlone(_alone: boolean): number {
    return this.endOffset;
  }

  /** This broker leads no more. */
  takeBack(_code: number): void {}

  appendAsFollower(_offset: number, _length: number, _leaderEpoch: number, _ended: (end: { code: number; baseOffset: number; lastOffset: number; leaderEpoch: number; kept: boolean }) => void): void {
    throw new Error('a follower appends nothing yet');
  }

  truncateFullyAndStartAt(_offset: number): Promise<void> {
    return Promise.reject(new Error('a log is not emptied yet'));
  }

  raiseStartOffset(_offset: number): Promise<void> {
    return Promise.reject(new Error('a log keeps its start yet'));
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

  async truncateTo(offset: number): Promise<void> {
    const cut = await this.#jobs.run(`truncating ${this.directory}`, (native, cookie) => native.truncate(cookie, this.index, offset));
    this.endOffset = cut.first;
    this.activeSegmentBase = this.#fact(LogFact.activeSegmentBase);
    this.recoveryPoint = Math.min(this.recoveryPoint, this.endOffset);
    this.epochs.truncateFromEnd(this.endOffset);
    this.onTruncated(this.endOffset);
  }

  /** Makes everything appended so far durable. */
  async flush(): Promise<void> {
    const flushed = await this.#jobs.run(`flushing ${this.directory}`, (native, cookie) => native.flushLog(cookie, this.index));
    this.flushed(flushed.first);
  }

  /** The same for all segments but the active one, beside the appends. */
  async flushRolled(): Promise<void> {
    const flushed = await this.#jobs.run(`flushing ${this.directory}`, (native, cookie) => native.flushRolled(cookie, this.index));
    this.flushed(flushed.first);
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
