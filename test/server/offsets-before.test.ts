import { expect, test } from 'vitest';
import { committedOnly, EARLIEST, LATEST, offsetsBefore, type LogOutline } from '../../src/server/offsets-before.js';

const segment = (baseOffset: number, modified: number, bytes = 100): LogOutline['segments'][number] => ({ baseOffset, bytes, modified });
const NOW = 1000;

test('segments by the time they were last changed, newest first, and the end where something lies behind the last base', () => {
  const log: LogOutline = { segments: [segment(0, 100), segment(10, 200), segment(20, 300)], startOffset: 0, endOffset: 25 };
  const before = (timestamp: number, most = 10): number[] => offsetsBefore(log, timestamp, most, NOW);
  expect(before(LATEST)).toEqual([25, 20, 10, 0]);
  expect(before(LATEST, 2)).toEqual([25, 20]);
  expect(before(LATEST, 0)).toEqual([]);
  expect(before(EARLIEST)).toEqual([0]);
  expect(before(99)).toEqual([]);
  expect(before(100)).toEqual([0]);
  expect(before(299)).toEqual([10, 0]);
  expect(before(300, 2)).toEqual([20, 10]);
  expect(before(NOW - 1)).toEqual([20, 10, 0]);
  expect(before(NOW)).toEqual([25, 20, 10, 0]);
});

test('a log that lost its beginning, or is empty, or whose clock went back', () => {
  expect(offsetsBefore({ segments: [segment(0, 100), segment(10, 200)], startOffset: 7, endOffset: 12 }, LATEST, 9, NOW)).toEqual([12, 10, 7]);
  expect(offsetsBefore({ segments: [segment(5, 100, 0)], startOffset: 5, endOffset: 5 }, LATEST, 9, NOW)).toEqual([5]);
  expect(offsetsBefore({ segments: [segment(5, 100, 0)], startOffset: 5, endOffset: 5 }, 99, 9, NOW)).toEqual([]);
  expect(offsetsBefore({ segments: [segment(0, 500), segment(10, 200)], startOffset: 0, endOffset: 12 }, 300, 9, NOW)).toEqual([10, 0]);
});

test('a consumer sees the high watermark in place of what lies above it', () => {
  expect(committedOnly([25, 20, 10], 25)).toEqual([25, 20, 10]);
  expect(committedOnly([25, 20, 10], 22)).toEqual([22, 20, 10]);
  expect(committedOnly([25, 20], 5)).toEqual([5]);
  expect(committedOnly([], 5)).toEqual([]);
});
