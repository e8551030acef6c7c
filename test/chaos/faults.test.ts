import { expect, test } from 'vitest';
import { Chance } from '../twin/chance.js';
import { describeFault, planFaults, type PlanOptions } from './faults.js';

const options: PlanOptions = { durationMs: 600_000, brokers: 3, sessionMs: 6_000, topics: [{ name: 'pairs', partitions: 3, replicas: 2 }], swap: true };
const plan = (seed: number, changed: Partial<PlanOptions> = {}): ReturnType<typeof planFaults> => planFaults(new Chance(seed), { ...options, ...changed });

test('a seed is a plan, and another seed another', () => {
  expect(plan(7)).toEqual(plan(7));
  expect(plan(7)).not.toEqual(plan(8));
});

test('ten minutes see every kind of fault, in order of time and within the run', () => {
  const faults = plan(1);
  expect(new Set(faults.map(({ fault }) => fault.kind))).toEqual(new Set(['kill', 'stop', 'pause', 'cut', 'exile', 'coordination', 'roll', 'reassign', 'elect']));
  expect(faults.map(({ atMs }) => atMs)).toEqual(faults.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  expect(faults.at(-1)!.atMs).toBeLessThan(600_000);
  expect(faults.some(({ fault }) => fault.kind === 'pause' && fault.holdMs > options.sessionMs)).toBe(true);
  expect(faults.some(({ fault }) => fault.kind === 'pause' && fault.holdMs < options.sessionMs)).toBe(true);
});

test('nobody is cut from itself, and nobody is a replica twice', () => {
  for (const { fault } of plan(2)) {
    if (fault.kind === 'cut') expect(fault.from).not.toBe(fault.to);
    if (fault.kind === 'reassign' && fault.replicas !== null) expect(new Set(fault.replicas).size).toBe(2);
  }
});

test('brokers keep their kind unless they may swap', () => {
  expect(plan(3, { swap: false }).some(({ fault }) => 'swap' in fault && fault.swap)).toBe(false);
  expect(plan(3).some(({ fault }) => 'swap' in fault && fault.swap)).toBe(true);
});

test('each can be said in a line', () => {
  const said = plan(4).map(({ fault }) => describeFault(fault));
  expect(said.every(line => line.length > 0 && !line.includes('\n') && !line.includes('undefined'))).toBe(true);
  expect(describeFault({ kind: 'cut', from: 1, to: 2, how: 'stall', both: false, holdMs: 5 })).toBe('cut 1 to 2 (stall) for 5 ms');
});
