// The small files, byte for byte as Kafka writes them.
import { expect, test } from 'vitest';
import { decodeCheckpoint, MalformedFile, readEpochs, readOffsets, writeEpochs, writeOffsets } from '../../src/log/checkpoint-file.js';
import { forgetCleanShutdown, markCleanShutdown, wasCleanlyShutDown } from '../../src/log/clean-shutdown.js';
import { identityProblem, readMetaProperties, writeMetaProperties, type FoundMetaProperties, type MetaProperties } from '../../src/log/meta-properties.js';
import { readPartitionMetadata, writePartitionMetadata } from '../../src/log/partition-metadata.js';
import { MemoryStorage } from './support/memory-storage.js';

const holding = (content: string): MemoryStorage => {
  const storage = new MemoryStorage();
  storage.put('/f', content);
  return storage;
};

test('offset checkpoints', async () => {
  const storage = new MemoryStorage();
  const offsets = [{ topic: 'my-topic', partition: 3, offset: 2 ** 53 }, { topic: '__consumer_offsets', partition: 0, offset: 0 }];
  await writeOffsets(storage, '/f', offsets);
  expect(storage.text('/f')).toBe('0\n2\nmy-topic 3 9007199254740992\n__consumer_offsets 0 0\n');
  expect(await readOffsets(storage, '/f')).toEqual(offsets);
  await writeOffsets(storage, '/f', []);
  expect(storage.text('/f')).toBe('0\n0\n');
});

test('leader epoch checkpoints', async () => {
  const storage = new MemoryStorage();
  await writeEpochs(storage, '/f', [{ epoch: 0, startOffset: 0 }, { epoch: 7, startOffset: 1234567 }]);
  expect(storage.text('/f')).toBe('0\n2\n0 0\n7 1234567\n');
  expect(await readEpochs(storage, '/f')).toEqual([{ epoch: 0, startOffset: 0 }, { epoch: 7, startOffset: 1234567 }]);
});

test('a checkpoint may be absent, empty, or spaced otherwise than we would', async () => {
  expect(await readOffsets(new MemoryStorage(), '/f')).toEqual([]);
  expect(await readOffsets(holding(''), '/f')).toEqual([]);
  expect(await readOffsets(holding('0\r\n1\r\nt  4\t5\r\n'), '/f')).toEqual([{ topic: 't', partition: 4, offset: 5 }]);
  expect(await readOffsets(holding('0\n1\nt 4 5'), '/f')).toEqual([{ topic: 't', partition: 4, offset: 5 }]);
});

test.each([
  ['another version', '1\n0\n'], ['no version', '\n0\n'], ['garbage', 'hello'], ['no count', '0\n'], ['too few entries', '0\n2\nt 0 1\n'],
  ['too many', '0\n1\nt 0 1\nt 1 1\n'], ['a field short', '0\n1\nt 0\n'], ['a field long', '0\n1\nt 0 1 2\n'], ['an offset that is none', '0\n1\nt 0 x\n'],
])('a checkpoint with %s is malformed', async (_what, content) => {
  await expect(readOffsets(holding(content), '/f')).rejects.toBeInstanceOf(MalformedFile);
});

test('a malformed checkpoint is told with its path', () => {
  expect(() => decodeCheckpoint('/logs/x', '9\n0\n')).toThrow(/^\/logs\/x: version '9'/);
});

test('partition.metadata', async () => {
  const storage = new MemoryStorage();
  await writePartitionMetadata(storage, '/f', 'Zk-8cUqKTVqdZJq1B_CxQw');
  expect(storage.text('/f')).toBe('version: 0\ntopic_id: Zk-8cUqKTVqdZJq1B_CxQw');
  expect(await readPartitionMetadata(storage, '/f')).toBe('Zk-8cUqKTVqdZJq1B_CxQw');
  expect(await readPartitionMetadata(new MemoryStorage(), '/f')).toBeNull();
  for (const bad of ['', 'version: 1\ntopic_id: Zk-8cUqKTVqdZJq1B_CxQw', 'version: 0\n', 'version: 0\ntopic_id: short']) {
    await expect(readPartitionMetadata(holding(bad), '/f'), bad).rejects.toBeInstanceOf(MalformedFile);
  }
});

test('the mark of a clean shutdown', async () => {
  const storage = new MemoryStorage();
  storage.put('/logs/x', '');
  expect(await wasCleanlyShutDown(storage, '/logs')).toBe(false);
  await markCleanShutdown(storage, '/logs');
  expect(storage.text('/logs/.kafka_cleanshutdown')).toBe('{"version":0,"brokerEpoch":-1}');
  expect(await wasCleanlyShutDown(storage.afterCrash(), '/logs')).toBe(true);
  await forgetCleanShutdown(storage, '/logs');
  expect(await wasCleanlyShutDown(storage.afterCrash(), '/logs')).toBe(false);
  storage.put('/logs/.kafka_cleanshutdown', '');
  expect(await wasCleanlyShutDown(storage, '/logs')).toBe(true);
});

const DIRECTORY = 'Zk-8cUqKTVqdZJq1B_CxQw';

test('meta.properties', async () => {
  const storage = new MemoryStorage();
  const meta: MetaProperties = { clusterId: 'gFJ0dpTJSw2G2YrQmd3WjA', brokerId: 1001, directoryId: null };
  await writeMetaProperties(storage, '/f', meta, new Date(Date.UTC(2026, 10, 1, 3, 4, 5)));
  expect(storage.text('/f')).toBe('#\n#Sun Nov 01 03:04:05 UTC 2026\nversion=0\ncluster.id=gFJ0dpTJSw2G2YrQmd3WjA\nbroker.id=1001\n');
  expect(await readMetaProperties(storage, '/f')).toEqual({ ...meta, kraft: false });
  expect(await readMetaProperties(new MemoryStorage(), '/f')).toBeNull();
});

test('meta.properties as others leave it', async () => {
  const read = (content: string): Promise<FoundMetaProperties | null> => readMetaProperties(holding(content), '/f');
  const none = { kraft: false, clusterId: null, brokerId: null, directoryId: null };
  expect(await read('version=0\nbroker.id=2\n')).toEqual({ ...none, brokerId: 2 });
  expect(await read(`# x\nbroker.id : 2\ncluster.id=a\\=b\nversion 0\ndirectory.id=${DIRECTORY}`)).toEqual({ ...none, clusterId: 'a=b', brokerId: 2, directoryId: DIRECTORY });
  // Empty, or of a time when there were no versions: as new.
  for (const empty of ['', '\n', '#\n#Sun Nov 01 03:04:05 UTC 2026\n']) expect(await read(empty)).toEqual(none);
  expect(await read('broker.id=2\n')).toEqual({ ...none, brokerId: 2 });
  expect(await read('version= 00 \n')).toEqual(none);
  expect((await read('version=1\nnode.id=2\ncluster.id=a\n'))!.kraft).toBe(true);
  for (const bad of ['version=\n', 'version=2\n', 'version=one\n', 'version=0\nbroker.id=two\n', 'broker.id=\n', 'directory.id=d\n']) await expect(read(bad), bad).rejects.toBeInstanceOf(MalformedFile);
  const odd = { clusterId: 'a=b c\\d:e é', brokerId: 0, directoryId: DIRECTORY };
  const storage = new MemoryStorage();
  await writeMetaProperties(storage, '/f', odd, new Date(0));
  expect(await readMetaProperties(storage, '/f')).toEqual({ ...odd, kraft: false });
});

test('directories of another cluster, of another broker, or of several stop the start', () => {
  const meta = (clusterId: string, brokerId: number): FoundMetaProperties => ({ kraft: false, clusterId, brokerId, directoryId: null });
  const problem = (configured: number, ...found: (FoundMetaProperties | null)[]): string | undefined =>
    identityProblem(new Map(found.map((one, index) => [`/d${index}`, one])), 'C', configured);
  expect(problem(-1)).toBeUndefined();
  expect(problem(3, null, meta('C', 3))).toBeUndefined();
  expect(problem(-1, meta('C', 3), meta('C', 3))).toBeUndefined();
  expect(problem(3, { kraft: false, clusterId: null, brokerId: null, directoryId: null })).toBeUndefined();
  expect(problem(3, { ...meta('C', 3), kraft: true })).toMatch(/KRaft/);
  expect(problem(3, { ...meta('C', 3), directoryId: DIRECTORY }, { ...meta('C', 3), directoryId: DIRECTORY })).toMatch(/\/d1 and \/d0 have the same directory.id/);
  expect(problem(-1, null, meta('X', 3))).toMatch(/\/d1 belongs to cluster X, but this is cluster C/);
  expect(problem(-1, meta('C', 3), meta('C', 4))).toMatch(/\/d0 to 3, \/d1 to 4/);
  expect(problem(5, meta('C', 3))).toMatch(/broker\.id is 5, but \/d0 belongs to broker 3/);
});
