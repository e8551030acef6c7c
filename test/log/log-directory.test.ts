import { expect, test } from 'vitest';
import { lockDirectory, LogDirectoryProblem, scanLogDirectory } from '../../src/log/log-directory.js';
import { futureName, liveName, parseDirectoryName, suffixedName } from '../../src/log/partition-directory.js';
import { MemoryStorage } from './support/memory-storage.js';
import { named } from '../support/names.js';

const UNIQUE = 'e'.repeat(32);

test('every form of a partition directory is recognised', () => {
  const forms: [string, string, number, string][] = [
    ['orders-0', 'orders', 0, 'live'], ['a-b-c-12', 'a-b-c', 12, 'live'], ['x.y-3', 'x.y', 3, 'live'], ['--1', '-', 1, 'live'],
    [`orders-0.${UNIQUE}-delete`, 'orders', 0, 'delete'], [`a.b-1.${UNIQUE}-future`, 'a.b', 1, 'future'], [`orders-2.${UNIQUE}-stray`, 'orders', 2, 'stray'],
    // A topic may be called "x-delete": its partition 4 is alive.
    ['x-delete-4', 'x-delete', 4, 'live'],
  ];
  for (const [name, topic, partition, kind] of forms) expect(parseDirectoryName(name)).toEqual({ name, topic, partition, kind });
});

test('anything else is not', () => {
  const others = ['orders', 'orders-', '-0', 'orders-x', 'orders--', 'lost+found', '', 'orders-delete', 'orders-0-delete', 'orders-0.-delete', 'orders-1a', 'orders-99999999999', 'orders-2147483648',
    // No topic can have such a name.
    'my orders-0', '..-0', '.-0', 'bestellungen\u00e9-0', `${'x'.repeat(250)}-0`];
  for (const name of others) expect(parseDirectoryName(name), name).toBeUndefined();
});

test('names are made as they are read, and fit a file system', () => {
  const [orders, long] = [named('orders'), named('t'.repeat(249))];
  for (const kind of ['delete', 'stray'] as const) {
    expect(parseDirectoryName(suffixedName(orders, 7, kind, UNIQUE))).toMatchObject({ topic: 'orders', partition: 7, kind });
    expect(suffixedName(long, 7, kind, UNIQUE)).toHaveLength(255);
    expect(parseDirectoryName(suffixedName(long, 7, kind, UNIQUE))).toMatchObject({ partition: 7, kind });
  }
  expect(parseDirectoryName(futureName(orders, 7, UNIQUE))).toMatchObject({ topic: 'orders', partition: 7, kind: 'future' });
  expect(parseDirectoryName(futureName(long, 7, UNIQUE))?.topic).toBe(long);
  expect(parseDirectoryName(liveName(named('a-1'), 2))).toMatchObject({ topic: 'a-1', partition: 2 });
});

test('a scan finds the partitions and passes over files and what belongs to Kafka\'s other modes', async () => {
  const storage = new MemoryStorage();
  for (const dir of ['orders-0', 'orders-1', `gone-0.${UNIQUE}-delete`, '__cluster_metadata-0', 'remote-log-index-cache']) await storage.makeDirectory(`/logs/${dir}`);
  storage.put('/logs/meta.properties', '');
  storage.put('/logs/notes.txt', '');
  expect((await scanLogDirectory(storage, '/logs')).map(({ name }) => name).sort()).toEqual([`gone-0.${UNIQUE}-delete`, 'orders-0', 'orders-1']);
});

test('a directory nobody recognises stops the start, by name', async () => {
  const storage = new MemoryStorage();
  await storage.makeDirectory('/logs/orders-0');
  await storage.makeDirectory('/logs/backup');
  await expect(scanLogDirectory(storage, '/logs')).rejects.toThrow(/\/logs.*backup/);
  await expect(scanLogDirectory(storage, '/nowhere')).rejects.toBeInstanceOf(LogDirectoryProblem);
});

test('a directory is held by one process at a time', () => {
  const held = new Set<string>();
  const lock = (path: string): { release(): void } | undefined => {
    if (held.has(path)) return undefined;
    held.add(path);
    return { release: () => held.delete(path) };
  };
  const first = lockDirectory(lock, '/logs');
  expect([...held]).toEqual(['/logs/.lock']);
  expect(() => lockDirectory(lock, '/logs')).toThrow(/in use by another process/);
  first.release();
  lockDirectory(lock, '/logs').release();
});
