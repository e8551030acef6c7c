// A directory in memory that can crash after any of its operations, and then holds what a real one might: everything
// synced, and of the rest as much as the test decides, whole, torn, or not at all.
import type { Random } from '../../../src/base/random.js';
import type { AppendFile, Storage } from '../../../src/zookeeper/server/storage/storage.js';

interface MemoryFile {
  synced: Buffer;
  unsynced: Buffer;
}

/** How much of what was not synced is there after a crash. */
export type Survival = 'nothing' | 'everything' | 'torn';

export class CrashedError extends Error {
  override readonly name = 'CrashedError';
}

export class FaultyStorage implements Storage {
  /** Names as the process sees them, and as the disk does since the last syncDirectory. */
  #names = new Map<string, MemoryFile>();
  #durableNames = new Map<string, MemoryFile>();
  /** Operations done so far. */
  operations = 0;
  #crashAfter = Infinity;
  #failAt = Infinity;
  #crashed = false;
  readonly #onCrash: () => void;

  constructor(onCrash: () => void = () => {}) {
    this.#onCrash = onCrash;
  }

  /** The machine stops right after its n-th operation from now, which is done but whose caller never hears of it. */
  crashAfter(n: number): void {
    this.#crashAfter = this.operations + n;
  }

  /** The n-th operation from now fails, as on a full or broken disk, and is not done. */
  failAt(n: number): void {
    this.#failAt = this.operations + n;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** The directory after the machine has come back. */
  afterCrash(survival: Survival, random: Random): FaultyStorage {
    const names = survival === 'nothing' || (survival === 'torn' && random.int(2) === 0) ? this.#durableNames : this.#names;
    const storage = new FaultyStorage();
    for (const [name, file] of names) {
      const kept = survival === 'nothing' ? 0 : survival === 'everything' ? file.unsynced.length : random.int(file.unsynced.length + 1);
      const bytes = Buffer.concat([file.synced, file.unsynced.subarray(0, kept)]);
      // A torn write may also leave pages behind that were never written.
      if (survival === 'torn' && kept > 0 && random.int(3) === 0) bytes.fill(0, file.synced.length + random.int(kept));
      const now = { synced: bytes, unsynced: Buffer.alloc(0) };
      storage.#names.set(name, now);
      storage.#durableNames.set(name, now);
    }
    return storage;
  }

  list(): Promise<string[]> {
    return this.#read(() => [...this.#names.keys()]);
  }

  read(name: string): Promise<Buffer> {
    return this.#read(() => {
      const file = this.#existing(name);
      return Buffer.concat([file.synced, file.unsynced]);
    });
  }

  async create(name: string): Promise<AppendFile> {
    const file: MemoryFile = { synced: Buffer.alloc(0), unsynced: Buffer.alloc(0) };
    await this.#change(() => this.#names.set(name, file));
    return {
      append: bytes => this.#change(() => {
        file.unsynced = Buffer.concat([file.unsynced, bytes]);
      }),
      sync: () => this.#change(() => {
        file.synced = Buffer.concat([file.synced, file.unsynced]);
        file.unsynced = Buffer.alloc(0);
      }),
      close: () => Promise.resolve(),
    };
  }

  truncate(name: string, length: number): Promise<void> {
    return this.#change(() => {
      const file = this.#existing(name);
      file.synced = Buffer.concat([file.synced, file.unsynced]).subarray(0, length);
      file.unsynced = Buffer.alloc(0);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#change(() => {
      this.#names.set(to, this.#existing(from));
      this.#names.delete(from);
    });
  }

  remove(name: string): Promise<void> {
    return this.#change(() => void this.#names.delete(name));
  }

  syncDirectory(): Promise<void> {
    return this.#change(() => {
      this.#durableNames = new Map(this.#names);
    });
  }

  /** For a test that damages it by hand. */
  overwrite(name: string, bytes: Buffer): void {
    this.#existing(name).synced = bytes;
  }

  async #read<T>(look: () => T): Promise<T> {
    if (this.#crashed) throw new CrashedError();
    return Promise.resolve(look());
  }

  async #change(change: () => void): Promise<void> {
    // A disk answers later, and others have their turn before it does.
    await new Promise(resolve => setImmediate(resolve));
    if (this.#crashed) throw new CrashedError();
    this.operations++;
    if (this.operations === this.#failAt) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    change();
    if (this.operations < this.#crashAfter) return;
    this.#crashed = true;
    this.#onCrash();
    throw new CrashedError();
  }

  #existing(name: string): MemoryFile {
    const file = this.#names.get(name);
    if (file === undefined) throw Object.assign(new Error(`no file ${name}`), { code: 'ENOENT' });
    return file;
  }
}
