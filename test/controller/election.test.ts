import { expect, test } from 'vitest';
import { ControllerContext, NO_LEADER, newPartition, type Leadership, type PartitionFacts } from '../../src/controller/context.js';
import { elect, firstLeadership, withoutBroker, type Elected, type Strategy } from '../../src/controller/election.js';
import { EventQueue } from '../../src/controller/event-queue.js';
import { assignedTo, isBeingReassigned, originReplicas, reassignedTo, targetReplicas, withoutReplica } from '../../src/controller/replica-assignment.js';
import { named } from '../support/names.js';

const partition = (replicas: number[]): PartitionFacts => newPartition(named('orders'), 0, assignedTo(replicas));
const led = (leader: number, isr: number[], leaderEpoch = 4): Leadership => ({ leader, leaderEpoch, isr, controllerEpoch: 1, recoveryState: 0, zkVersion: 9 });

function alive(...brokers: number[]): ControllerContext {
  const context = new ControllerContext();
  context.epoch = 2;
  for (const id of brokers) context.brokers.set(id, { id, epoch: 1, rack: null, endpoints: [] });
  return context;
}

const offline = (unclean = false): Strategy => ({ kind: 'offline', asked: false, unclean: () => unclean });
const electOffline = (replicas: number[], known: Leadership, context: ControllerContext, unclean = false): Elected | undefined => elect(partition(replicas), known, offline(unclean), context);

test('a new partition is led by its first live replica, and all live ones are in sync', () => {
  expect(firstLeadership(partition([3, 1, 2]), alive(1, 2))).toEqual({ leader: 1, leaderEpoch: 0, isr: [1, 2], controllerEpoch: 2, recoveryState: 0 });
  expect(firstLeadership(partition([3]), alive(1, 2))).toBeUndefined();
});

test('a leader that went is followed by the first live replica in sync, in the order of the assignment', () => {
  expect(electOffline([3, 1, 2], led(3, [2, 1, 3]), alive(1, 2))).toMatchObject({ next: { leader: 1, leaderEpoch: 5, isr: [2, 1], recoveryState: 0 }, recipients: [1, 2] });
  expect(electOffline([3, 1, 2], led(3, [2, 3]), alive(1, 2))).toMatchObject({ next: { leader: 2, isr: [2] } });
});

test('nobody in sync alive: no leader, unless the topic prefers to lose records', () => {
  expect(electOffline([3, 1], led(3, [3]), alive(1))).toBeUndefined();
  expect(electOffline([3, 1], led(3, [3]), alive(1), true)).toMatchObject({ next: { leader: 1, isr: [1], leaderEpoch: 5, recoveryState: 1 } });
  expect(electOffline([3], led(3, [3]), alive(1), true)).toBeUndefined();
});

test('the preferred leader is the first of the assignment, if it lives and is in sync, and the ISR stays as it is', () => {
  expect(elect(partition([3, 1]), led(1, [1, 3]), { kind: 'preferred' }, alive(1, 3))).toMatchObject({ next: { leader: 3, isr: [1, 3], leaderEpoch: 5 }, recipients: [3, 1] });
  expect(elect(partition([3, 1]), led(1, [1]), { kind: 'preferred' }, alive(1, 3))).toBeUndefined();
  expect(elect(partition([3, 1]), led(1, [1, 3]), { kind: 'preferred' }, alive(1))).toBeUndefined();
});

test('of a broker that is leaving another in sync takes over, and it leaves the ISR; it is told so itself', () => {
  const context = alive(1, 2, 3);
  context.shuttingDown.add(3);
  expect(elect(partition([3, 1, 2]), led(3, [3, 2]), { kind: 'controlledShutdown' }, context)).toMatchObject({ next: { leader: 2, isr: [2] }, recipients: [3, 1, 2] });
  expect(elect(partition([3, 1]), led(3, [3]), { kind: 'controlledShutdown' }, context)).toBeUndefined();
  // It leads nothing new while it is leaving.
  expect(elect(partition([3, 1]), led(1, [3, 1]), { kind: 'preferred' }, context)).toBeUndefined();
});

test('a reassigned partition is led by one of the target that is in sync', () => {
  const moving = newPartition(named('orders'), 0, reassignedTo(assignedTo([1, 2]), [3, 2]));
  expect(elect(moving, led(1, [1, 2, 3]), { kind: 'reassign' }, alive(1, 2, 3))).toMatchObject({ next: { leader: 3, isr: [1, 2, 3] }, recipients: [3, 2] });
});

test('a broker that goes leaves the ISR, unless it is the last of it', () => {
  expect(withoutBroker(led(3, [3, 1]), 3, 2)).toEqual({ leader: NO_LEADER, leaderEpoch: 5, isr: [1], controllerEpoch: 2, recoveryState: 0 });
  expect(withoutBroker(led(3, [3, 1]), 1, 2)).toMatchObject({ leader: 3, isr: [3] });
  expect(withoutBroker(led(3, [3]), 3, 2)).toMatchObject({ leader: NO_LEADER, isr: [3] });
});

test('a reassignment knows where it came from and where it goes, also when it is changed or cancelled under way', () => {
  const moving = reassignedTo(assignedTo([1, 2, 3]), [3, 4, 2]);
  expect(moving).toEqual({ replicas: [3, 4, 2, 1], adding: [4], removing: [1] });
  expect([originReplicas(moving), targetReplicas(moving), isBeingReassigned(moving)]).toEqual([[3, 2, 1], [3, 4, 2], true]);
  expect(reassignedTo(moving, [5])).toEqual({ replicas: [5, 3, 2, 1], adding: [5], removing: [3, 2, 1] });
  expect(isBeingReassigned(reassignedTo(moving, originReplicas(moving)))).toBe(false);
  expect(withoutReplica(moving, 4)).toEqual({ replicas: [3, 2, 1], adding: [], removing: [1] });
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
