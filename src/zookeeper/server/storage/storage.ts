// The seam to the disk: a flat directory of files that are only ever appended to. A test puts one behind it that loses
// or tears whatever was not synced.
import { mkdir, open, readFile, readdir, rename, rm, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface AppendFile {
  append(bytes: Uint8Array): Promise<void>;
  /** What was appended before is on disk when it resolves. The file's name may still be lost: see syncDirectory. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Storage {
  list(): Promise<string[]>;
  read(name: string): Promise<Buffer>;
  /** An empty file, whatever had this name before. */
  create(name: string): Promise<AppendFile>;
  /** Cuts a file, durably. */
  truncate(name: string, length: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Files made, renamed and removed before are so on disk when it resolves. */
  syncDirectory(): Promise<void>;
}

export async function openDirectory(directory: string): Promise<Storage> {
  const made = await mkdir(directory, { recursive: true });
  // A new directory is a new name in its parent, and that must last too.
  if (made !== undefined) await syncPath(dirname(made));
  const at = (name: string): string => join(directory, name);
  return {
    list: () => readdir(directory),
    read: name => readFile(at(name)),
    async create(name) {
      const file = await open(at(name), 'w');
      return {
        async append(bytes) {
          for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
        },
        sync: () => file.datasync(),
        close: () => file.close(),
      };
    },
    async truncate(name, length) {
      await truncate(at(name), length);
      await syncPath(at(name));
    },
    rename: (from, to) => rename(at(from), at(to)),
    remove: name => rm(at(name), { force: true }),
    syncDirectory: () => syncPath(directory),
  };
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
