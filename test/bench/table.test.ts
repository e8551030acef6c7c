import { expect, test } from 'vitest';
import { median, printTable, rows, type Results } from '../../bench/suite/table.js';

function results(caseName: string, odradek: Record<string, number>[], kafka: Record<string, number>[] = []): Results {
  return new Map([[caseName, new Map([['odradek', odradek], ['kafka', kafka]] as const)]]);
}

function cellsOf(table: string): string[] {
  return table.split('\n')[2]!.split('|').map(cell => cell.trim());
}

test('the median of an even number of runs lies between the middle two', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('a ratio is taken between medians, so one bad round on either side does not decide', () => {
  const table = printTable(results('single', [{ p50: 10 }, { p50: 12 }, { p50: 900 }], [{ p50: 20 }, { p50: 24 }, { p50: 1 }]));
  expect(cellsOf(table)).toContain('0.60x met');
  expect(cellsOf(table)).toContain('12.0 us (10.0-900.0)');
});

test('a missed figure is told, whichever way better lies', () => {
  expect(printTable(results('single', [{ p50: 30 }], [{ p50: 20 }]))).toContain('1.50x **not met**');
  const pipelined = printTable(results('pipelined', [{ cpuPerRequest: 10, requestsPerSecond: 150 }], [{ cpuPerRequest: 40, requestsPerSecond: 100 }]));
  expect(pipelined).toContain('0.25x met; 1.50x **not met**');
});

test('absolute figures are judged without a peer, ratios are not', () => {
  expect(printTable(results('start', [{ readyMs: 249 }]))).toContain('met');
  expect(printTable(results('start', [{ readyMs: 251 }]))).toContain('**not met**');
  expect(printTable(results('single', [{ p50: 30 }]))).not.toContain('met');
});

test('every row the issue asks for is there', () => {
  expect(rows).toHaveLength(19);
});
