// Which leader epoch began at which offset, for this log: what a follower truncates by, and what OffsetForLeaderEpoch
// answers (LeaderEpochFileCache.java).
//
// Between calls: epochs and start offsets both rise strictly from entry to entry.
import { invariant } from '../base/invariant.js';
import type { EpochEntry } from './checkpoint-file.js';

const UNDEFINED_EPOCH = -1;

export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

export class LeaderEpochCache {
  #entries: EpochEntry[];
  readonly #changed: (entries: readonly EpochEntry[]) => void;

  /** `changed` hears of every change, to have it written; nothing here waits for that. */
  constructor(entries: readonly EpochEntry[], changed: (entries: readonly EpochEntry[]) => void) {
    this.#entries = [];
    for (const { epoch, startOffset } of entries) this.#assign(epoch, startOffset);
    this.#changed = changed;
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  /** -1: none known. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /** `epoch` begins at `startOffset`, for all this log knows: entries that contradict it were of a log since cut off. */
  assign(epoch: number, startOffset: number): void {
    invariant(epoch >= 0 && startOffset >= 0, `epoch ${epoch} cannot start at ${startOffset}`);
    if (this.#assign(epoch, startOffset)) this.#tell();
  }

  #assign(epoch: number, startOffset: number): boolean {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch === epoch && last.startOffset <= startOffset) return false;
    const kept = this.#entries.filter(entry => entry.epoch < epoch && entry.startOffset < startOffset);
    this.#entries = [...kept, { epoch, startOffset }];
    return true;
  }

  /**
   * Where `asked` ends in a log that ends at `logEnd`: the greatest epoch known that is not above it, and where the next one
   * starts. Below all known, it ends where the first known one starts. undefined: above all known.
   */
  endOffsetFor(asked: number, logEnd: number): EpochEnd | undefined {
    const latest = this.#entries.at(-1);
    if (asked === UNDEFINED_EPOCH || latest === undefined || asked > latest.epoch) return undefined;
    if (asked === latest.epoch) return { leaderEpoch: asked, endOffset: logEnd };
    const next = this.#entries.findIndex(entry => entry.epoch > asked);
    const floor = this.#entries[next - 1];
    return { leaderEpoch: floor?.epoch ?? asked, endOffset: this.#entries[next]!.startOffset };
  }

  /** The epoch of the record at `offset`, or undefined where that is before all known. */
  epochAt(offset: number): number | undefined {
    return this.#entries.findLast(entry => entry.startOffset <= offset)?.epoch;
  }

  /** The log now ends at `endOffset`: epochs that would start there or later are gone. */
  truncateFromEnd(endOffset: number): void {
    this.#keep(this.#entries.filter(entry => entry.startOffset < endOffset));
  }

  /** The log now starts at `startOffset`: the epoch it starts in starts there too, earlier ones are gone. */
  truncateFromStart(startOffset: number): void {
    const first = this.#entries.findLastIndex(entry => entry.startOffset <= startOffset);
    const floor = this.#entries[first];
    if (floor === undefined || (first === 0 && floor.startOffset === startOffset)) return;
    this.#keep([{ epoch: floor.epoch, startOffset }, ...this.#entries.slice(first + 1)]);
  }

  clear(): void {
    this.#keep([]);
  }

  #keep(entries: EpochEntry[]): void {
    const same = entries.length === this.#entries.length && entries[0]?.startOffset === this.#entries[0]?.startOffset;
    this.#entries = entries;
    if (!same) this.#tell();
  }

  #tell(): void {
    this.#changed(this.#entries);
  }
}
