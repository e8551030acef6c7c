import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { TimerWheel } from '../../../src/base/timer-wheel.js';
import { systemTimers } from '../../../src/base/timers.js';
import { TurnQueue } from '../../../src/base/turn-queue.js';
import type { Partition } from '../../../src/replication/partition.js';
import type { ReplicaManager } from '../../../src/replication/replica-manager.js';
import { FetchEntry } from '../../../src/server/fetch/fetch-entry.js';
import { unthrottled } from '../../support/no-quota.js';
import { DelayedFetch } from '../../../src/server/fetch/delayed-fetch.js';

/** Words that native code takes in one go (native/addon/layout.h), and what an answer of so many slices needs of them. */
const COMMAND_WORDS = 65_536;
const wordsOf = (slices: number): number => 3 + 2 * (2 * slices + 1);

/** Replicas of which each has one small batch. */
function replicasWithData(): { replicas: ReplicaManager; taken: () => number } {
  let taken = 0;
  const log = {
    startOffset: 0, endOffset: 1, activeSegmentBase: 0, topicId: '',
    locateHot: () => ({ slice: ++taken, length: 70, firstOffset: 0 }),
  };
  const partition = { role: 'leader', log, highWatermark: 1, lastStableOffset: 1, leadershipError: () => 0, wait: () => {}, unwait: () => {} } as unknown as Partition;
  return { replicas: { metadata: { has: () => true }, find: () => partition } as unknown as ReplicaManager, taken: () => taken };
}

test('an answer has no more slices than native code takes; what is beyond is told without records', async () => {
  const { replicas, taken } = replicasWithData();
  const released: number[] = [];
  const entries = Array.from({ length: 20_000 }, (_, index) => {
    const entry = new FetchEntry('wide', '', index, index);
    entry.ask(0, -1, -1, -1, 1000);
    return entry;
  });
  await new Promise<void>(answered => {
    const environment = { replicas, wheel: new TimerWheel(systemClock, systemTimers), turns: new TurnQueue(systemClock, systemTimers), lookAgain: () => {}, quota: unthrottled, releaseSlice: (slice: number) => released.push(slice) };
    new DelayedFetch(entries, { apiVersion: 12, replicaId: -1, replicaEpoch: -1, readCommitted: false, selection: undefined }, { minBytes: 1, maxBytes: 50 << 20, maxWaitMs: 1000 }, environment, answered, error => { throw error; }).run();
  });
  const withRecords = entries.filter(({ length }) => length > 0);
  expect(withRecords.length).toBe(taken());
  expect(withRecords.length).toBeGreaterThan(1000);
  expect(wordsOf(withRecords.length)).toBeLessThan(COMMAND_WORDS);
  expect(entries.every(({ errorCode, highWatermark }) => errorCode === 0 && highWatermark === 1)).toBe(true);
  expect(released).toEqual([]);
});

test('a follower that is not in sync is given nothing beyond the rate, and waits; one that is in sync is given all', () => {
  const { replicas, taken } = replicasWithData();
  const quota = { over: true, isThrottled: (topic: string, partition: number) => topic === 'wide' && partition === 0, exceeded: () => quota.over, record: () => {} };
  const environment = { replicas, wheel: new TimerWheel(systemClock, systemTimers), turns: new TurnQueue(systemClock, systemTimers), lookAgain: () => {}, quota, releaseSlice: () => {} };
  const partition = replicas.find('wide', 0) as unknown as { topic: string; index: number; leading: unknown; hasFollower: unknown; followerFetched: unknown };
  Object.assign(partition, { topic: 'wide', index: 0, hasFollower: () => true, followerFetched: () => {} });
  const fetched = (replicaId: number, isr: readonly number[]): DelayedFetch => {
    Object.assign(partition, { leading: { isr } });
    const entry = new FetchEntry('wide', '', 0, 0);
    entry.ask(0, -1, -1, 0, 1000);
    const fetch = new DelayedFetch([entry], { apiVersion: 12, replicaId, replicaEpoch: -1, readCommitted: false, selection: undefined }, { minBytes: 1, maxBytes: 1000, maxWaitMs: 60_000 }, environment, () => {}, error => { throw error; });
    fetch.run();
    return fetch;
  };
  const lagging = fetched(2, [1]);
  expect([lagging.over, taken()]).toEqual([false, 0]);
  // More is appended: that is nothing to it.
  lagging.moved();
  expect([lagging.over, taken()]).toEqual([false, 0]);
  expect(fetched(2, [1, 2]).entries[0]!.length).toBe(70);
  expect(fetched(-1, [1]).entries[0]!.length, 'a consumer').toBe(70);
  quota.over = false;
  lagging.moved();
  expect([lagging.over, lagging.entries[0]!.length]).toEqual([true, 70]);
  environment.wheel.close();
});
