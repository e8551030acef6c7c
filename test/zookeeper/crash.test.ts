// The machine stops after every single operation on the disk, in turn. What any client was told before is there after.
import { describe, expect, test } from 'vitest';
import { seededRandom, systemRandom, type Random } from '../../src/base/random.js';
import { silentLogger } from '../../src/base/logger.js';
import { ServerCore } from '../../src/zookeeper/server/core.js';
import { Outlook } from '../../src/zookeeper/server/prepare.js';
import { DamagedStorageError, recover } from '../../src/zookeeper/server/storage/recovery.js';
import type { Storage } from '../../src/zookeeper/server/storage/storage.js';
import type { Change } from '../../src/zookeeper/server/transaction.js';
import type { Tree } from '../../src/zookeeper/server/tree.js';
import { OPEN_ACL, ZkError, isZkError } from '../../src/zookeeper/types.js';
import { FaultyStorage, type Fullness, type Survival } from './support/faulty-storage.js';
import { ManualTime } from './support/manual-time.js';

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve));
};

interface Life {
  readonly core: ServerCore;
  readonly time: ManualTime;
  readonly failures: unknown[];
}

async function startCore(storage: Storage, random: Random): Promise<Life> {
  const time = new ManualTime();
  const failures: unknown[] = [];
  const core = new ServerCore({
    storage, recovered: await recover(storage), clock: time, timers: time, random, logger: silentLogger,
    minSessionTimeoutMs: 1000, maxSessionTimeoutMs: 600_000, snapshotAfterBytes: 600, onFailure: error => failures.push(error), onRelieved: () => {},
  });
  return { core, time, failures };
}

/** Everything there is to know of a tree. */
const picture = (tree: Tree): string => JSON.stringify(tree.all().sort((a, b) => (a.path < b.path ? -1 : 1)).map(node => [
  node.path, node.data?.toString('latin1'), node.acl, node.czxid, node.mzxid, node.ctime, node.mtime, node.version, node.cversion, node.aversion,
  String(node.ephemeralOwner), node.pzxid,
]));

function anyChange(random: Random, core: ServerCore): Change | undefined {
  const view = new Outlook(core.tree, []);
  const path = `/${'abc'[random.int(3)]!}${random.int(2) === 0 ? '' : `/${'xyz'[random.int(3)]!}`}`;
  const data = Buffer.alloc(random.int(60), 65 + random.int(26));
  try {
    switch (random.int(4)) {
      case 0: return view.delete(path, -1);
      case 1: return view.setData(path, data, -1);
      default: return view.create(path, data, OPEN_ACL, (['persistent', 'ephemeral', 'persistentSequential'] as const)[random.int(3)]!);
    }
  } catch (error) {
    if (error instanceof ZkError) return undefined;
    throw error;
  }
}

class Told {
  /** The tree after each transaction. Those that open a session leave it as it is, and have none. */
  pictures: string[] = [];
  /** The last transaction that a client was told of. */
  zxid = 0;
  #wasReadOnly = false;

  /** Which tree a directory must hold whose last transaction is this one. */
  pictureAt(zxid: number): string {
    return this.pictures.slice(0, zxid + 1).findLast(each => each !== undefined)!;
  }

  /** The numbers of what was undone are given again, once nothing of it is left on disk. */
  look(core: ServerCore): void {
    if (this.#wasReadOnly && !core.readOnly) this.pictures.length = core.seenZxid + 1;
    this.#wasReadOnly = core.readOnly;
  }
}

const refused = (act: () => void): boolean => {
  try {
    act();
    return false;
  } catch (error) {
    if (!isZkError(error, 'SYSTEMERROR')) throw error;
    return true;
  }
};

/** Runs a server until `steps` are done or its machine crashes. `whileReadOnly` is called at each step without room. */
async function run({ core, time }: Life, storage: FaultyStorage, random: Random, told: Told, steps: number, whileReadOnly: () => void = () => {}): Promise<void> {
  let session = core.openSession(600_000);
  const nobody = { destroy: () => {} };
  const record = (): void => {
    const zxid = core.seenZxid;
    told.pictures[zxid] = picture(core.tree);
    core.say(nobody, () => {
      told.zxid = zxid;
    });
  };
  for (let step = 0; step < steps && !storage.crashed && !core.stopped; step++) {
    for (let burst = random.int(4); burst >= 0; burst--) {
      const change = anyChange(random, core);
      if (change === undefined) continue;
      const readOnly = core.readOnly;
      expect(refused(() => core.commit(session.id, 0, random.int(5) === 0 ? { type: 'multi', changes: [change] } : change))).toBe(readOnly);
      if (!readOnly) record();
    }
    if (random.int(12) === 0) {
      if (!refused(() => core.endSession(session, 0))) record();
      session = core.openSession(600_000);
    }
    core.flush();
    await settled();
    told.look(core);
    if (!core.readOnly) continue;
    expect(picture(core.tree)).toBe(told.pictureAt(core.seenZxid));
    whileReadOnly();
    time.advance(500);
    await settled();
    told.look(core);
  }
}

/** The machine crashes. Answers what is left, once everything that was told is found in it. */
async function crash(storage: FaultyStorage, told: Told, survival: Survival, random: Random, context: string): Promise<FaultyStorage> {
  // The server may go on while we look.
  const { zxid } = told;
  const left = storage.afterCrash(survival, random);
  const { lastZxid, tree } = await recover(left);
  expect(lastZxid, context).toBeGreaterThanOrEqual(zxid);
  expect(picture(tree), context).toBe(told.pictureAt(lastZxid));
  // What was not told of may be gone, and then its numbers are given again.
  told.pictures.length = lastZxid + 1;
  return left;
}

/** One life up to a crash, a second one on what is left, up to another; and what the third finds. */
async function crashTwice(seed: number, first: number, second: number, survival: Survival): Promise<'crashed' | 'ended'> {
  const random = seededRandom(seed);
  const context = `seed ${seed}, crash after operations ${first} and ${second}, ${survival} survives`;
  const told = new Told();
  let storage = new FaultyStorage();
  let outcome: 'crashed' | 'ended' = 'ended';
  for (const after of [first, second]) {
    storage.crashAfter(after);
    const life = await startCore(storage, random).catch(() => undefined);
    if (life !== undefined) {
      told.pictures[life.core.seenZxid] = picture(life.core.tree);
      await run(life, storage, random, told, 30);
      await settled();
    }
    if (storage.crashed) outcome = 'crashed';
    storage = await crash(storage, told, survival, random, context);
  }
  return outcome;
}

describe('a crash after any operation on the disk', () => {
  test.each(['nothing', 'everything', 'torn'] as const)('loses nothing that was told: of the unsynced, %s survives', async survival => {
    const seed = Number(process.env['SEED'] ?? systemRandom.int(1 << 30));
    console.log(`seed ${seed}`);
    let first = 1;
    while ((await crashTwice(seed + first, first, 1 + (first % 23), survival)) === 'crashed' && first < 120) first++;
    expect(first).toBeGreaterThan(50);
  });
});

describe('a disk that fails', () => {
  test('stops the server at whatever operation it was, and what it had told is there when it starts again', async () => {
    const seed = Number(process.env['SEED'] ?? systemRandom.int(1 << 30));
    for (let at = 1; at < 60; at++) {
      const random = seededRandom(seed + at);
      const storage = new FaultyStorage();
      const life = await startCore(storage, random);
      const told = new Told();
      told.pictures.push(picture(life.core.tree));
      storage.failAt(at);
      await run(life, storage, random, told, 30);
      await crash(storage, told, 'nothing', random, `seed ${seed + at}, failure at ${at}`);
      // A snapshot that failed is tried again later; a log that failed ends the server.
      expect(life.core.stopped).toBe(life.failures.length > 0);
    }
  });

  test('while it is full, too: what cannot be cut off is no state to go on from', async () => {
    const random = seededRandom(5);
    const storage = new FaultyStorage();
    const life = await startCore(storage, random);
    storage.fullAt(8);
    const told = new Told();
    told.pictures.push(picture(life.core.tree));
    await run(life, storage, random, told, 30, () => storage.failAt(1));
    expect(life.core.stopped).toBe(true);
    expect(life.failures).toMatchObject([{ code: 'EIO' }]);
    await crash(storage, told, 'everything', random, '');
  });
});

describe('a disk that is full for a while', () => {
  interface FullLife {
    readonly seed: number;
    readonly at: number;
    readonly fullness: Fullness;
    readonly survival: Survival;
    /** Operations after the server has noticed. */
    readonly crashAfter?: number;
  }

  /** A life with a full disk in it, a crash, and a second life on what is left. False: the disk was never full. */
  async function live({ seed, at, fullness, survival, crashAfter }: FullLife): Promise<boolean> {
    const random = seededRandom(seed);
    const context = `seed ${seed}, full at ${at}, ${fullness}, crash ${crashAfter ?? 'at the end'}, ${survival} survives`;
    const storage = new FaultyStorage();
    const life = await startCore(storage, random);
    const { core, failures } = life;
    const told = new Told();
    told.pictures.push(picture(core.tree));
    storage.fullAt(at, fullness);
    let [stepsWithoutRoom, toldBefore] = [0, 0];
    await run(life, storage, random, told, 30, () => {
      toldBefore = told.zxid;
      if (stepsWithoutRoom++ === 0 && crashAfter !== undefined) storage.crashAfter(crashAfter);
      if (stepsWithoutRoom === 3) storage.makeRoom();
    });
    storage.makeRoom();
    await run(life, storage, random, told, 20);
    if (stepsWithoutRoom > 0 && crashAfter === undefined) {
      expect([core.readOnly, core.stopped, failures], context).toEqual([false, false, []]);
      expect(told.zxid, context).toBeGreaterThan(toldBefore);
    }
    const left = await crash(storage, told, survival, random, context);
    await run(await startCore(left, random), left, random, told, 5);
    await crash(left, told, 'nothing', random, context);
    return stepsWithoutRoom > 0;
  }

  const lives = (['growth', 'everything'] as const).flatMap(fullness => (['nothing', 'everything', 'torn'] as const).map(survival => ({ fullness, survival })));

  test.each(lives)('refuses writes, keeps what was told, and goes on when there is room ($fullness needs room, $survival survives)', async kind => {
    const seed = Number(process.env['SEED'] ?? systemRandom.int(1 << 30));
    console.log(`seed ${seed}`);
    let fullLives = 0;
    for (let at = 1; at <= 50; at++) if (await live({ ...kind, seed: seed + at, at })) fullLives++;
    expect(fullLives).toBeGreaterThan(35);
  });

  test.each(lives)('may crash at any step of that ($fullness needs room, $survival survives)', async kind => {
    const seed = Number(process.env['SEED'] ?? systemRandom.int(1 << 30));
    console.log(`seed ${seed}`);
    for (let at = 1; at < 100; at++) await live({ ...kind, seed: seed + at, at: 1 + (at % 50), crashAfter: 1 + (at % 12) });
  });

  test('for one operation only, whichever: nothing told is lost', async () => {
    const seed = Number(process.env['SEED'] ?? systemRandom.int(1 << 30));
    for (let at = 1; at < 60; at++) {
      const random = seededRandom(seed + at);
      const storage = new FaultyStorage();
      const life = await startCore(storage, random);
      const told = new Told();
      told.pictures.push(picture(life.core.tree));
      storage.failAt(at, 'ENOSPC');
      await run(life, storage, random, told, 30);
      await run(life, storage, random, told, 10);
      expect([life.core.readOnly, life.core.stopped]).toEqual([false, false]);
      await crash(storage, told, 'nothing', random, `seed ${seed + at}, at ${at}`);
    }
  });
});

describe('a damaged directory', () => {
  async function filled(): Promise<{ storage: FaultyStorage; names: string[] }> {
    const storage = new FaultyStorage();
    const random = seededRandom(3);
    const life = await startCore(storage, random);
    await run(life, storage, random, new Told(), 60);
    await life.core.close();
    const names = (await storage.list()).sort();
    expect(names.filter(name => name.startsWith('snapshot.'))).toHaveLength(2);
    expect(names.filter(name => name.startsWith('log.')).length).toBeGreaterThan(1);
    return { storage, names };
  }

  const newest = (names: readonly string[], kind: string): string =>
    names.filter(name => name.startsWith(kind)).sort((a, b) => Number.parseInt(a.split('.')[1]!, 16) - Number.parseInt(b.split('.')[1]!, 16)).at(-1)!;

  test('the newest snapshot is unreadable: the one before and the log lead to the same tree', async () => {
    const { storage, names } = await filled();
    const whole = await recover(storage);
    const name = newest(names, 'snapshot');
    const bytes = await storage.read(name);
    for (const damage of [Buffer.from(bytes).fill(0xff, bytes.length / 2, bytes.length / 2 + 4), bytes.subarray(0, bytes.length - 6), Buffer.alloc(0)]) {
      storage.overwrite(name, damage);
      const recovered = await recover(storage);
      expect(recovered.lastZxid).toBe(whole.lastZxid);
      expect(picture(recovered.tree)).toBe(picture(whole.tree));
    }
  });

  test('a log that is damaged where no crash can have reached is refused, not cut', async () => {
    const { storage, names } = await filled();
    const snapshot = newest(names, 'snapshot');
    const older = names.filter(name => name.startsWith('log.') && name !== newest(names, 'log')).at(-1)!;
    const bytes = await storage.read(older);
    storage.overwrite(snapshot, Buffer.alloc(0));
    storage.overwrite(older, Buffer.from(bytes).fill(0x55, 40, 44));
    await expect(recover(storage)).rejects.toThrow(DamagedStorageError);
  });

  test('a last log whose header is damaged, but not what follows it, is refused too', async () => {
    const { storage, names } = await filled();
    const name = newest(names, 'log');
    storage.overwrite(name, Buffer.from(await storage.read(name)).fill(0, 0, 4));
    await expect(recover(storage)).rejects.toThrow(DamagedStorageError);
  });

  test('a log that is missing from the middle is noticed', async () => {
    const { storage, names } = await filled();
    for (const name of names.filter(each => each.startsWith('snapshot.'))) await storage.remove(name);
    await expect(recover(storage)).rejects.toThrow(DamagedStorageError);
  });

  test('the last log is cut at every length: the tree is always one that was', async () => {
    const { storage, names } = await filled();
    const name = newest(names, 'log');
    const bytes = await storage.read(name);
    const end = (await recover(storage)).lastZxid;
    let last = 0;
    for (let length = 0; length <= bytes.length; length++) {
      const copy = storage.afterCrash('everything', seededRandom(1));
      copy.overwrite(name, Buffer.from(bytes.subarray(0, length)));
      const { lastZxid } = await recover(copy);
      expect(lastZxid).toBeGreaterThanOrEqual(last);
      last = lastZxid;
    }
    expect(last).toBe(end);
  });
});
