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
import { OPEN_ACL, ZkError } from '../../src/zookeeper/types.js';
import { FaultyStorage, type Survival } from './support/faulty-storage.js';
import { ManualTime } from './support/manual-time.js';

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve));
};

async function startCore(storage: Storage, random: Random, failures: unknown[] = []): Promise<ServerCore> {
  const time = new ManualTime();
  return new ServerCore({
    storage, recovered: await recover(storage), clock: time, timers: time, random, logger: silentLogger,
    minSessionTimeoutMs: 1000, maxSessionTimeoutMs: 60_000, snapshotAfterBytes: 600, onFailure: error => failures.push(error), onDurable: () => {},
  });
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

interface Told {
  /** The tree after each transaction. */
  readonly pictures: string[];
  /** The last transaction that a client was told of. */
  zxid: number;
}

/** Runs a server until `steps` are done or its machine crashes. */
async function run(core: ServerCore, storage: FaultyStorage, random: Random, told: Told, steps: number): Promise<void> {
  let session = core.openSession(10_000);
  told.pictures[core.seenZxid + 1] = picture(core.tree);
  const record = (): void => {
    const zxid = core.seenZxid;
    told.pictures[zxid] = picture(core.tree);
    core.say(() => {
      told.zxid = zxid;
    });
  };
  for (let step = 0; step < steps && !storage.crashed && !core.stopped; step++) {
    for (let burst = random.int(4); burst >= 0; burst--) {
      const change = anyChange(random, core);
      if (change === undefined) continue;
      core.commit(session.id, 0, random.int(5) === 0 ? { type: 'multi', changes: [change] } : change);
      record();
    }
    if (random.int(12) === 0) {
      core.endSession(session, 0);
      record();
      session = core.openSession(10_000);
      told.pictures[core.seenZxid + 1] = picture(core.tree);
    }
    core.flush();
    await settled();
  }
}

/** One life up to a crash, a second one on what is left, up to another; and what the third finds. */
async function crashTwice(seed: number, first: number, second: number, survival: Survival): Promise<'crashed' | 'ended'> {
  const random = seededRandom(seed);
  const context = `seed ${seed}, crash after operations ${first} and ${second}, ${survival} survives`;
  const told: Told = { pictures: [], zxid: 0 };
  let storage = new FaultyStorage();
  let outcome: 'crashed' | 'ended' = 'ended';
  for (const after of [first, second]) {
    storage.crashAfter(after);
    const core = await startCore(storage, random).catch(() => undefined);
    if (core !== undefined) {
      told.pictures[core.seenZxid] = picture(core.tree);
      await run(core, storage, random, told, 30);
      await settled();
    }
    if (storage.crashed) outcome = 'crashed';
    const { zxid } = told;
    storage = storage.afterCrash(survival, random);
    const recovered = await recover(storage);
    expect(recovered.lastZxid, context).toBeGreaterThanOrEqual(zxid);
    expect(picture(recovered.tree), context).toBe(told.pictures[recovered.lastZxid]);
    // What was not told of may be gone, and then its numbers are given again.
    told.pictures.length = recovered.lastZxid + 1;
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
    const seed = systemRandom.int(1 << 30);
    for (let at = 1; at < 60; at++) {
      const random = seededRandom(seed + at);
      const storage = new FaultyStorage();
      const failures: unknown[] = [];
      const core = await startCore(storage, random, failures);
      const told: Told = { pictures: [picture(core.tree)], zxid: 0 };
      storage.failAt(at);
      await run(core, storage, random, told, 30);
      // The server may go on while we look.
      const { zxid } = told;
      const recovered = await recover(storage.afterCrash('nothing', random));
      expect(recovered.lastZxid, `seed ${seed + at}, failure at ${at}`).toBeGreaterThanOrEqual(zxid);
      expect(picture(recovered.tree), `seed ${seed + at}, failure at ${at}`).toBe(told.pictures[recovered.lastZxid]);
      // A snapshot that failed is tried again later; a log that failed ends the server.
      expect(core.stopped).toBe(failures.length > 0);
    }
  });
});

describe('a damaged directory', () => {
  async function filled(): Promise<{ storage: FaultyStorage; names: string[] }> {
    const storage = new FaultyStorage();
    const random = seededRandom(3);
    const core = await startCore(storage, random);
    await run(core, storage, random, { pictures: [], zxid: 0 }, 60);
    await core.close();
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
