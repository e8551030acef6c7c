// The snapshot files of one partition directory. A start loads the newest one it can trust and replays the log from there.
import { join } from 'node:path';
import type { Logger } from '../base/logger.js';
import type { ProducerEntry } from './producer-entry.js';
import { CorruptSnapshot, decodeSnapshot, encodeSnapshot, SNAPSHOT_SUFFIX } from './producer-snapshot.js';
import type { ProducerStateManager } from './producer-state.js';
import { writeAtomically, type Storage } from './storage.js';

export interface LoadedSnapshot {
  /** The producers are as of the record before this one. */
  readonly offset: number;
  readonly producers: readonly ProducerEntry[];
}

const SNAPSHOT_NAME = /^([0-9]{20})\.snapshot$/;

export class ProducerSnapshots {
  readonly #storage: Storage;
  readonly #directory: string;
  readonly #logger: Logger;
  /** Rising: those that are there once what is under way has ended. */
  #offsets: number[] = [];
  /** Files are written and removed one after the other, so that none comes back behind its removal. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage, directory: string, logger: Logger) {
    this.#storage = storage;
    this.#directory = directory;
    this.#logger = logger;
  }

  /** Looks at what is there. */
  async open(): Promise<void> {
    const names = (await this.#storage.list(this.#directory)) ?? [];
    const offsets = names.map(({ name }) => SNAPSHOT_NAME.exec(name)?.[1]).filter(digits => digits !== undefined);
    this.#offsets = offsets.map(Number).sort((a, b) => a - b);
  }

  get offsets(): readonly number[] {
    return this.#offsets;
  }

  /** The newest snapshot at or below `offset` that is whole; those that are not are removed on the way. */
  async loadNewest(offset: number): Promise<LoadedSnapshot | undefined> {
    for (let newest = this.#newest(offset); newest !== undefined; newest = this.#newest(offset)) {
      const bytes = await this.#storage.readFile(this.#path(newest));
      try {
        if (bytes !== null) return { offset: newest, producers: decodeSnapshot(bytes) };
      } catch (error) {
        if (!(error instanceof CorruptSnapshot)) throw error;
        this.#logger.warn({ snapshot: this.#path(newest), reason: error.message }, 'removing a corrupt producer snapshot');
      }
      await this.#remove([newest]);
    }
    return undefined;
  }

  /** Notes the state as of `offset`, unless one so new is there; of an empty log there is nothing to note. Encodes before it returns: later appends are not in it. */
  take(offset: number, state: ProducerStateManager): Promise<void> {
    if (offset <= (this.#offsets.at(-1) ?? 0)) return Promise.resolve();
    const bytes = encodeSnapshot(state.committedProducers(), state.committedCount);
    this.#offsets = [...this.#offsets, offset];
    return this.#inTurn(async () => {
      // Removed before it was there.
      if (!this.#offsets.includes(offset)) return;
      try {
        await writeAtomically(this.#storage, this.#path(offset), bytes);
      } catch (error) {
        this.#offsets = this.#offsets.filter(kept => kept !== offset);
        throw error;
      }
    });
  }

  /** The log is now [start, end]: what was noted outside of it is of no use. */
  removeOutside(start: number, end: number): Promise<void> {
    return this.#remove(this.#offsets.filter(offset => offset > end || offset <= start));
  }

  /** The segments with these base offsets were deleted, and a snapshot goes with its segment. */
  removeOf(baseOffsets: readonly number[]): Promise<void> {
    return this.#remove(this.#offsets.filter(offset => baseOffsets.includes(offset)));
  }

  /** Keeps those of segments that exist, and the newest one if it lies beyond them all: that of a clean shutdown. */
  removeStray(segmentBases: readonly number[]): Promise<void> {
    const lastBase = segmentBases.at(-1) ?? -1;
    const newest = this.#offsets.at(-1);
    return this.#remove(this.#offsets.filter(offset =>
      !segmentBases.includes(offset) && !(offset === newest && offset > lastBase)));
  }

  #newest(offset: number): number | undefined {
    return this.#offsets.findLast(candidate => candidate <= offset);
  }

  #remove(offsets: readonly number[]): Promise<void> {
    if (offsets.length === 0) return Promise.resolve();
    this.#offsets = this.#offsets.filter(offset => !offsets.includes(offset));
    return this.#inTurn(async () => {
      for (const offset of offsets) await this.#storage.remove(this.#path(offset));
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  #path(offset: number): string {
    return join(this.#directory, `${String(offset).padStart(20, '0')}${SNAPSHOT_SUFFIX}`);
  }
}
