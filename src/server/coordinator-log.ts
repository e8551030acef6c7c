// The coordinators' way to their internal topic: appends that resolve when committed, reads up to the end of the log.

import type { NativeExchange } from '../native/exchange.js';
import { AppendFlag } from '../native/exchange.js';
import type { Commands } from '../native/commands.js';
import { CoordinatorLogError, type CoordinatorLog } from '../coordinator/log.js';
import { ErrorCode } from '../protocol/errors.js';
import type { Partition } from '../replication/partition.js';
import type { DelayedOperation } from '../replication/purgatory.js';
import type { ReplicaManager } from '../replication/replica-manager.js';
import { awaitCommitted } from './committed-append.js';

export interface CoordinatorLogOptions {
  readonly topic: string;
  readonly native: NativeExchange;
  readonly commands: Commands;
  readonly arena: Buffer;
  readonly replicas: ReplicaManager;
  /** Hands commands over when no drain is going to. */
  readonly flush: () => void;
}

export class InternalTopicLog implements CoordinatorLog {
  readonly #options: CoordinatorLogOptions;

  constructor(options: CoordinatorLogOptions) {
    this.#options = options;
  }

  append(partition: number, batch: Uint8Array): Promise<number> {
    const { native, commands, arena, flush } = this.#options;
    return new Promise((resolve, reject) => {
      const led = this.#led(partition);
      if (led.underMinIsr) throw new CoordinatorLogError(ErrorCode.NotEnoughReplicas);
      const at = native.lease(batch.length);
      if (at < 0) throw new CoordinatorLogError(ErrorCode.KafkaStorageError, 'no memory for an append');
      arena.set(batch, at);
      const cookie = awaitCommitted(led, () => native.release(at), (code, baseOffset) => {
        if (code === ErrorCode.None) resolve(baseOffset);
        else reject(new CoordinatorLogError(code as ErrorCode));
      });
      commands.append(led.log!.index, at, batch.length, led.leaderEpoch, AppendFlag.internal | AppendFlag.notify, 0, cookie);
      flush();
    });
  }

  async read(partition: number, offset: number, maxBytes: number): Promise<{ bytes: Uint8Array; nextOffset: number }> {
    const led = this.#led(partition);
    const log = led.log!;
    const bytes = await log.read(Math.max(offset, log.startOffset), log.endOffset, maxBytes);
    return wholeBatches(bytes, offset);
  }

  logStartOffset(partition: number): number {
    return this.#led(partition).log!.startOffset;
  }

  committed(partition: number, offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const led = this.#led(partition);
      const end = (act: () => void): void => {
        led.unwait(waiting);
        act();
      };
      const waiting: DelayedOperation = {
        moved: () => {
          if (led.offline) end(() => reject(new CoordinatorLogError(ErrorCode.KafkaStorageError)));
          else if (led.leading === undefined) end(() => reject(new CoordinatorLogError(ErrorCode.NotLeaderOrFollower)));
          else if (led.highWatermark >= offset) end(resolve);
        },
      };
      led.wait(waiting);
      waiting.moved();
    });
  }

  #led(partition: number): Partition {
    const found = this.#options.replicas.find(this.#options.topic, partition);
    if (found?.offline) throw new CoordinatorLogError(ErrorCode.KafkaStorageError);
    if (found === undefined || found.role !== 'leader') throw new CoordinatorLogError(ErrorCode.NotLeaderOrFollower);
    if (found.log === undefined) throw new CoordinatorLogError(ErrorCode.KafkaStorageError);
    if (!found.log.isOpen) throw new CoordinatorLogError(ErrorCode.NotLeaderOrFollower);
    return found;
  }
}

const LENGTH_AT = 8;
const LAST_DELTA_AT = 23;
const OVERHEAD = 12;
const HEADER_BYTES = 61;

/** A read may end inside a batch: what is cut off is read again the next time. */
function wholeBatches(bytes: Buffer, offset: number): { bytes: Uint8Array; nextOffset: number } {
  let end = 0;
  let nextOffset = offset;
  while (bytes.length - end >= HEADER_BYTES) {
    const size = bytes.readInt32BE(end + LENGTH_AT) + OVERHEAD;
    if (size < HEADER_BYTES || size > bytes.length - end) break;
    nextOffset = Number(bytes.readBigInt64BE(end)) + bytes.readInt32BE(end + LAST_DELTA_AT) + 1;
    end += size;
  }
  return { bytes: bytes.subarray(0, end), nextOffset };
}
