import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BatchOffset } from '../../src/protocol/records/index.js';
import { batch } from '../support/batches.js';
import { batchesOf, differences } from './replicas.js';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'odradek-replicas-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

/** A batch of one record at an offset, as the leader of an epoch wrote it. */
function at(offset: number, epoch = 0, value = `v${offset}`): Buffer {
  const bytes = batch([value], { timestamp: 1 });
  bytes.writeBigInt64BE(BigInt(offset), BatchOffset.baseOffset);
  bytes.writeInt32BE(epoch, BatchOffset.partitionLeaderEpoch);
  return bytes;
}

function replica(name: string, ...segments: readonly (readonly Buffer[])[]): [string, ReturnType<typeof batchesOf>] {
  const folder = join(dir, name);
  mkdirSync(folder);
  segments.forEach((batches, index) => writeFileSync(join(folder, `${String(index).padStart(20, '0')}.log`), Buffer.concat(batches)));
  return [name, batchesOf(folder)];
}

test('the same batches in other segments, with space allocated behind them, are the same', () => {
  expect(differences(new Map([replica('1', [at(0), at(1)], [at(2)]), replica('2', [at(0)], [at(1), at(2), Buffer.alloc(100)])]))).toEqual([]);
});

test('a replica that begins later is compared from there', () => {
  expect(differences(new Map([replica('1', [at(0), at(1)]), replica('2', [at(1)])]))).toEqual([]);
});

test('the same record of another epoch is another batch', () => {
  expect(differences(new Map([replica('1', [at(0), at(1, 3)]), replica('2', [at(0), at(1, 4)])]))).toEqual([
    expect.stringMatching(/^1 has offsets 1 to 1 of epoch 3 \(crc \w+\) where 2 has offsets 1 to 1 of epoch 4/) as string,
  ]);
});

test('a record that only one has is told, whoever it is', () => {
  expect(differences(new Map([replica('1', [at(0)]), replica('2', [at(0), at(1)])]))).toEqual([expect.stringMatching(/^1 has nothing where 2 has offsets 1 to 1/) as string]);
  expect(differences(new Map([replica('3', [at(0), at(1)]), replica('4', [at(0)])]))).toEqual([expect.stringMatching(/^3 has offsets 1 to 1 .* where 4 has nothing/) as string]);
});
