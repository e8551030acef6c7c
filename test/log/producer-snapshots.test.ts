import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { CorruptSnapshot, decodeSnapshot, encodeSnapshot } from '../../src/log/producer-snapshot.js';
import { ProducerSnapshots } from '../../src/log/producer-snapshots.js';
import { ProducerStateManager, Verdict } from '../../src/log/producer-state.js';
import { MemoryStorage } from './support/memory-storage.js';

const fresh = (): ProducerStateManager => new ProducerStateManager({ expirationMs: () => 86_400_000 });
const encode = (state: ProducerStateManager): Buffer => encodeSnapshot(state.committedProducers(), state.committedCount);

/** CRC-32C, bit by bit: not the one under test. */
function crc(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) !== 0 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** A snapshot file by hand, each entry its eight fields as 46 bytes. */
function file(...entries: [bigint, number, number, bigint, number, bigint, number, bigint][]): Buffer {
  const body = Buffer.alloc(4 + 46 * entries.length);
  body.writeInt32BE(entries.length, 0);
  entries.forEach(([id, epoch, sequence, offset, delta, timestamp, coordinatorEpoch, transaction], index) => {
    const at = 4 + 46 * index;
    body.writeBigInt64BE(id, at);
    body.writeInt16BE(epoch, at + 8);
    body.writeInt32BE(sequence, at + 10);
    body.writeBigInt64BE(offset, at + 14);
    body.writeInt32BE(delta, at + 22);
    body.writeBigInt64BE(timestamp, at + 26);
    body.writeInt32BE(coordinatorEpoch, at + 34);
    body.writeBigInt64BE(transaction, at + 38);
  });
  const head = Buffer.alloc(6);
  head.writeInt16BE(1, 0);
  head.writeUInt32BE(crc(body), 2);
  return Buffer.concat([head, body]);
}

test('a snapshot is byte for byte the file Kafka would write', () => {
  const state = fresh();
  state.replay(4000, 3, 9, 100, 104, 1_700_000_000_123, false);
  state.replay(2 ** 40 + 5, 32767, 0, 2 ** 52, 2 ** 52, 5, true);
  state.replay(7, 0, 5, 10, 12, 50, true);
  state.endTransaction(7, 1, 77, 13, 60, true);
  expect(encode(state)).toEqual(file(
    [4000n, 3, 9, 104n, 4, 1_700_000_000_123n, -1, -1n],
    [2n ** 40n + 5n, 32767, 0, 2n ** 52n, 0, 5n, -1, 2n ** 52n],
    [7n, 1, -1, -1n, 0, 60n, 77, -1n],
  ));
  expect(encode(fresh())).toEqual(file());
});

test('what is loaded goes on where it stopped; of earlier batches only the last is remembered', () => {
  const state = fresh();
  state.load(decodeSnapshot(file(
    [4000n, 3, 9, 104n, 4, 1000n, -1, -1n], [5n, 0, 4, 50n, 0, 1000n, 2, 48n], [6n, 2, -1, -1n, 0, 1000n, 9, -1n],
  )), 2000);
  expect(state.check(4000, 3, 5, 9, false)).toBe(Verdict.duplicate);
  expect([state.duplicateOffset, state.duplicateTimestamp]).toEqual([100, 1000]);
  expect(state.check(4000, 3, 4, 4, false)).toBe(Verdict.outOfOrder);
  expect(state.check(4000, 3, 10, 10, false)).toBe(Verdict.accept);
  expect(state.check(5, 0, 5, 5, false)).toBe(Verdict.invalidTransactionState);
  expect(state.firstUndecidedOffset).toBe(48);
  expect(state.check(6, 1, 0, 0, false)).toBe(Verdict.invalidEpoch);
  expect(state.check(6, 2, 1, 1, false)).toBe(Verdict.outOfOrder);
  expect(state.check(6, 2, 0, 0, false)).toBe(Verdict.accept);
  expect(state.checkMarker(6, 2, 8)).toBe('coordinatorFenced');
});

test('who has expired while the broker was down is not loaded, unless a transaction is open', () => {
  const state = fresh();
  state.load(decodeSnapshot(file([1n, 0, 0, 1n, 0, 1000n, -1, -1n], [2n, 0, 0, 2n, 0, 1000n, -1, 2n], [3n, 0, 0, 3n, 0, 2000n, -1, -1n])), 86_401_000);
  expect([...state.committedProducers()].map(({ producerId }) => producerId)).toEqual([2, 3]);
});

test('batches in flight are not in a snapshot', () => {
  const state = fresh();
  state.replay(1, 0, 4, 0, 4, 10, false);
  const before = encode(state);
  state.prepare(1, 0, 5, 9, false);
  state.prepare(1, 1, 0, 0, false);
  state.prepare(2, 0, 0, 0, false);
  expect(encode(state)).toEqual(before);
});

test('a file cut anywhere, of another version, or with any bit flipped is corrupt', () => {
  const good = file([4000n, 3, 9, 104n, 4, 1000n, -1, -1n]);
  for (let length = 0; length < good.length; length++) expect(() => decodeSnapshot(good.subarray(0, length)), `${length}`).toThrow(CorruptSnapshot);
  expect(() => decodeSnapshot(Buffer.concat([good, Buffer.alloc(1)]))).toThrow(CorruptSnapshot);
  for (let bit = 0; bit < good.length * 8; bit++) {
    const flipped = Buffer.from(good);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => decodeSnapshot(flipped), `bit ${bit}`).toThrow(CorruptSnapshot);
  }
});

const name = (offset: number): string => `/t-0/${String(offset).padStart(20, '0')}.snapshot`;

async function snapshotsAt(...offsets: number[]): Promise<{ storage: MemoryStorage; snapshots: ProducerSnapshots }> {
  const storage = new MemoryStorage();
  await storage.makeDirectory('/t-0');
  for (const offset of offsets) storage.put(name(offset), file([BigInt(offset), 0, 0, 0n, 0, 1n, -1, -1n]));
  storage.put('/t-0/00000000000000000000.log', '');
  storage.put('/t-0/123.snapshot', 'not by this name');
  const snapshots = new ProducerSnapshots(storage, '/t-0', silentLogger);
  await snapshots.open();
  return { storage, snapshots };
}

test('the newest whole snapshot at or below the end of the log is loaded, and corrupt ones are removed', async () => {
  const { storage, snapshots } = await snapshotsAt(30, 10, 20);
  expect(snapshots.offsets).toEqual([10, 20, 30]);
  storage.put(name(20), 'torn');
  const loaded = await snapshots.loadNewest(29);
  expect([loaded?.offset, loaded?.producers.map(({ producerId }) => producerId)]).toEqual([10, [10]]);
  expect(snapshots.offsets).toEqual([10, 30]);
  expect(storage.text(name(20))).toBeUndefined();
  expect(await snapshots.loadNewest(9)).toBeUndefined();
});

test('a snapshot is the state when it was taken, whatever is appended while it is written', async () => {
  const { storage, snapshots } = await snapshotsAt();
  const state = fresh();
  state.replay(1, 0, 4, 0, 4, 10, false);
  const expected = encode(state);
  const writing = snapshots.take(5, state);
  state.replay(1, 0, 5, 5, 5, 11, false);
  await writing;
  expect(await storage.readFile(name(5))).toEqual(expected);
  await snapshots.take(5, state);
  expect(await storage.readFile(name(5))).toEqual(expected);
  expect(snapshots.offsets).toEqual([5]);
});

test('of a log that nobody has written to there is none', async () => {
  const { snapshots } = await snapshotsAt();
  await snapshots.take(0, fresh());
  expect(snapshots.offsets).toEqual([]);
});

test('snapshots go with the records they are about', async () => {
  const all = [10, 20, 30, 40];
  const after = async (act: (snapshots: ProducerSnapshots) => Promise<void>): Promise<readonly number[]> => {
    const { storage, snapshots } = await snapshotsAt(...all);
    await act(snapshots);
    const reopened = new ProducerSnapshots(storage, '/t-0', silentLogger);
    await reopened.open();
    expect(reopened.offsets).toEqual(snapshots.offsets);
    return snapshots.offsets;
  };
  expect(await after(snapshots => snapshots.removeOutside(10, 30))).toEqual([20, 30]);
  expect(await after(snapshots => snapshots.removeOf([20, 99]))).toEqual([10, 30, 40]);
  expect(await after(snapshots => snapshots.removeStray([10, 30]))).toEqual([10, 30, 40]);
  expect(await after(snapshots => snapshots.removeStray([10, 30, 50]))).toEqual([10, 30]);
  expect(await after(snapshots => snapshots.removeStray([]))).toEqual([40]);
});

test('only what is newer than the newest snapshot is noted, and nothing of an empty log', async () => {
  const snapshots = new ProducerSnapshots(new MemoryStorage(), '/log', silentLogger);
  await snapshots.open();
  for (const [offset, kept] of [[0, []], [5, [5]], [5, [5]], [3, [5]], [9, [5, 9]]] as const) {
    await snapshots.take(offset, fresh());
    expect(snapshots.offsets).toEqual(kept);
  }
});
