import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readOffsets, writeOffsets, type PartitionOffset } from '../../src/log/checkpoint-file.js';
import { diskStorage, removeDurably, writeAtomically, type Storage } from '../../src/log/storage.js';
import { Crash, MemoryStorage } from './support/memory-storage.js';

const OLD: PartitionOffset[] = [{ topic: 'orders', partition: 0, offset: 10 }];
const NEW: PartitionOffset[] = [{ topic: 'orders', partition: 0, offset: 20 }, { topic: 'orders', partition: 1, offset: 5 }];

test('a checkpoint cut short after any single call reads as the old one or the new one', async () => {
  const path = '/logs/replication-offset-checkpoint';
  const whole = new MemoryStorage();
  await writeOffsets(whole, path, OLD);
  const before = whole.calls.length;
  await writeOffsets(whole, path, NEW);
  const calls = whole.calls.length - before;
  expect(calls).toBeGreaterThanOrEqual(3);

  const outcomes = new Set<number>();
  for (let at = 0; at < calls; at++) {
    const storage = new MemoryStorage();
    await writeOffsets(storage, path, OLD);
    storage.failAt = storage.calls.length + at;
    storage.failure = () => new Crash();
    await expect(writeOffsets(storage, path, NEW)).rejects.toBeInstanceOf(Crash);
    const found = await readOffsets(storage.afterCrash(), path);
    expect([OLD, NEW], `crash at call ${at}`).toContainEqual(found);
    outcomes.add(found.length);
  }
  // The model of a crash can tell the two apart: a rename that was not synced is undone.
  expect(outcomes).toEqual(new Set([OLD.length]));
  expect(await readOffsets(whole.afterCrash(), path)).toEqual(NEW);
});

test('a disk that refuses at any single call leaves a readable checkpoint, and the next attempt succeeds', async () => {
  const path = '/logs/recovery-point-offset-checkpoint';
  for (let at = 0; at < 3; at++) {
    const storage = new MemoryStorage();
    await writeOffsets(storage, path, OLD);
    storage.failAt = storage.calls.length + at;
    await expect(writeOffsets(storage, path, NEW)).rejects.toMatchObject({ code: 'EIO' });
    expect([OLD, NEW]).toContainEqual(await readOffsets(storage, path));
    await writeOffsets(storage, path, NEW);
    expect(await readOffsets(storage.afterCrash(), path)).toEqual(NEW);
  }
});

test('what was removed durably does not come back', async () => {
  const storage = new MemoryStorage();
  storage.put('/logs/mark', '');
  await storage.remove('/logs/mark');
  expect(storage.afterCrash().text('/logs/mark')).toBe('');
  await removeDurably(storage, '/logs/mark');
  expect(storage.afterCrash().text('/logs/mark')).toBeUndefined();
});

test.each<[string, () => [Storage, string, () => void]]>([
  ['disk', () => {
    const dir = mkdtempSync(join(tmpdir(), 'odradek-storage-'));
    return [diskStorage, dir, () => rmSync(dir, { recursive: true })];
  }],
  ['memory', () => [new MemoryStorage(), '/root', () => {}]],
])('the storage on %s answers alike', async (_name, open) => {
  const [storage, root, close] = open();
  try {
    const inner = join(root, 'a', 'b');
    await storage.makeDirectory(inner);
    await storage.makeDirectory(inner);
    await writeAtomically(storage, join(inner, 'file'), 'one');
    await writeAtomically(storage, join(inner, 'file'), 'two');
    expect((await storage.readFile(join(inner, 'file')))?.toString()).toBe('two');
    expect(await storage.readFile(join(inner, 'absent'))).toBeNull();
    expect(await storage.list(join(root, 'absent'))).toBeNull();
    expect(await storage.list(inner)).toEqual([{ name: 'file', isDirectory: false }]);
    expect(await storage.list(join(root, 'a'))).toEqual([{ name: 'b', isDirectory: true }]);
    await storage.remove(join(inner, 'absent'));
    await storage.remove(inner);
    expect(await storage.list(inner)).toBeNull();
    await expect(storage.rename(join(root, 'absent'), join(root, 'x'))).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    close();
  }
});
