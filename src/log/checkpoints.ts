// The checkpoints of the log directories: when they are written, and by whom. What they say is asked for when a turn
// begins, so that of many who want one written while another is being written a single one is.

import { join } from 'node:path';
import { HIGH_WATERMARKS, LOG_START_OFFSETS, RECOVERY_POINTS, writeOffsets, type PartitionOffset } from './checkpoint-file.js';
import type { Storage } from './storage.js';

/** What a checkpoint says of the logs in a directory. */
export type OffsetsOf = (logDir: string) => readonly PartitionOffset[];

type Kind = typeof HIGH_WATERMARKS | typeof LOG_START_OFFSETS | typeof RECOVERY_POINTS;

export interface CheckpointsOptions {
  readonly storage: Storage;
  /** Directories that can be written. */
  readonly online: ReadonlySet<string>;
  /** Carries out work on a directory and deals with its failure. Never rejects. */
  readonly guarded: (logDir: string, work: () => Promise<void>) => Promise<void>;
}

export class Checkpoints {
  readonly #options: CheckpointsOptions;
  /** Two writers of one file would take each other's unfinished copy away. */
  #turn: Promise<void> = Promise.resolve();
  /** Turns that have not begun. */
  readonly #next = new Map<Kind, Promise<void>>();

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** Settles when what `offsets` says from now on is written, or the directory has failed. */
  write(kind: Kind, offsets: OffsetsOf): Promise<void> {
    const waiting = this.#next.get(kind);
    if (waiting !== undefined) return waiting;
    const turn = this.#turn.then(async () => {
      this.#next.delete(kind);
      const { storage, online, guarded } = this.#options;
      await Promise.all([...online].map(logDir => guarded(logDir, () => writeOffsets(storage, join(logDir, kind), offsets(logDir)))));
    });
    this.#turn = turn;
    this.#next.set(kind, turn);
    return turn;
  }
}
