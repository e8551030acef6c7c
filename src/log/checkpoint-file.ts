// Checkpoint files: text of a version, a count and so many entries, one a line (CheckpointFile.java).
import type { Storage } from './storage.js';
import { writeAtomically } from './storage.js';

/** A checkpoint that does not say what it should. */
export class MalformedFile extends Error {
  override readonly name = 'MalformedFile';
  readonly path: string;
  constructor(path: string, what: string) {
    super(`${path}: ${what}`);
    this.path = path;
  }
}

export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Names of the checkpoints of a log directory. */
export const RECOVERY_POINTS = 'recovery-point-offset-checkpoint';
export const HIGH_WATERMARKS = 'replication-offset-checkpoint';
export const LOG_START_OFFSETS = 'log-start-offset-checkpoint';
export const CLEANER_OFFSETS = 'cleaner-offset-checkpoint';
/** And of a partition's. */
export const LEADER_EPOCHS = 'leader-epoch-checkpoint';

const VERSION = 0;

export function encodeCheckpoint(entries: readonly string[]): string {
  return `${VERSION}\n${entries.length}\n${entries.map(entry => `${entry}\n`).join('')}`;
}

/** The entries, each split at blanks. An empty file has none. */
export function decodeCheckpoint(path: string, text: string): string[][] {
  if (text === '') return [];
  const [version = '', count = '', ...rest] = text.split('\n').map(line => line.trim());
  if (wholeNumber(version) !== VERSION) throw new MalformedFile(path, `version '${version}' is not ${VERSION}`);
  const entries = rest.filter(line => line !== '').map(line => line.split(/\s+/));
  if (wholeNumber(count) !== entries.length) throw new MalformedFile(path, `announces '${count}' entries and holds ${entries.length}`);
  return entries;
}

export async function readOffsets(storage: Storage, path: string): Promise<PartitionOffset[]> {
  const bytes = await storage.readFile(path);
  if (bytes === null) return [];
  return decodeCheckpoint(path, bytes.toString('utf8')).map(fields => {
    const [topic = '', partition = '', offset = ''] = fields;
    const entry = { topic, partition: wholeNumber(partition), offset: wholeNumber(offset) };
    if (fields.length !== 3 || Number.isNaN(entry.partition) || Number.isNaN(entry.offset)) {
      throw new MalformedFile(path, `'${fields.join(' ')}' is not a topic, a partition and an offset`);
    }
    return entry;
  });
}

export function writeOffsets(storage: Storage, path: string, offsets: readonly PartitionOffset[]): Promise<void> {
  return writeAtomically(storage, path, encodeCheckpoint(offsets.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`)));
}

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

export async function readEpochs(storage: Storage, path: string): Promise<EpochEntry[]> {
  const bytes = await storage.readFile(path);
  if (bytes === null) return [];
  return decodeCheckpoint(path, bytes.toString('utf8')).map(fields => {
    const [epoch, startOffset] = [wholeNumber(fields[0] ?? ''), wholeNumber(fields[1] ?? '')];
    if (fields.length !== 2 || Number.isNaN(epoch) || Number.isNaN(startOffset)) {
      throw new MalformedFile(path, `'${fields.join(' ')}' is not an epoch and an offset`);
    }
    return { epoch, startOffset };
  });
}

export function writeEpochs(storage: Storage, path: string, entries: readonly EpochEntry[]): Promise<void> {
  return writeAtomically(storage, path, encodeCheckpoint(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`)));
}

function wholeNumber(text: string): number {
  return /^-?[0-9]+$/.test(text) ? Number(text) : NaN;
}
