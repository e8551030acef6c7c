import assert from 'node:assert/strict';
import { bench } from './harness.js';
import { ScratchExchange, seededBatch } from './scratch-exchange.js';

interface Shape extends Record<string, number> {
  readonly batches: number;
  readonly records: number;
  readonly valueBytes: number;
}

async function appendBench(name: string, tiny: Shape, real: Shape): Promise<void> {
  await bench(name, {
    question: 'what does one partition sustain when a flush hands over many batches and nothing is synced?',
    bound: 'one copy into the page cache, and CRC-32C over every byte',
    params: [tiny, real],
    items: params => params.batches,
    item: 'batch',
    async setup({ batches, records, valueBytes }, seed) {
      const exchange = new ScratchExchange();
      const log = await exchange.openLog();
      const placed = exchange.place(seededBatch(records, valueBytes, seed), batches);
      let runs = 0;
      return {
        async run() {
          await exchange.append(log, placed);
          runs += 1;
          return exchange.endOffset(log);
        },
        verify: end => assert.equal(end, runs * batches * records),
        close: () => exchange.close(),
      };
    },
  });
}

await appendBench('append, small', { batches: 5, records: 1, valueBytes: 100 }, { batches: 1000, records: 1, valueBytes: 100 });
await appendBench('append, large', { batches: 2, records: 10, valueBytes: 1024 }, { batches: 16, records: 900, valueBytes: 1024 });
await appendBench('append, one at a time', { batches: 1, records: 1, valueBytes: 100 }, { batches: 1, records: 1, valueBytes: 100 });
