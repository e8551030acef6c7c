// A directory in memory that can crash after any of its operations, and then holds what a real one might: everything
// synced, and of the rest as much as the test decides, whole, torn, or not at all.
import type { Random } from '../../../src/base/random.js';
import type { AppendFile, Storage } from '../../../src/zookeeper/server/storage/storage.js';

interface MemoryFile {
  /** What a crash leaves for certain. */
  disk: Buffer;
  /** What a reader sees. */
  cache: Buffer;
  /** From here on the cache has still to be written. A failed sync moves this without writing anything, as Linux does. */
  dirtyFrom: number;
}

const fileOf = (bytes: Buffer): MemoryFile => ({ disk: bytes, cache: bytes, dirtyFrom: bytes.length });

function sync(file: MemoryFile): void {
  const hole = Buffer.alloc(Math.max(file.dirtyFrom - file.disk.length, 0));
  file.disk = Buffer.concat([file.disk.subarray(0, file.dirtyFrom), hole, file.cache.subarray(file.dirtyFrom)]);
  file.dirtyFrom = file.cache.length;
}

/** Which operations a full disk refuses: those that need room, or, where files are copied on write, all of them. */
export type Fullness = 'growth' | 'everything';

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
  #failure = 'EIO';
  #fullFrom = Infinity;
  #fullness: Fullness = 'growth';
  #crashed = false;
  readonly #onCrash: () => void;

  constructor(onCrash: () => void = () => {}) {
    this.#onCrash = onCrash;
  }

  /** The machine stops right after its n-th operation from now, which is done but whose caller never hears of it. */
  crashAfter(n: number): void {
    this.#crashAfter = this.operations + n;
  }

  /** The n-th operation from now fails, and is not done or only in part. */
  failAt(n: number, code = 'EIO'): void {
    this.#failAt = this.operations + n;
    this.#failure = code;
  }

  /** From the n-th operation from now on the disk is full. */
  fullAt(n: number, fullness: Fullness = 'growth'): void {
    this.#fullFrom = this.operations + n;
    this.#fullness = fullness;
  }

  makeRoom(): void {
    this.#fullFrom = Infinity;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** The directory after the machine has come back. */
  afterCrash(survival: Survival, random: Random): FaultyStorage {
    const names = survival === 'nothing' || (survival === 'torn' && random.int(2) === 0) ? this.#durableNames : this.#names;
    const storage = new FaultyStorage();
    for (const [name, file] of names) {
      const unsynced = file.cache.length - file.dirtyFrom;
      const kept = survival === 'nothing' ? 0 : survival === 'everything' ? unsynced : random.int(unsynced + 1);
      const survivor = { ...file, cache: file.cache.subarray(0, file.dirtyFrom + kept) };
      if (kept > 0) sync(survivor);
      const bytes = Buffer.from(survivor.disk);
      // A torn write may also leave pages behind that were never written.
      if (survival === 'torn' && kept > 0 && random.int(3) === 0) bytes.fill(0, file.dirtyFrom + random.int(kept));
      const now = fileOf(bytes);
      storage.#names.set(name, now);
      storage.#durableNames.set(name, now);
    }
    return storage;
  }

  list(): Promise<string[]> {
    return this.#read(() => [...this.#names.keys()]);
  }

  read(name: string): Promise<Buffer> {
    return this.#read(() => this.#existing(name).cache);
  }

  async create(name: string): Promise<AppendFile> {
    const file = fileOf(Buffer.alloc(0));
    await this.#change(() => this.#names.set(name, file), 'growth');
    const write = (bytes: Uint8Array): void => {
      file.cache = Buffer.concat([file.cache, bytes]);
    };
    return {
      append: bytes => this.#change(() => write(bytes), 'growth', () => write(bytes.subarray(0, bytes.length / 2))),
      sync: () => this.#change(() => sync(file), 'everything', () => {
        file.dirtyFrom = file.cache.length;
      }),
      close: () => Promise.resolve(),
    };
  }

  truncate(name: string, length: number): Promise<void> {
    return this.#change(() => {
      const file = this.#existing(name);
      file.cache = file.cache.subarray(0, length);
      file.disk = file.disk.subarray(0, length);
      file.dirtyFrom = Math.min(file.dirtyFrom, length);
      sync(file);
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
    Object.assign(this.#existing(name), fileOf(bytes));
  }

  async #read<T>(look: () => T): Promise<T> {
    if (this.#crashed) throw new CrashedError();
    return Promise.resolve(look());
  }

  async #change(change: () => void, needs: Fullness = 'everything', halfDone: () => void = () => {}): Promise<void> {
    // A disk answers later, and others have their turn before it does.
    await new Promise(resolve => setImmediate(resolve));
    if (this.#crashed) throw new CrashedError();
    this.operations++;
    const full = this.operations >= this.#fullFrom && (needs === 'growth' || this.#fullness === 'everything');
    if (full || this.operations === this.#failAt) {
      halfDone();
      throw Object.assign(new Error('no such luck'), { code: full ? 'ENOSPC' : this.#failure });
    }
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
