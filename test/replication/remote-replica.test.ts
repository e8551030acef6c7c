// When a follower counts as caught up (Replica.updateFetchStateOrThrow).
import { describe, expect, it } from 'vitest';
import { RemoteReplica, UNKNOWN_OFFSET } from '../../src/replication/remote-replica.js';

const LAG = 100;

describe('a remote replica', () => {
  it('is unknown, and was never caught up, before its first fetch', () => {
    const replica = new RemoteReplica(2);
    expect([replica.endOffset, replica.startOffset, replica.brokerEpoch]).toEqual([UNKNOWN_OFFSET, UNKNOWN_OFFSET, undefined]);
    // Also by a clock that has only just begun to run.
    expect(replica.isCaughtUp(0, 1, LAG)).toBe(false);
  });

  it.each([
    ['at the leader\'s end', [[1000, 10, 10]], 1000],
    ['behind it, never caught up', [[1000, 4, 10]], -Infinity],
    ['a little behind, but where the leader ended at the fetch before', [[1000, 4, 10], [1050, 10, 20]], 1000],
    ['always so', [[1000, 4, 10], [1050, 10, 20], [1100, 20, 30]], 1050],
    ['further behind each time', [[1000, 4, 10], [1050, 9, 20], [1100, 12, 30]], -Infinity],
    ['caught up once, behind since then', [[1000, 10, 10], [1050, 10, 20], [1100, 12, 30]], 1000],
    ['a leader whose log was cut: the furthest end counts', [[1000, 4, 20], [1050, 10, 10], [1100, 15, 30]], 1050],
  ] as const)('%s', (_what, fetches, caughtUpAt) => {
    const replica = new RemoteReplica(2);
    for (const [now, offset, leaderEnd] of fetches) replica.fetched(offset, 0, leaderEnd, now, -1);
    expect(replica.lastCaughtUpTime).toBe(caughtUpAt);
  });

  it('stays caught up for as long as lag is allowed, and as long as nothing is appended', () => {
    const replica = new RemoteReplica(2);
    replica.fetched(10, 3, 10, 1000, 7);
    expect([replica.startOffset, replica.brokerEpoch]).toEqual([3, 7]);
    expect(replica.isCaughtUp(11, 1000 + LAG, LAG)).toBe(true);
    expect(replica.isCaughtUp(11, 1001 + LAG, LAG)).toBe(false);
    expect(replica.isCaughtUp(10, 1_000_000, LAG)).toBe(true);
  });

  it('starts anew with a new leader: in sync as of now, or not at all', () => {
    const replica = new RemoteReplica(2);
    replica.fetched(10, 3, 10, 1000, 7);
    replica.elected(2000, true);
    expect([replica.endOffset, replica.lastCaughtUpTime, replica.brokerEpoch]).toEqual([UNKNOWN_OFFSET, 2000, undefined]);
    replica.elected(2000, false);
    expect(replica.lastCaughtUpTime).toBe(-Infinity);
  });

  it('keeps what it has under a leader that is elected again, and is not caught up by what it had before', () => {
    const replica = new RemoteReplica(2);
    replica.fetched(10, 3, 10, 1000, 7);
    replica.reelected(2000, 12, false);
    expect([replica.endOffset, replica.lastCaughtUpTime]).toEqual([10, -Infinity]);
    replica.fetched(12, 3, 20, 2100, 7);
    expect(replica.lastCaughtUpTime).toBe(-Infinity);
  });
});
