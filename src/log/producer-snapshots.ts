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
  /** Rising. */
  #offsets: number[] = [];

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

  /** Notes the state as of `offset`, unless that was done before or nothing was written yet. Encodes before it returns: later appends are not in it. */
  take(offset: number, state: ProducerStateManager): Promise<void> {
    if (offset === 0 || this.#offsets.includes(offset)) return Promise.resolve();
    const bytes = encodeSnapshot(state.committedProducers(), state.committedCount);
    return writeAtomically(this.#storage, this.#path(offset), bytes).then(() => {
      this.#offsets = [...new Set([...this.#offsets, offset])].sort((a, b) => a - b);
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

  async #remove(offsets: readonly number[]): Promise<void> {
    for (const offset of offsets) {
      await this.#storage.remove(this.#path(offset));
      this.#offsets = this.#offsets.filter(kept => kept !== offset);
    }
  }

  #path(offset: number): string {
    return join(this.#directory, `${String(offset).padStart(20, '0')}${SNAPSHOT_SUFFIX}`);
  }
}
