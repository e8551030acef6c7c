// The producers of one log: who may append what next, which batches were appended already, whose transactions are open
// (ProducerStateManager.java, ProducerAppendInfo.java).
//
// An append is written by another thread while the next requests are already decided here. So a batch is checked against
// what the log will be once everything in flight is written:
//
//   check()    may it be appended? It changes nothing.
//   prepare()  it was handed to the log thread: it is now in flight
//   commit()   the oldest in flight was written (completions come in the order of the appends)
//   rollback() the oldest in flight failed, and with it fails everything in flight behind it
//
// The last is the log's promise: after a failure it refuses what was submitted before the failure was heard of. Each of
// those reports its own failure, and all of them arrive before the completion of anything submitted later.
//
// What failed only because something before it did, of whichever producer, is decided anew by whoever sent it. Kafka knows
// no such second decision: there the next batch of that producer comes behind it. So it waits here, until the earlier
// ones were decided (prepare() or letGo()), or until nobody is decided about here any more (retire()).
import { invariant } from '../base/invariant.js';
import { InFlightBatches } from './in-flight-batches.js';
import { follows, NO_EPOCH, NO_OFFSET, ProducerEntry } from './producer-entry.js';

/** What check() answers. */
export const Verdict = {
  accept: 0,
  /** Written before: answer with duplicateOffset and duplicateTimestamp. */
  duplicate: 1,
  /** The same batch is in flight: ask again when afterPending() calls. */
  duplicateInFlight: 2,
  /** INVALID_PRODUCER_EPOCH */
  invalidEpoch: 3,
  /** OUT_OF_ORDER_SEQUENCE_NUMBER */
  outOfOrder: 4,
  /** INVALID_TXN_STATE */
  invalidTransactionState: 5,
  /** Earlier batches of this producer are to be decided anew first: ask again when afterOwed() calls. */
  behind: 6,
  /** Written before, and not committed: who asks for that (acks=all) waits for the high watermark. Never said by check(). */
  uncommitted: 7,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** What a marker ended: for the transaction index, and for the last stable offset. */
export interface CompletedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the marker. */
  readonly lastOffset: number;
  readonly aborted: boolean;
}

/** A batch that an append before it took down. */
interface RolledBack {
  readonly producerId: number;
  readonly epoch: number;
  readonly firstSequence: number;
}

interface DecidedTransaction {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export interface ProducerStateOptions {
  /** producer.id.expiration.ms; asked each time, because it may change. */
  readonly expirationMs: () => number;
}

export class ProducerStateManager {
  readonly #options: ProducerStateOptions;
  readonly #producers = new Map<number, ProducerEntry>();
  /** The one asked about last: check() and prepare() come in pairs, and most partitions have a favourite producer. */
  #recent: ProducerEntry | undefined;
  readonly #inFlight = new InFlightBatches();
  /** Appends that were rolled back already and whose failures are still to be reported, oldest first. */
  #doomed: RolledBack[] = [];
  /** By producer: batches to be decided anew, oldest first. */
  readonly #owed = new Map<number, RolledBack[]>();
  #behind: (() => void)[] = [];
  #retired = false;
  /** Appends ever prepared, and ever settled: a waiter waits for the second to reach what the first was. */
  #prepared = 0;
  #settled = 0;
  #afterPending: { readonly ticket: number; readonly settled: () => void }[] = [];
  /** Transactions whose marker is written and not yet committed. */
  #decided: DecidedTransaction[] = [];
  #firstUndecided: number | undefined;
  /** Valid after check() answered duplicate. */
  duplicateOffset = NO_OFFSET;
  duplicateTimestamp = -1;
  duplicateLastOffset = NO_OFFSET;

  constructor(options: ProducerStateOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#producers.size;
  }

  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** What a snapshot holds: a producer whose first batch is still in flight has left nothing in the log. */
  *committedProducers(): IterableIterator<ProducerEntry> {
    for (const entry of this.#producers.values()) if (entry.isCommitted) yield entry;
  }

  get committedCount(): number {
    let count = 0;
    for (const entry of this.#producers.values()) if (entry.isCommitted) count += 1;
    return count;
  }

  find(producerId: number): ProducerEntry | undefined {
    return this.#producers.get(producerId);
  }

  /** May a client append this batch? The sequence numbers are those of its first and last record. */
  check(producerId: number, epoch: number, firstSequence: number, lastSequence: number, transactional: boolean): Verdict {
    if (this.#owed.size > 0 && this.#comesBehindOwed(producerId, epoch, firstSequence)) return Verdict.behind;
    if (epoch < NO_EPOCH) return Verdict.invalidEpoch;
    const entry = this.#lookUp(producerId);
    // Unknown, or forgotten: there is nothing to hold a first batch against, whatever its sequence.
    if (entry === undefined) return Verdict.accept;

    if (epoch === entry.pendingEpoch) {
      // What continues cannot be a repetition: between the two lie 2^31 sequence numbers. Without an epoch there is no order.
      if (epoch === NO_EPOCH || !follows(entry.pendingLastSequence, firstSequence)) return this.#checkRepeated(entry, firstSequence, lastSequence);
    } else {
      if (epoch < entry.pendingEpoch) return Verdict.invalidEpoch;
      if (firstSequence !== 0 && entry.pendingEpoch !== NO_EPOCH) return Verdict.outOfOrder;
    }
    return entry.pendingTransaction && !transactional ? Verdict.invalidTransactionState : Verdict.accept;
  }

  /** The same for the group coordinator, whose transactional offsets carry an epoch but no sequence. */
  checkEpoch(producerId: number, epoch: number): Verdict {
    const entry = this.#producers.get(producerId);
    return entry !== undefined && epoch < entry.pendingEpoch ? Verdict.invalidEpoch : Verdict.accept;
  }

  /** The batch was submitted. Every prepare() is answered by one commit() or one rollback(). */
  prepare(producerId: number, epoch: number, firstSequence: number, lastSequence: number, transactional: boolean): void {
    const entry = this.#entryOf(producerId);
    if (epoch !== entry.pendingEpoch) {
      entry.pendingEpoch = epoch;
      entry.pendingBatches = 0;
    }
    entry.pendingLastSequence = lastSequence;
    entry.pendingBatches += 1;
    entry.inFlight += 1;
    entry.pendingTransaction ||= transactional;
    this.#prepared += 1;
    this.#inFlight.push(entry, epoch, firstSequence, lastSequence, transactional);
    if (this.#owed.size > 0) this.#paid(producerId, epoch, firstSequence);
  }

  /** The oldest batch in flight was written at these offsets. `timestamp` is its largest. */
  commit(baseOffset: number, lastOffset: number, timestamp: number): void {
    invariant(this.#doomed.length === 0, 'an append succeeded although one before it failed');
    const { entry, epoch, lastSequence, transactional } = this.#inFlight.shift();
    this.#settled += 1;
    entry.inFlight -= 1;
    this.#append(entry, epoch, lastSequence, baseOffset, lastOffset, timestamp, transactional);
    if (epoch === entry.pendingEpoch) entry.pendingBatches -= 1;
    if (this.#afterPending.length > 0) this.#tellSettled();
  }

  /**
   * The oldest batch in flight was not written, and none of those behind it will be. `anew`: only because of another before
   * it, so that it is to be decided about once more.
   */
  rollback(anew: boolean): void {
    const doomed = this.#doomed.shift();
    if (doomed !== undefined) {
      if (!anew) this.letGo(doomed.producerId, doomed.epoch, doomed.firstSequence);
      return;
    }
    invariant(this.#inFlight.length > 0, 'an append failed that was not in flight');
    const owed: RolledBack[] = [];
    for (let first = true; this.#inFlight.length > 0; first = false) {
      const { entry, epoch, firstSequence } = this.#inFlight.shift();
      this.#settled += 1;
      entry.inFlight -= 1;
      entry.settle();
      if (entry.inFlight === 0 && !entry.isCommitted) this.#forget(entry);
      const rolledBack = { producerId: entry.producerId, epoch, firstSequence };
      if (!first) this.#doomed.push(rolledBack);
      if (!first || anew) owed.push(rolledBack);
    }
    // Those that are owed already were behind them: nothing of theirs was let in before.
    while (owed.length > 0) this.#owe(owed.pop()!);
    this.#tellSettled();
  }

  /** Somebody waits for batches to be decided anew. */
  get owes(): boolean {
    return this.#owed.size > 0;
  }

  /** The batch was decided anew, or its sender has left: whatever waited for that goes on. */
  letGo(producerId: number, epoch: number, firstSequence: number): void {
    if (this.#owed.size > 0) this.#paid(producerId, epoch, firstSequence);
  }

  /** Calls a moment after the next of the batches that are owed a decision has got it, or will never get it here. */
  afterOwed(decided: () => void): void {
    this.#behind.push(decided);
    if (this.#retired) this.#tellBehind();
  }

  /**
   * The log serves nobody any more. Whoever sent a batch that is owed a decision gets it elsewhere and cannot say so here:
   * nothing is owed from now on, and whoever waited for it goes on to be refused.
   */
  retire(): void {
    this.#retired = true;
    this.#owed.clear();
    this.#tellBehind();
  }

  /** It serves again. */
  reinstate(): void {
    this.#retired = false;
  }

  #owe(batch: RolledBack): void {
    if (this.#retired) return;
    const owed = this.#owed.get(batch.producerId);
    if (owed === undefined) this.#owed.set(batch.producerId, [batch]);
    else owed.unshift(batch);
  }

  #paid(producerId: number, epoch: number, firstSequence: number): void {
    const owed = this.#owed.get(producerId);
    const at = owed?.findIndex(each => each.epoch === epoch && each.firstSequence === firstSequence) ?? -1;
    if (owed === undefined || at < 0) return;
    owed.splice(at, 1);
    if (owed.length === 0) this.#owed.delete(producerId);
    this.#tellBehind();
  }

  /** Not at once: whoever decides is in the middle of its request. */
  #tellBehind(): void {
    if (this.#behind.length === 0) return;
    const behind = this.#behind;
    this.#behind = [];
    queueMicrotask(() => { for (const decided of behind) decided(); });
  }

  #comesBehindOwed(producerId: number, epoch: number, firstSequence: number): boolean {
    const first = this.#owed.get(producerId)?.[0];
    return first !== undefined && (first.epoch !== epoch || first.firstSequence !== firstSequence);
  }

  /** Calls once nothing that is in flight now is in flight any more. */
  afterPending(settled: () => void): void {
    if (this.#inFlight.length === 0) settled();
    else this.#afterPending.push({ ticket: this.#prepared, settled });
  }

  /** A batch that is in the log, unchecked: a follower's append, or one met while the log is scanned. */
  replay(
    producerId: number, epoch: number, lastSequence: number, baseOffset: number, lastOffset: number, timestamp: number, transactional: boolean,
  ): void {
    const entry = this.#entryOf(producerId);
    this.#append(entry, epoch, lastSequence, baseOffset, lastOffset, timestamp, transactional);
    entry.settle();
  }

  /** Whether a marker of this producer epoch and coordinator epoch may be appended: the coordinator epoch fences zombies. */
  checkMarker(producerId: number, epoch: number, coordinatorEpoch: number): 'accept' | 'invalidEpoch' | 'coordinatorFenced' {
    const entry = this.#producers.get(producerId);
    if (entry === undefined) return 'accept';
    if (epoch < entry.epoch) return 'invalidEpoch';
    return entry.coordinatorEpoch > coordinatorEpoch ? 'coordinatorFenced' : 'accept';
  }

  /** A marker that is in the log. undefined: the producer had nothing open here, and nothing became decided. */
  endTransaction(producerId: number, epoch: number, coordinatorEpoch: number, offset: number, timestamp: number, aborted: boolean): CompletedTransaction | undefined {
    const entry = this.#entryOf(producerId);
    const firstOffset = entry.transactionStart;
    entry.adoptEpoch(epoch);
    entry.coordinatorEpoch = coordinatorEpoch;
    entry.lastTimestamp = timestamp;
    entry.transactionStart = NO_OFFSET;
    entry.settle();
    if (firstOffset === NO_OFFSET) return undefined;
    this.#decided.push({ firstOffset, lastOffset: offset });
    this.#findFirstUndecided();
    return { producerId, firstOffset, lastOffset: offset, aborted };
  }

  /** First offset of the oldest transaction that nobody has decided. */
  get firstUndecidedOffset(): number | undefined {
    return this.#firstUndecided;
  }

  /** The same, or of one whose decision is not committed yet: read_committed ends there. */
  get firstUnstableOffset(): number | undefined {
    let first = this.#firstUndecided;
    for (const { firstOffset } of this.#decided) if (first === undefined || firstOffset < first) first = firstOffset;
    return first;
  }

  /** The last stable offset once `completed` is decided, as the transaction index notes it. */
  lastStableOffsetAfter(completed: CompletedTransaction): number {
    let first: number | undefined;
    for (const { producerId, transactionStart } of this.#producers.values()) {
      if (transactionStart !== NO_OFFSET && producerId !== completed.producerId) first = Math.min(first ?? transactionStart, transactionStart);
    }
    return first ?? completed.lastOffset + 1;
  }

  /** Decisions below the high watermark are everybody's. */
  highWatermarkMoved(highWatermark: number): void {
    if (this.#decided.length > 0) this.#decided = this.#decided.filter(({ lastOffset }) => lastOffset >= highWatermark);
  }

  /**
   * Forgets producers whose last batch is older than the limit, by that batch's own timestamp. Never one with a
   * transaction open or a batch in flight. Returns how many.
   */
  expire(now: number): number {
    const before = this.#producers.size;
    for (const entry of this.#producers.values()) if (this.#isExpired(entry, now)) this.#forget(entry);
    return before - this.#producers.size;
  }

  /**
   * Starts over with what `fill` makes of an empty state, as a whole when it has ended: nobody sees half of it, in which a transaction that is
   * open would be missing. Nothing may be in flight.
   */
  async rebuild(fill: (fresh: ProducerStateManager) => Promise<void>): Promise<void> {
    const fresh = new ProducerStateManager(this.#options);
    await fill(fresh);
    this.clear();
    for (const [producerId, entry] of fresh.#producers) this.#producers.set(producerId, entry);
    this.#decided = fresh.#decided;
    this.#firstUndecided = fresh.#firstUndecided;
  }

  /** Starts over from a snapshot's producers, leaving out the expired. Nothing may be in flight. */
  load(entries: Iterable<ProducerEntry>, now: number): void {
    this.clear();
    for (const entry of entries) if (!this.#isExpired(entry, now)) this.#producers.set(entry.producerId, entry);
    this.#findFirstUndecided();
  }

  clear(): void {
    invariant(this.#inFlight.length === 0, 'producer state cannot be replaced while appends are in flight');
    this.#producers.clear();
    this.#owed.clear();
    this.#tellBehind();
    this.#recent = undefined;
    this.#decided = [];
    this.#firstUndecided = undefined;
  }

  #checkRepeated(entry: ProducerEntry, firstSequence: number, lastSequence: number): Verdict {
    const remembered = entry.pendingEpoch === entry.epoch ? entry.find(firstSequence, lastSequence) : -1;
    if (remembered >= 0) {
      this.duplicateOffset = entry.baseOffsetAt(remembered);
      this.duplicateTimestamp = entry.timestampAt(remembered);
      this.duplicateLastOffset = entry.lastOffsetAt(remembered);
      return Verdict.duplicate;
    }
    if (entry.pendingBatches > 0 && this.#inFlight.has(entry, firstSequence, lastSequence)) return Verdict.duplicateInFlight;
    return entry.pendingEpoch === NO_EPOCH ? Verdict.accept : Verdict.outOfOrder;
  }

  #isExpired(entry: ProducerEntry, now: number): boolean {
    return entry.transactionStart === NO_OFFSET && entry.inFlight === 0
      && now - entry.lastTimestamp >= this.#options.expirationMs();
  }

  #lookUp(producerId: number): ProducerEntry | undefined {
    const recent = this.#recent;
    if (recent !== undefined && recent.producerId === producerId) return recent;
    return (this.#recent = this.#producers.get(producerId));
  }

  #forget(entry: ProducerEntry): void {
    this.#producers.delete(entry.producerId);
    this.#recent = undefined;
  }

  #entryOf(producerId: number): ProducerEntry {
    let entry = this.#lookUp(producerId);
    if (entry === undefined) {
      entry = new ProducerEntry(producerId);
      this.#producers.set(producerId, entry);
    }
    return entry;
  }

  #append(entry: ProducerEntry, epoch: number, lastSequence: number, baseOffset: number, lastOffset: number, timestamp: number, transactional: boolean): void {
    entry.add(epoch, lastSequence, lastOffset, lastOffset - baseOffset, timestamp);
    if (transactional && entry.transactionStart === NO_OFFSET) {
      entry.transactionStart = baseOffset;
      if (this.#firstUndecided === undefined || baseOffset < this.#firstUndecided) this.#firstUndecided = baseOffset;
    }
  }

  #findFirstUndecided(): void {
    let first: number | undefined;
    for (const { transactionStart } of this.#producers.values()) {
      if (transactionStart !== NO_OFFSET && (first === undefined || transactionStart < first)) first = transactionStart;
    }
    this.#firstUndecided = first;
  }

  #tellSettled(): void {
    // A waiter may ask again at once and wait again: it joins the end.
    while (this.#afterPending.length > 0 && this.#afterPending[0]!.ticket <= this.#settled) this.#afterPending.shift()!.settled();
  }
}
