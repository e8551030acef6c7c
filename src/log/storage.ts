// The files a broker keeps beside its logs go through these calls. Production gives node:fs; a test gives a file system in
// memory that can fail or crash at any single call. (The logs themselves are native and have their own such seam.)
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Absent files and directories answer null; every other failure rejects. */
export interface Storage {
  readFile(path: string): Promise<Buffer | null>;
  list(path: string): Promise<readonly DirectoryEntry[] | null>;
  /** With its parents; fine if it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Creates or empties the file, writes and syncs it. Not atomic: a crash leaves any part of it. */
  writeSynced(path: string, bytes: Uint8Array): Promise<void>;
  /** Replaces `to` in one step. Survives a crash only once the directory is synced. */
  rename(from: string, to: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** A file, or a directory with all in it; fine if it is not there. */
  remove(path: string): Promise<void>;
}

/**
 * Replaces a file so that after a crash at any moment it holds the old content or the new: written beside, synced,
 * renamed, directory synced (Utils.atomicMoveWithFallback).
 */
export async function writeAtomically(storage: Storage, path: string, content: Uint8Array | string): Promise<void> {
  const beside = `${path}.tmp`;
  await storage.writeSynced(beside, typeof content === 'string' ? Buffer.from(content, 'utf8') : content);
  await storage.rename(beside, path);
  await storage.syncDirectory(dirname(path));
}

/** Removes a file so that it stays removed. */
export async function removeDurably(storage: Storage, path: string): Promise<void> {
  await storage.remove(path);
  await storage.syncDirectory(dirname(path));
}

export const diskStorage: Storage = {
  readFile: path => absentAsNull(readFile(path)),
  list: async path => {
    const entries = await absentAsNull(readdir(path, { withFileTypes: true }));
    return entries?.map(entry => ({ name: entry.name, isDirectory: entry.isDirectory() })) ?? null;
  },
  makeDirectory: async path => void (await mkdir(path, { recursive: true })),
  async writeSynced(path, bytes) {
    const file = await open(path, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  rename: (from, to) => rename(from, to),
  async syncDirectory(path) {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
  remove: path => rm(path, { recursive: true, force: true }),
};

async function absentAsNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
