import { expect, test } from 'vitest';
import type { Random } from '../../../src/base/random.js';
import { AssignmentError, assignReplicas, RacksUnknown } from '../../../src/server/topics/assignment.js';

const first: Random = { int: () => 0, bytes: count => Buffer.alloc(count) };
const brokers = (...racks: (string | null)[]) => racks.map((rack, id) => ({ id, rack }));

test('leaders go round the brokers, and followers are shifted each time they have', () => {
  expect(assignReplicas(brokers(null, null, null, null, null), 10, 3, first)).toEqual([
    [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 1], [0, 2, 3], [1, 3, 4], [2, 4, 0], [3, 0, 1], [4, 1, 2],
  ]);
});

test('with racks, brokers alternate by rack, and each partition lies on as many as there are', () => {
  // KIP-36's own example: racks of brokers 0 to 5.
  const six = brokers('rack1', 'rack3', 'rack3', 'rack2', 'rack2', 'rack1');
  expect(assignReplicas(six, 7, 3, first)).toEqual([[0, 3, 1], [3, 1, 5], [1, 5, 4], [5, 4, 2], [4, 2, 0], [2, 0, 3], [0, 4, 2]]);
  for (const replicas of assignReplicas(six, 60, 3, first)) expect(new Set(replicas.map(id => six[id]!.rack)).size).toBe(3);
  for (const replicas of assignReplicas(six, 60, 5, first)) expect(new Set(replicas).size).toBe(5);
});

test('partitions that join go on where the others ended', () => {
  const five = brokers(null, null, null, null, null);
  const whole = assignReplicas(five, 10, 2, first);
  expect(assignReplicas(five, 4, 2, first, 6, 0, 0)).toEqual([[1, 2], [2, 3], [3, 4], [4, 0]]);
  expect(whole[6]).toEqual([1, 3]);
});

test('too few brokers, and racks of some alone, are refused', () => {
  expect(() => assignReplicas(brokers(null, null), 1, 3, first)).toThrow(new AssignmentError('Replication factor: 3 larger than available brokers: 2.'));
  expect(() => assignReplicas(brokers('a', null), 1, 1, first)).toThrow(RacksUnknown);
});
