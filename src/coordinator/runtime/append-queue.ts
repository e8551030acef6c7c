import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/logger.js';
import type { Timers } from '../../base/timers.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { CoordinatorLog } from '../log.js';
import { CoordinatorLogError } from '../log.js';
import { LazyAlarm } from './alarm.js';
import { buildBatch } from './batches.js';
import type { Decision } from './decision.js';
import type { EncodedRecord, StateMachine } from './state-machine.js';

// Decisions made in one turn of the event loop share a batch up to this size. More would gain nothing, and a batch must
// stay far below max.message.bytes: no request may fail because of others it happens to travel with.
const SHARED_BATCH_BYTES = 16 * 1024;
// Varints, attributes and lengths around a key and a value.
const RECORD_OVERHEAD = 24;

export interface AppendQueueOptions<Rec> {
  readonly partition: number;
  readonly machine: StateMachine<Rec>;
  readonly log: CoordinatorLog;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Until then a client waits for its records to be committed. */
  readonly commitTimeoutMs: number;
  /** A reply came due, or a batch was decided. The coordinator sets its time before anything else happens. */
  readonly beforeApply: () => void;
}

/** One decision on its way: answered exactly once, its records applied or discarded exactly once. */
interface Write<Rec> {
  readonly records: readonly Rec[];
  release(): void;
  refuse(error: ErrorCode): void;
}

interface Batch<Rec> {
  readonly writes: Write<Rec>[];
  readonly encoded: EncodedRecord[];
  bytes: number;
  /** Null until the log has decided. */
  outcome: { readonly baseOffset: number } | { readonly error: ErrorCode } | null;
  deadline: LazyAlarm | null;
}

/**
 * Takes the decisions of one partition to its log, and the log's verdicts back: records are applied in log order, then
 * the replies go out. Appends are pipelined, so a later verdict may arrive first; it waits for its turn.
 */
export class AppendQueue<Rec> {
  readonly #options: AppendQueueOptions<Rec>;
  /** In log order. The last one may still be open, that is, not handed to the log. */
  readonly #batches: Batch<Rec>[] = [];
  #open: Batch<Rec> | null = null;
  #closed = false;

  constructor(options: AppendQueueOptions<Rec>) {
    this.#options = options;
  }

  /** Resolves with the reply, never rejects. */
  submit<Reply>(decision: Decision<Rec, Reply>): Promise<Reply> {
    return new Promise(resolve => this.#enqueue(decision, resolve));
  }

  /** Leadership is gone. Replies that wait are refused; what the log does with the records is a matter of the next leader. */
  close(): void {
    this.#closed = true;
    this.#open = null;
    for (const batch of this.#batches.splice(0)) {
      batch.deadline?.clear();
      for (const write of batch.writes) write.refuse(ErrorCode.NotLeaderOrFollower);
    }
  }

  #enqueue<Reply>(decision: Decision<Rec, Reply>, resolve: (reply: Reply) => void): void {
    let answered = false;
    const write: Write<Rec> = {
      records: decision.records,
      release: () => {
        if (answered) return;
        answered = true;
        decision.committed?.();
        resolve(decision.reply);
      },
      refuse: error => {
        if (answered) return;
        answered = true;
        resolve(decision.failed === undefined ? decision.reply : decision.failed(error));
      },
    };
    if (this.#closed) return write.refuse(ErrorCode.NotLeaderOrFollower);

    const encoded = this.#encode(write);
    if (encoded === null) return;
    const bytes = encoded.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0) + RECORD_OVERHEAD, 0);
    const batch = this.#batchFor(bytes);
    batch.writes.push(write);
    // One by one: more than a call takes as arguments may come.
    for (const record of encoded) batch.encoded.push(record);
    batch.bytes += bytes;
  }

  /** Null after refusing: something a client sent, or what was made of it, fits no record (a string of 32 KiB, say). */
  #encode(write: Write<Rec>): EncodedRecord[] | null {
    const { machine, logger, partition } = this.#options;
    try {
      return write.records.map(record => machine.encode(record));
    } catch (error) {
      logger.warn({ partition, error }, 'coordinator records cannot be encoded');
      for (const record of write.records) machine.discard(record);
      write.refuse(ErrorCode.UnknownServerError);
      return null;
    }
  }

  #batchFor(bytes: number): Batch<Rec> {
    if (this.#open !== null && this.#open.bytes + bytes <= SHARED_BATCH_BYTES) return this.#open;
    if (this.#open !== null) this.#append(this.#open);
    const batch: Batch<Rec> = { writes: [], encoded: [], bytes: 0, outcome: null, deadline: null };
    this.#open = batch;
    this.#batches.push(batch);
    queueMicrotask(() => { if (this.#open === batch) this.#append(batch); });
    return batch;
  }

  #append(batch: Batch<Rec>): void {
    this.#open = null;
    const { clock, timers, commitTimeoutMs } = this.#options;
    batch.deadline = new LazyAlarm(clock, timers, () => this.#tooLate(batch));
    batch.deadline.set(commitTimeoutMs);
    this.#handOver(batch).then(
      baseOffset => this.#decided(batch, { baseOffset }),
      (error: unknown) => this.#decided(batch, { error: this.#codeOf(error) }));
  }

  /** In the turn of the call: the order of appends is the order of decisions. */
  async #handOver(batch: Batch<Rec>): Promise<number> {
    const { clock, log, partition } = this.#options;
    const appended = log.append(partition, buildBatch(batch.encoded, clock.now()));
    batch.encoded.length = 0;
    return appended;
  }

  /** The clients hear of the timeout; the records are still in the log's hands and are applied if they get committed. */
  #tooLate(batch: Batch<Rec>): void {
    this.#options.beforeApply();
    for (const write of batch.writes) write.refuse(ErrorCode.RequestTimedOut);
  }

  #decided(batch: Batch<Rec>, outcome: NonNullable<Batch<Rec>['outcome']>): void {
    if (this.#closed) return;
    batch.outcome = outcome;
    batch.deadline?.clear();
    this.#options.beforeApply();
    while (this.#batches[0]?.outcome) this.#settle(this.#batches.shift()!);
  }

  #settle(batch: Batch<Rec>): void {
    const { logger, partition } = this.#options;
    for (const write of batch.writes) {
      try {
        this.#settleWrite(write, batch.outcome!);
      } catch (error) {
        // A mistake of ours. It is this write's alone; those behind it have their own answers to get.
        logger.error({ partition, error }, 'committed coordinator records could not be applied');
        write.refuse(ErrorCode.UnknownServerError);
      }
    }
  }

  #settleWrite(write: Write<Rec>, outcome: NonNullable<Batch<Rec>['outcome']>): void {
    const { machine } = this.#options;
    if ('error' in outcome) {
      for (const record of write.records) machine.discard(record);
      write.refuse(outcome.error);
    } else {
      for (const record of write.records) machine.apply(record, outcome.baseOffset);
      write.release();
    }
  }

  #codeOf(error: unknown): ErrorCode {
    const { logger, partition } = this.#options;
    if (error instanceof CoordinatorLogError) {
      logger.debug({ partition, code: error.code }, 'coordinator records were refused');
      return error.code;
    }
    logger.error({ partition, error }, 'coordinator records could not be appended');
    return ErrorCode.UnknownServerError;
  }
}
