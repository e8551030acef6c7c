// A log as a list of batches. What changes it happens in order, some time after it was asked for, as in the native one.

import type { Random } from '../../../../src/base/random.js';
import { LeaderEpochCache } from '../../../../src/log/leader-epoch-cache.js';
import { NativeCode } from '../../../../src/native/codes.js';
import { BatchOffset, crc32c } from '../../../../src/protocol/records/index.js';
import type { FollowedLog, FollowerAppendEnd } from '../../../../src/replication/fetcher/followed-partition.js';
import { batch } from '../../../support/batches.js';
import type { VirtualTime } from './virtual-time.js';

export interface ModelBatch {
  readonly base: number;
  readonly last: number;
  readonly epoch: number;
  readonly bytes: Buffer;
}

/** The log was told of a newer epoch meanwhile. */
const FENCED = 110;
const LONGEST_MS = 4;
const NOTHING = { baseOffset: -1, lastOffset: -1, leaderEpoch: -1, kept: false };

export class ModelLog implements FollowedLog {
  batches: ModelBatch[] = [];
  startOffset = 0;
  epochs = new LeaderEpochCache([], () => {});
  /** The next change fails like this. */
  failure: number | undefined;
  /** What was cut: from and to. */
  readonly cuts: { from: number; to: number }[] = [];
  /** Hears of each cut before it is made. */
  onCut: (to: number) => void = () => {};
  #end = 0;
  #epoch = -1;
  readonly #arena: Buffer;
  readonly #time: VirtualTime;
  readonly #random: Random;
  #queue: Promise<void> = Promise.resolve();

  constructor(arena: Buffer, time: VirtualTime, random: Random) {
    this.#arena = arena;
    this.#time = time;
    this.#random = random;
  }

  get endOffset(): number {
    return this.#end;
  }

  /** As `epoch:first-last` of each batch. */
  get story(): string {
    return this.batches.map(({ epoch, base, last }) => `${epoch}:${base}-${last}`).join(' ');
  }

  /** As a leader appends. */
  append(epoch: number, count = 1, text = `${epoch}`): void {
    const base = this.#end;
    const bytes = batch(Array.from({ length: count }, (_, at) => `${text}-${base + at}`), { baseOffset: base, partitionLeaderEpoch: epoch, timestamp: 1 });
    this.epochs.assign(epoch, base);
    this.#put({ base, last: base + count - 1, epoch, bytes });
  }

  /** The batches from the one that holds `offset`. */
  read(offset: number, maxBytes: number): Buffer {
    const found: Buffer[] = [];
    let room = maxBytes;
    for (const { last, bytes } of this.batches) {
      if (last < offset) continue;
      if (found.length > 0 && bytes.length > room) break;
      found.push(bytes);
      room -= bytes.length;
    }
    return Buffer.concat(found);
  }

  /** A crash: batches that reach `from` are gone, and with them the epochs that began there. */
  lose(from: number): void {
    this.#end = Math.min(this.#end, from);
    this.batches = this.batches.filter(({ last }) => last < this.#end);
    this.#end = (this.batches.at(-1)?.last ?? this.startOffset - 1) + 1;
    this.epochs.truncateFromEnd(this.#end);
  }

  /** Appends of lower epochs that come behind are refused. */
  beginEpoch(epoch: number): Promise<{ startOffset: number }> {
    return this.#inOrder(() => {
      this.#epoch = Math.max(this.#epoch, epoch);
      return { startOffset: this.#end };
    });
  }

  appendAsFollower(offset: number, length: number, leaderEpoch: number, ended: (end: FollowerAppendEnd) => void): void {
    void this.#inOrder(() => ended(this.#follow(this.#arena.subarray(offset, offset + length), leaderEpoch)));
  }

  #follow(records: Buffer, leaderEpoch: number): FollowerAppendEnd {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) return { code: failure, ...NOTHING };
    if (leaderEpoch < this.#epoch) return { code: FENCED, ...NOTHING };
    const found: ModelBatch[] = [];
    for (let at = 0; at + 12 < records.length;) {
      const length = 12 + records.readInt32BE(at + BatchOffset.batchLength);
      if (at + length > records.length) break;
      const bytes = Buffer.from(records.subarray(at, at + length));
      if (crc32c(bytes, BatchOffset.attributes) !== bytes.readUInt32BE(BatchOffset.crc)) return { code: NativeCode.corruptBatch, ...NOTHING };
      const base = Number(bytes.readBigInt64BE(0));
      const epoch = bytes.readInt32BE(BatchOffset.partitionLeaderEpoch);
      if (epoch > leaderEpoch) break;
      found.push({ base, last: base + bytes.readInt32BE(BatchOffset.lastOffsetDelta), epoch, bytes });
      at += length;
    }
    if (found.length === 0) return { code: 0, ...NOTHING };
    if (found[0]!.base < this.#end) return { code: NativeCode.unexpectedOffset, ...NOTHING };
    for (const each of found) {
      if (each.epoch !== this.epochs.latestEpoch) this.epochs.assign(each.epoch, each.base);
      this.#put(each);
    }
    const last = found.at(-1)!;
    return { code: 0, baseOffset: found[0]!.base, lastOffset: last.last, leaderEpoch: last.epoch, kept: true };
  }

  truncateTo(offset: number): Promise<void> {
    return this.#change(() => this.#cutNow(offset));
  }

  truncateFullyAndStartAt(offset: number): Promise<void> {
    return this.#change(() => {
      this.onCut(offset);
      this.cuts.push({ from: this.#end, to: offset });
      this.batches = [];
      this.#end = this.startOffset = offset;
      this.epochs.clear();
    });
  }

  raiseStartOffset(offset: number): Promise<void> {
    return this.#change(() => {
      this.startOffset = Math.max(offset, this.startOffset);
      this.batches = this.batches.filter(({ last }) => last >= this.startOffset);
      this.epochs.truncateFromStart(this.startOffset);
    });
  }

  #cutNow(offset: number): void {
    this.onCut(offset);
    if (offset < this.#end) {
      this.cuts.push({ from: this.#end, to: offset });
      this.batches = this.batches.filter(({ last }) => last < offset);
      this.#end = offset;
    }
    this.epochs.truncateFromEnd(this.#end);
  }

  #put(each: ModelBatch): void {
    this.batches.push(each);
    this.#end = each.last + 1;
  }

  #change(make: () => void): Promise<void> {
    return this.#inOrder(() => {
      const { failure } = this;
      this.failure = undefined;
      if (failure !== undefined) throw new Error(`code ${failure}`);
      make();
    });
  }

  #inOrder<T>(make: () => T): Promise<T> {
    const made = this.#queue.then(() => new Promise<T>((resolve, reject) => {
      this.#time.after(this.#random.int(LONGEST_MS), () => {
        try {
          resolve(make());
        } catch (error) {
          reject(error);
        }
      });
    }));
    this.#queue = made.then(() => {}, () => {});
    return made;
  }
}

/** How many offsets from the start on two logs share. */
export function commonPrefix(a: ModelLog, b: ModelLog): number {
  const from = Math.max(a.startOffset, b.startOffset);
  const [left, right] = [a, b].map(log => log.batches.filter(({ last }) => last >= from));
  let common = Math.min(from, a.endOffset, b.endOffset);
  for (const [at, each] of left!.entries()) {
    const other = right![at];
    if (other === undefined || !other.bytes.equals(each.bytes)) break;
    common = each.last + 1;
  }
  return common;
}
