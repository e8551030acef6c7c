// A file system in memory that knows what a crash leaves: content that was synced, names whose directory was synced.
// It can fail, or crash, at any single call.
import { basename, dirname } from 'node:path';
import type { DirectoryEntry, Storage } from '../../../src/log/storage.js';

/** Nothing after this call happened. */
export class Crash extends Error {}

export class MemoryStorage implements Storage {
  /** What a reader sees, and what a crash would leave. */
  #seen = new Map<string, Buffer>();
  #durable = new Map<string, Buffer>();
  readonly #directories = new Set<string>(['/']);
  readonly calls: string[] = [];
  /** Index of the call that fails, and how. A torn write leaves half its bytes behind. */
  failAt = Infinity;
  failure: () => Error = () => Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });

  readFile(path: string): Promise<Buffer | null> {
    return this.#call(`read ${path}`, () => this.#seen.get(path) ?? null);
  }

  list(path: string): Promise<readonly DirectoryEntry[] | null> {
    return this.#call(`list ${path}`, () => {
      if (!this.#directories.has(path)) return null;
      const files = [...this.#seen.keys()].filter(file => dirname(file) === path).map(file => ({ name: basename(file), isDirectory: false }));
      const directories = [...this.#directories].filter(child => child !== path && dirname(child) === path);
      return [...files, ...directories.map(child => ({ name: basename(child), isDirectory: true }))];
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call(`mkdir ${path}`, () => {
      for (let at = path; at !== '/'; at = dirname(at)) this.#directories.add(at);
    });
  }

  writeSynced(path: string, bytes: Uint8Array): Promise<void> {
    const torn = (): void => {
      const half = Buffer.from(bytes.subarray(0, bytes.length >> 1));
      this.#seen.set(path, half);
      // The name may or may not be on disk; the worst for a reader is that it is.
      this.#durable.set(path, half);
    };
    return this.#call(`write ${path}`, () => {
      this.#seen.set(path, Buffer.from(bytes));
      this.#durable.set(path, Buffer.from(bytes));
    }, torn);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(`rename ${from} ${to}`, () => {
      const content = this.#seen.get(from);
      if (content === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
      this.#seen.delete(from);
      this.#seen.set(to, content);
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call(`sync ${path}`, () => {
      const inside = (file: string): boolean => dirname(file) === path;
      for (const file of [...this.#durable.keys()].filter(inside)) if (!this.#seen.has(file)) this.#durable.delete(file);
      for (const [file, content] of this.#seen) if (inside(file)) this.#durable.set(file, content);
    });
  }

  remove(path: string): Promise<void> {
    return this.#call(`remove ${path}`, () => {
      for (const file of [...this.#seen.keys()]) if (file === path || file.startsWith(`${path}/`)) this.#seen.delete(file);
      this.#directories.delete(path);
    });
  }

  /** What the next process finds. */
  afterCrash(): MemoryStorage {
    const next = new MemoryStorage();
    next.#seen = new Map(this.#durable);
    next.#durable = new Map(this.#durable);
    for (const directory of this.#directories) next.#directories.add(directory);
    return next;
  }

  put(path: string, content: string | Buffer): void {
    this.#seen.set(path, Buffer.from(content));
    this.#durable.set(path, Buffer.from(content));
    for (let at = dirname(path); at !== '/'; at = dirname(at)) this.#directories.add(at);
  }

  text(path: string): string | undefined {
    return this.#seen.get(path)?.toString('utf8');
  }

  paths(): string[] {
    return [...this.#seen.keys()].sort();
  }

  async #call<T>(what: string, act: () => T, torn?: () => void): Promise<T> {
    const index = this.calls.push(what) - 1;
    if (index === this.failAt) {
      torn?.();
      throw this.failure();
    }
    // After a crash the process is gone: no later call of it may do anything.
    if (index > this.failAt && this.failure() instanceof Crash) throw new Crash();
    return act();
  }
}
