import { expect, test } from 'vitest';
import { NO_LEADER, type Leadership, type PartitionFacts } from '../../src/controller/context.js';
import { electLeader, firstLeadership, withoutBroker, type ElectionRules } from '../../src/controller/election.js';
import { EventQueue } from '../../src/controller/event-queue.js';
import { named } from '../support/names.js';

const partition = (replicas: number[]): PartitionFacts => ({ topic: named('orders'), index: 0, replicas, leadership: undefined });
const led = (leader: number, isr: number[], leaderEpoch = 4): Leadership => ({ leader, leaderEpoch, isr, controllerEpoch: 1, recoveryState: 0, zkVersion: 9 });
const rules = (live: number[], unclean = false): ElectionRules => ({ live: broker => live.includes(broker), unclean, controllerEpoch: 2 });

test('a new partition is led by its first live replica, and all live ones are in sync', () => {
  expect(firstLeadership(partition([3, 1, 2]), rules([1, 2]))).toEqual({ leader: 1, leaderEpoch: 0, isr: [1, 2], controllerEpoch: 2, recoveryState: 0 });
  expect(firstLeadership(partition([3]), rules([1, 2]))).toBeUndefined();
});

test('a leader that went is followed by the first live replica in sync, in the order of the assignment', () => {
  expect(electLeader(partition([3, 1, 2]), led(3, [2, 1, 3]), rules([1, 2]))).toMatchObject({ leader: 1, leaderEpoch: 5, isr: [2, 1], recoveryState: 0 });
  expect(electLeader(partition([3, 1, 2]), led(3, [2, 3]), rules([1, 2]))).toMatchObject({ leader: 2, isr: [2] });
});

test('nobody in sync alive: no leader, unless the topic prefers to lose records', () => {
  expect(electLeader(partition([3, 1]), led(3, [3]), rules([1]))).toBeUndefined();
  expect(electLeader(partition([3, 1]), led(3, [3]), rules([1], true))).toMatchObject({ leader: 1, isr: [1], leaderEpoch: 5, recoveryState: 1 });
  expect(electLeader(partition([3]), led(3, [3]), rules([1], true))).toBeUndefined();
});

test('a broker that goes leaves the ISR, unless it is the last of it', () => {
  expect(withoutBroker(led(3, [3, 1]), 3, 2)).toEqual({ leader: NO_LEADER, leaderEpoch: 5, isr: [1], controllerEpoch: 2, recoveryState: 0 });
  expect(withoutBroker(led(3, [3, 1]), 1, 2)).toMatchObject({ leader: 3, isr: [3] });
  expect(withoutBroker(led(3, [3]), 3, 2)).toMatchObject({ leader: NO_LEADER, isr: [3] });
});

test('events are carried out one at a time in their order; a failed one stops nobody; dropped ones are settled', async () => {
  const told: string[] = [];
  const queue = new EventQueue((event, error) => told.push(`${event} failed: ${(error as Error).message}`));
  let release!: () => void;
  const first = queue.put('first', () => new Promise(resolve => { release = resolve; }));
  const second = queue.put('second', async () => { told.push('second'); throw new Error('no'); });
  const third = queue.put('third', async () => {
    told.push('third');
    // From inside an event: it waits its turn behind those that were there.
    void queue.put('fifth', async () => { told.push('fifth'); });
  });
  const fourth = queue.put('fourth', async () => { told.push('fourth'); });
  expect(told).toEqual([]);
  release();
  await Promise.all([first, second, third, fourth]);
  await queue.put('last', async () => { told.push('last'); });
  expect(told).toEqual(['second', 'second failed: no', 'third', 'fourth', 'fifth', 'last']);
  const blocked = queue.put('blocked', () => new Promise(resolve => { release = resolve; }));
  const dropped = queue.put('dropped', async () => { told.push('dropped'); });
  queue.clear();
  await dropped;
  release();
  await blocked;
  expect(told).not.toContain('dropped');
});
