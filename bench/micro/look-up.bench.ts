import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.js';
import { FirstBatch, MEMORY_CANNOT_TELL, NOTHING_THERE } from '../../src/native/exchange.js';
import { bench } from './harness.js';
import { ScratchExchange, seededBatch } from './scratch-exchange.js';

const SLICE_BYTES = 1 << 20;
const APPENDED_AT_ONCE = 100;

await bench('locate, cold', {
  question: 'an offset anywhere in the log: how long until a log thread has found its slice?',
  bound: 'two wake-ups and a binary search in a mapped index; no read, the headers are in the page cache',
  params: [{ batches: 200, lookUps: 5 }, { batches: 100_000, lookUps: 100 }],
  items: params => params.lookUps,
  item: 'look-up',
  async setup({ batches, lookUps }, seed) {
    const exchange = new ScratchExchange();
    const log = await filledLog(exchange, batches, seed);
    const offsets = offsetsBelow(batches, lookUps, seed);
    return {
      async run() {
        const first: number[] = [];
        for (const offset of offsets) {
          const found = await exchange.job('locate', (native, cookie) => native.locate(cookie, log, offset, batches, SLICE_BYTES, FirstBatch.whole));
          exchange.native.releaseSlice(found.first);
          first.push(found.third);
        }
        return first;
      },
      verify: first => assert.deepEqual(first, offsets),
      close: () => exchange.close(),
    };
  },
});

await bench('locate, hot', {
  question: 'an offset near the end, as every consumer that keeps up asks for: what does its slice cost?',
  bound: 'one crossing, and a search in memory',
  params: [{ batches: 200, lookUps: 5 }, { batches: 10_000, lookUps: 1000 }],
  items: params => params.lookUps,
  item: 'look-up',
  async setup({ batches, lookUps }, seed) {
    const exchange = new ScratchExchange();
    const log = await filledLog(exchange, batches, seed);
    const nearEnd = Math.min(batches, 500);
    const offsets = offsetsBelow(nearEnd, lookUps, seed).map(offset => batches - nearEnd + offset);
    return {
      run() {
        let unknown = 0;
        for (const offset of offsets) {
          const slice = exchange.native.locateHot(log, offset, batches, SLICE_BYTES, FirstBatch.whole);
          if (slice === NOTHING_THERE || slice === MEMORY_CANNOT_TELL) unknown += 1;
          else exchange.native.releaseSlice(slice);
        }
        return unknown;
      },
      verify: unknown => assert.equal(unknown, 0),
      close: () => exchange.close(),
    };
  },
});

/** A log of one-record batches, so that offset and batch are the same number. */
async function filledLog(exchange: ScratchExchange, batches: number, seed: number): Promise<number> {
  const log = await exchange.openLog();
  const placed = exchange.place(seededBatch(1, 100, seed), APPENDED_AT_ONCE);
  while (exchange.endOffset(log) < batches) await exchange.append(log, placed);
  return log;
}

function offsetsBelow(end: number, count: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.int(end));
}
