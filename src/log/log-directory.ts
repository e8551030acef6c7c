// A log directory as a start finds it: locked for this process, and every directory in it recognised.
import { join } from 'node:path';
import { parseDirectoryName, type PartitionDirectory } from './partition-directory.js';
import type { Storage } from './storage.js';

export const LOCK_FILE = '.lock';

/** A lock held on a file; the operating system takes it back when the process dies. */
export interface FileLock {
  release(): void;
}

/** undefined: somebody else holds it. */
export type LockFile = (path: string) => FileLock | undefined;

/** A log directory that cannot be used, and why. */
export class LogDirectoryProblem extends Error {
  override readonly name = 'LogDirectoryProblem';
  readonly directory: string;
  constructor(directory: string, what: string) {
    super(`log directory ${directory}: ${what}`);
    this.directory = directory;
  }
}

/** Holds a directory against a second broker. */
export function lockDirectory(lock: LockFile, directory: string): FileLock {
  const held = lock(join(directory, LOCK_FILE));
  if (held === undefined) throw new LogDirectoryProblem(directory, 'is in use by another process (its .lock is held)');
  return held;
}

// Directories Kafka keeps beside the partitions: the KRaft log, and the index cache of tiered storage. Never ours to read.
const NOT_PARTITIONS: ReadonlySet<string> = new Set(['__cluster_metadata-0', 'remote-log-index-cache']);

/**
 * The partition directories. Files are left alone; a directory of any other name stops the start, a log nobody
 * recognises must not be passed over in silence (LogManager.loadLogs).
 */
export async function scanLogDirectory(storage: Storage, directory: string): Promise<PartitionDirectory[]> {
  const entries = await storage.list(directory);
  if (entries === null) throw new LogDirectoryProblem(directory, 'is gone');
  return entries.filter(({ name, isDirectory }) => isDirectory && !NOT_PARTITIONS.has(name)).map(({ name }) => {
    const found = parseDirectoryName(name);
    if (found === undefined) {
      throw new LogDirectoryProblem(directory, `${name} is not the directory of a partition (topic-partition): move it elsewhere`);
    }
    return found;
  });
}
