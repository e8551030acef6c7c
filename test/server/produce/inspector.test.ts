import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { silentLogger } from '../../../src/base/logger.js';
import type { Codecs } from '../../../src/compression/codecs.js';
import type { Jobs } from '../../../src/native/jobs.js';
import { ErrorCode } from '../../../src/protocol/errors.js';
import type { Partition } from '../../../src/replication/partition.js';
import { BatchTimes } from '../../../src/server/produce/batch-times.js';
import { Inspector, type Refusal } from '../../../src/server/produce/inspector.js';
import { batch } from '../../support/batches.js';

const LARGEST = 2n ** 63n - 1n;

test('an inspection that fails refuses its batch, before and after native code had it', async () => {
  const arena = batch(['a'], { codec: 'gzip' });
  const partition = { topic: 'orders', index: 0, appendFlags: 0 } as unknown as Partition;
  const starts: Jobs['start'][] = [
    () => { throw new Error('no more jobs'); },
    (_begin, ended) => ended({ code: 0, first: Number.NaN, second: 0, third: 0, fourth: 0 }),
  ];
  for (const start of starts) {
    const inspector = new Inspector({
      jobs: { start } as unknown as Jobs, codecs: { inflate: () => Promise.resolve(Buffer.alloc(0)) } as unknown as Codecs,
      clock: systemClock, logger: silentLogger, arena, timestampBounds: () => ({ beforeMs: 1000, afterMs: 1000 }),
    });
    const refusals = await new Promise<readonly Refusal[]>(done => inspector.inspectAll([{ row: 3, start: 0, length: arena.length, partition }], done));
    expect(refusals.map(({ row, code }) => [row, code])).toEqual([[3, ErrorCode.UnknownServerError]]);
  }
});

test('timestamps that no double holds come out of native code as the producer gave them', () => {
  // Base, the largest delta, the largest timestamp.
  const batches: [bigint, number, bigint][] = [
    [1_700_000_000_000n, 5, 1_700_000_000_005n],
    [LARGEST, 0, LARGEST],
    [LARGEST - 1025n, 3, LARGEST - 1022n],
    [2n ** 53n + 1n, 0, 2n ** 53n + 1n],
    [-(2n ** 63n), 0, -1n],
    [-1n, 0, -1n],
    [0n, 2 ** 63, LARGEST],
  ];
  for (const [base, delta, largest] of batches) {
    const times = new BatchTimes(base);
    expect(times.largest(times.base + delta), `${base} and ${delta}`).toBe(largest);
  }
  const times = new BatchTimes(2n ** 60n);
  expect(times.shifted([0, 10])).toEqual([-(2 ** 60), 10 - 2 ** 60]);
  const blamed = Float64Array.of(0, 1, 5, 1, 1, 7000);
  times.restore(blamed);
  expect([...blamed]).toEqual([0, 1, 2 ** 60 + 5, 1, 1, 2 ** 60 + 7000]);
});
