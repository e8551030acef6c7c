import { expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import type { EpochEntry } from '../../src/log/checkpoint-file.js';
import { LeaderEpochCache } from '../../src/log/leader-epoch-cache.js';

const cacheOf = (...entries: [number, number][]): { cache: LeaderEpochCache; told: string[] } => {
  const told: string[] = [];
  const spell = (list: readonly EpochEntry[]): string => list.map(({ epoch, startOffset }) => `${epoch}@${startOffset}`).join(' ');
  const cache = new LeaderEpochCache(entries.map(([epoch, startOffset]) => ({ epoch, startOffset })), list => told.push(spell(list)));
  return { cache, told };
};

test('an epoch is noted where it begins, and once', () => {
  const { cache, told } = cacheOf();
  expect(cache.latestEpoch).toBe(-1);
  cache.assign(0, 0);
  cache.assign(0, 5);
  cache.assign(2, 10);
  expect(told).toEqual(['0@0', '0@0 2@10']);
  expect(cache.latestEpoch).toBe(2);
});

test('a new epoch forgets those of a log that was cut off since', () => {
  const { cache, told } = cacheOf([1, 10], [2, 20], [3, 30]);
  cache.assign(4, 20);
  cache.assign(4, 15);
  cache.assign(2, 12);
  // An epoch without a record of its own leaves no trace.
  cache.assign(5, 12);
  expect(told).toEqual(['1@10 4@20', '1@10 4@15', '1@10 2@12', '1@10 5@12']);
});

test('where an epoch ends', () => {
  const { cache } = cacheOf([2, 10], [4, 20], [7, 30]);
  const end = (epoch: number): string | undefined => {
    const found = cache.endOffsetFor(epoch, 99);
    return found && `${found.leaderEpoch}@${found.endOffset}`;
  };
  // Of the numbers below zero only one means none.
  expect([-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8].map(end)).toEqual(['-2@10', undefined, '0@10', '1@10', '2@20', '2@20', '4@30', '4@30', '4@30', '7@99', undefined]);
  expect(cacheOf().cache.endOffsetFor(0, 99)).toBeUndefined();
});

test('the epoch of a record', () => {
  const { cache } = cacheOf([2, 10], [4, 20]);
  expect([9, 10, 19, 20, 1000].map(offset => cache.epochAt(offset))).toEqual([undefined, 2, 2, 4, 4]);
});

test('cut at the end, epochs that would start there or later are gone', () => {
  const { cache, told } = cacheOf([2, 10], [4, 20], [7, 30]);
  cache.truncateFromEnd(31);
  expect(told).toEqual([]);
  cache.truncateFromEnd(30);
  cache.truncateFromEnd(15);
  cache.truncateFromEnd(0);
  expect(told).toEqual(['2@10 4@20', '2@10', '']);
});

test('cut at the start, the epoch that goes on starts there', () => {
  const { cache, told } = cacheOf([2, 10], [4, 20], [7, 30]);
  cache.truncateFromStart(5);
  cache.truncateFromStart(10);
  expect(told).toEqual([]);
  cache.truncateFromStart(15);
  cache.truncateFromStart(20);
  cache.truncateFromStart(1000);
  cache.clear();
  cache.clear();
  expect(told).toEqual(['2@15 4@20 7@30', '4@20 7@30', '7@1000', '']);
});

test('beside a log of epochs, record by record, the cache says the same (seeds 1 to 20)', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const { cache } = cacheOf();
    let start = 0;
    let epochs: number[] = [];
    let epoch = 0;
    for (let step = 0; step < 300; step++) {
      const end = start + epochs.length;
      const act = random.int(10);
      if (act < 6) {
        // A leader of a new epoch appends a few records, or none.
        epoch += random.int(3);
        cache.assign(epoch, end);
        for (let more = random.int(4); more > 0; more--) epochs.push(epoch);
      } else if (act < 8) {
        const cut = start + random.int(epochs.length + 1);
        epochs = epochs.slice(0, cut - start);
        cache.truncateFromEnd(cut);
      } else {
        const to = start + random.int(epochs.length + 1);
        epochs = epochs.slice(to - start);
        start = to;
        cache.truncateFromStart(start);
      }
      const where = `seed ${seed}, step ${step}`;
      epochs.forEach((expected, index) => expect(cache.epochAt(start + index), where).toBe(expected));
      for (const asked of new Set(epochs)) {
        const next = epochs.findIndex(other => other > asked);
        if (next < 0) continue;
        // Epochs without records may stand between; they end where they began.
        expect(cache.endOffsetFor(asked, start + epochs.length), where).toEqual({ leaderEpoch: asked, endOffset: start + next });
      }
    }
  }
});
