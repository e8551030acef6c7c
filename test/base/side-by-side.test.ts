import { expect, test } from 'vitest';
import { sideBySide } from '../../src/base/side-by-side.js';

test('so many at the same time and no more, every one once', async () => {
  let [now, most] = [0, 0];
  const done: number[] = [];
  await sideBySide(Array.from({ length: 20 }, (_, n) => n), 4, async n => {
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
    done.push(n);
  });
  expect([most, done.toSorted((a, b) => a - b)]).toEqual([4, Array.from({ length: 20 }, (_, n) => n)]);
});

test('after a failure nothing more is begun, and what was begun has ended when it is told', async () => {
  const begun: number[] = [];
  let ended = 0;
  await expect(sideBySide([0, 1, 2, 3, 4, 5], 3, async n => {
    begun.push(n);
    await Promise.resolve();
    if (n === 0) throw new Error('the first');
    await Promise.resolve();
    ended++;
  })).rejects.toThrow('the first');
  expect([begun, ended]).toEqual([[0, 1, 2], 2]);
});

test('nothing to do is done', async () => {
  await sideBySide([], 4, () => Promise.reject(new Error('asked')));
});
