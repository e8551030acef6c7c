import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { silentLogger } from '../../../src/base/logger.js';
import { NativeCode } from '../../../src/native/codes.js';
import type { Jobs } from '../../../src/native/jobs.js';
import { ErrorCode } from '../../../src/protocol/errors.js';
import type { Partition } from '../../../src/replication/partition.js';
import { Inspector, type Refusal } from '../../../src/server/produce/inspector.js';
import { batch } from '../../support/batches.js';

test('an inspection that fails refuses its batch, before and after native code had it', async () => {
  const arena = batch(['a'], { codec: 'gzip' });
  const partition = { topic: 'orders', index: 0, appendFlags: 0, log: { index: 0, startOffset: 7 } } as unknown as Partition;
  const starts: Jobs['start'][] = [
    () => { throw new Error('no more jobs'); },
    (_begin, ended) => ended({ code: NativeCode.invalidTimestamp, first: 1, second: 1, third: 0, fourth: 0 }),
  ];
  for (const start of starts) {
    const inspector = new Inspector({
      jobs: { start } as unknown as Jobs,
      clock: systemClock, logger: silentLogger, arena, timestampBounds: () => { throw new Error('no such topic'); },
    });
    const refusals = await new Promise<readonly Refusal[]>(done => inspector.inspectAll([{ row: 3, start: 0, length: arena.length, partition }], done));
    expect(refusals.map(({ row, code, logStartOffset }) => [row, code, logStartOffset])).toEqual([[3, ErrorCode.UnknownServerError, 7]]);
  }
});
