// acks=all where others have to have the records too: the append is awaited here, and then the high watermark
// (DelayedProduce.scala).

import { Deadline, type TimerWheel } from '../../base/timer-wheel.js';
import { AWAITED } from '../../log/partition-log.js';
import { NativeCode } from '../../native/codes.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { Partition } from '../../replication/partition.js';
import type { DelayedOperation } from '../../replication/purgatory.js';
import { appendErrorCode, logStartBeside } from './append-errors.js';

export interface ProduceResult {
  readonly code: number;
  /**
   * It is to be decided anew: a failure in the log before it took it down ('stale'), or its records are to blame and which of
   * them is found by a look into it ('look').
   */
  readonly again: 'stale' | 'look' | undefined;
  readonly baseOffset: number;
  readonly logAppendTime: number;
  readonly logStartOffset: number;
}

export class ProduceWaits {
  readonly #wheel: TimerWheel;

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /** `committed`: an append alone is not the end of it. The time begins to run when everything is appended. */
  begin(timeoutMs: number, committed: boolean): ProduceWait {
    return new ProduceWait(this.#wheel, timeoutMs, committed);
  }
}

/** One request's wait. add() for each batch, submit it, then whenSettled(). */
export class ProduceWait {
  readonly #wheel: TimerWheel;
  readonly #deadline: Deadline;
  readonly #timeoutMs: number;
  readonly #committed: boolean;
  readonly #results = new Map<number, ProduceResult>();
  readonly #pending = new Map<number, PendingPartition>();
  #expected = 0;
  /** Still with their logs. */
  #unwritten = 0;
  #settled: ((results: ReadonlyMap<number, ProduceResult>) => void) | undefined;

  constructor(wheel: TimerWheel, timeoutMs: number, committed: boolean) {
    this.#wheel = wheel;
    this.#timeoutMs = timeoutMs;
    this.#committed = committed;
    this.#deadline = new Deadline(() => this.#expire());
  }

  /** Returns the cookie the append must carry. `written` is called when the log is done with the bytes. */
  add(partition: Partition, row: number, written: () => void = () => {}): number {
    this.#expected++;
    this.#unwritten++;
    const pending = new PendingPartition(partition, this.#committed, result => this.#end(row, result));
    this.#pending.set(row, pending);
    partition.log!.awaitAppend((code, baseOffset, lastOffset, timestamp) => {
      written();
      this.#unwritten--;
      pending.appended(code, baseOffset, lastOffset, timestamp);
      this.#startClock();
    });
    return AWAITED;
  }

  whenSettled(settled: (results: ReadonlyMap<number, ProduceResult>) => void): void {
    this.#settled = settled;
    this.#look();
    this.#startClock();
  }

  /** As Kafka, whose DelayedProduce comes behind the append. */
  #startClock(): void {
    if (this.#unwritten > 0 || this.#pending.size === 0 || this.#settled === undefined) return;
    if (this.#timeoutMs < Number.MAX_SAFE_INTEGER) this.#wheel.add(this.#deadline, this.#timeoutMs);
  }

  #end(row: number, result: ProduceResult): void {
    this.#pending.delete(row);
    this.#results.set(row, result);
    this.#look();
  }

  #look(): void {
    if (this.#results.size < this.#expected || this.#settled === undefined) return;
    this.#wheel.remove(this.#deadline);
    this.#settled(this.#results);
  }

  /** The records stay; whether they will be committed the producer cannot know. */
  #expire(): void {
    for (const pending of [...this.#pending.values()]) pending.giveUp(ErrorCode.RequestTimedOut);
  }
}

const NOTHING: ProduceResult = { code: 0, again: undefined, baseOffset: -1, logAppendTime: -1, logStartOffset: -1 };

function againAfter(code: number): ProduceResult['again'] {
  if (code === NativeCode.staleGeneration) return 'stale';
  return code === NativeCode.invalidRecord || code === NativeCode.invalidTimestamp ? 'look' : undefined;
}

class PendingPartition implements DelayedOperation {
  readonly #partition: Partition;
  readonly #committed: boolean;
  readonly #end: (result: ProduceResult) => void;
  readonly #leaderEpoch: number;
  #appended: ProduceResult | undefined;
  #lastOffset = -1;
  #over = false;

  constructor(partition: Partition, committed: boolean, end: (result: ProduceResult) => void) {
    this.#partition = partition;
    this.#committed = committed;
    this.#end = end;
    this.#leaderEpoch = partition.leaderEpoch;
  }

  appended(code: number, baseOffset: number, lastOffset: number, timestamp: number): void {
    if (this.#over) return;
    if (code !== 0) {
      const error = appendErrorCode(code);
      this.#finish({ ...NOTHING, code: error, again: againAfter(code), logStartOffset: logStartBeside(error, this.#partition) });
      return;
    }
    const logAppendTime = (this.#partition.appendFlags & 1) !== 0 ? timestamp : -1;
    this.#appended = { code: 0, again: undefined, baseOffset, logAppendTime, logStartOffset: this.#partition.log?.startOffset ?? -1 };
    this.#lastOffset = lastOffset;
    if (!this.#committed) {
      this.#finish(this.#appended);
      return;
    }
    this.#partition.wait(this);
    this.moved();
  }

  moved(): void {
    const partition = this.#partition;
    if (partition.offline) this.giveUp(ErrorCode.KafkaStorageError);
    else if (partition.role !== 'leader' || partition.leaderEpoch !== this.#leaderEpoch) this.giveUp(ErrorCode.NotLeaderOrFollower);
    else if (partition.highWatermark > this.#lastOffset) this.#finish(partition.underMinIsr ? { ...this.#appended!, code: ErrorCode.NotEnoughReplicasAfterAppend } : this.#appended!);
  }

  giveUp(code: number): void {
    this.#finish({ ...(this.#appended ?? NOTHING), code });
  }

  #finish(result: ProduceResult): void {
    if (this.#over) return;
    this.#over = true;
    this.#partition.unwait(this);
    this.#end(result);
  }
}
