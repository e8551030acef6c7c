// An append of the broker's own that counts once it is committed: the end of the append is awaited, and then the high watermark.

import { AWAITED } from '../log/partition-log.js';
import { ErrorCode } from '../protocol/errors.js';
import type { Partition } from '../replication/partition.js';
import type { DelayedOperation } from '../replication/purgatory.js';
import { appendErrorCode } from './produce/append-errors.js';

/** Kafka's error, or none and where it begins. No time passes that could say that it will never be committed. */
export type CommittedEnd = (code: number, baseOffset: number) => void;

/** Returns the cookie that the append given next must carry. `written` is called when the log is done with the bytes. */
export function awaitCommitted(partition: Partition, written: () => void, ended: CommittedEnd): number {
  const leaderEpoch = partition.leaderEpoch;
  partition.log!.awaitAppend((code, baseOffset, lastOffset) => {
    written();
    if (code !== 0) ended(appendErrorCode(code), -1);
    else new Uncommitted(partition, leaderEpoch, lastOffset, error => ended(error, baseOffset)).begin();
  });
  return AWAITED;
}

class Uncommitted implements DelayedOperation {
  readonly #partition: Partition;
  readonly #leaderEpoch: number;
  readonly #lastOffset: number;
  readonly #ended: (code: number) => void;

  constructor(partition: Partition, leaderEpoch: number, lastOffset: number, ended: (code: number) => void) {
    this.#partition = partition;
    this.#leaderEpoch = leaderEpoch;
    this.#lastOffset = lastOffset;
    this.#ended = ended;
  }

  begin(): void {
    this.#partition.wait(this);
    this.moved();
  }

  moved(): void {
    const partition = this.#partition;
    if (partition.offline) this.#end(ErrorCode.KafkaStorageError);
    else if (partition.role !== 'leader' || partition.leaderEpoch !== this.#leaderEpoch) this.#end(ErrorCode.NotLeaderOrFollower);
    else if (partition.highWatermark > this.#lastOffset) this.#end(partition.underMinIsr ? ErrorCode.NotEnoughReplicasAfterAppend : ErrorCode.None);
  }

  #end(code: number): void {
    this.#partition.unwait(this);
    this.#ended(code);
  }
}
