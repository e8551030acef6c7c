// The arithmetic of the high watermark and of the ISR (Partition.scala).
import { describe, expect, it } from 'vitest';
import { LeaderState } from '../../src/replication/leader-state.js';

const LAG = 100;
const NOW = 1000;
const everybody = (): boolean => true;

interface Story {
  readonly isr?: readonly number[];
  /** By broker: end offset, and how long ago it was caught up; undefined: it has not fetched. */
  readonly ends: Readonly<Record<number, readonly [end: number, caughtUpMsAgo: number] | undefined>>;
}

/** Broker 1 leads, and ends at 100. */
function leader({ isr = [1, 2, 3], ends }: Story): LeaderState {
  const state = new LeaderState({ brokerId: 1, leaderEpoch: 4, epochStart: 50, replicas: [1, ...Object.keys(ends).map(Number)], isr }, NOW);
  for (const remote of state.remotes) {
    const known = ends[remote.brokerId];
    remote.lastCaughtUpTime = -Infinity;
    if (known === undefined) continue;
    remote.endOffset = known[0];
    remote.lastCaughtUpTime = NOW - known[1];
  }
  return state;
}

describe('the watermark', () => {
  it.each<[string, Story, number, boolean]>([
    ['is the leader\'s end where there is nobody else', { isr: [1], ends: {} }, 100, true],
    ['is the least end among the ISR', { ends: { 2: [90, 0], 3: [80, 0] } }, 80, false],
    ['counts a member of the ISR that lags', { ends: { 2: [90, 0], 3: [10, 5000] } }, 10, false],
    ['does not count who is out of the ISR and lags', { isr: [1, 2], ends: { 2: [90, 0], 3: [10, LAG + 1] } }, 90, false],
    ['counts who is out of the ISR but caught up a moment ago', { isr: [1, 2], ends: { 2: [90, 0], 3: [85, LAG] } }, 85, false],
    ['counts who is out of the ISR and at the end, however long ago', { isr: [1], ends: { 2: [100, 5000] } }, 100, false],
    ['is the leader\'s alone where all others lag', { isr: [1], ends: { 2: [90, LAG + 1], 3: undefined } }, 100, true],
    ['is unknown as long as a member of the ISR has not fetched', { ends: { 2: [100, 0], 3: undefined } }, -1, false],
    ['never passes the leader\'s own end', { ends: { 2: [120, 0], 3: [130, 0] } }, 100, false],
  ])('%s', (_what, story, offset, alone) => {
    expect(leader(story).watermark(100, NOW, LAG, everybody)).toEqual({ offset, alone });
  });

  it('does not wait for who may not join', () => {
    expect(leader({ isr: [1], ends: { 2: [90, 0] } }).watermark(100, NOW, LAG, id => id !== 2)).toEqual({ offset: 100, alone: true });
    // A member that is not alive is one all the same until it is removed.
    expect(leader({ isr: [1, 2], ends: { 2: [90, 0] } }).watermark(100, NOW, LAG, () => false)).toEqual({ offset: 90, alone: false });
  });

  it('waits for who is asked to join, and goes on waiting for who is asked to leave (KIP-497)', () => {
    const joining = leader({ isr: [1], ends: { 2: [100, 5000], 3: undefined } });
    joining.expand(2);
    expect([joining.isr, joining.maximalIsr]).toEqual([[1], [1, 2]]);
    expect(joining.watermark(110, NOW, LAG, everybody)).toEqual({ offset: 100, alone: false });
    const leaving = leader({ isr: [1, 2], ends: { 2: [60, 5000] } });
    leaving.shrink([2]);
    expect([leaving.isr, leaving.maximalIsr]).toEqual([[1, 2], [1, 2]]);
    expect(leaving.watermark(100, NOW, LAG, everybody)).toEqual({ offset: 60, alone: false });
    leaving.commit([1]);
    expect(leaving.watermark(100, NOW, LAG, everybody)).toEqual({ offset: 100, alone: true });
  });
});

describe('the ISR', () => {
  it.each([
    ['what is committed and the epoch', 60, 50, true],
    ['what is committed, and not the epoch', 49, 40, false],
    ['the epoch, and not what is committed', 55, 60, false],
    ['both, exactly', 50, 50, true],
  ])('may be joined by who has %s', (_what, end, highWatermark, may) => {
    const state = leader({ isr: [1], ends: { 2: [end, 5000] } });
    expect(state.canJoin(state.remote(2)!, highWatermark)).toBe(may);
  });

  it('is not joined by members, nor while a change is out', () => {
    const state = leader({ isr: [1, 2], ends: { 2: [100, 0], 3: [100, 0], 4: [100, 0] } });
    expect([2, 3].map(id => state.canJoin(state.remote(id)!, 100))).toEqual([false, true]);
    state.expand(3);
    expect([3, 4].map(id => state.canJoin(state.remote(id)!, 100))).toEqual([false, false]);
    state.revert();
    expect(state.canJoin(state.remote(4)!, 100)).toBe(true);
  });

  it('is left by members that have lagged for too long, and by nobody while a change is out', () => {
    const state = leader({ isr: [1, 2, 3, 4, 5], ends: { 2: [90, LAG + 1], 3: [90, LAG], 4: [100, 5000], 5: undefined } });
    expect(state.outOfSync(100, NOW, LAG)).toEqual([2, 5]);
    state.shrink([2, 5]);
    expect(state.outOfSync(100, NOW, LAG)).toEqual([]);
  });

  it.each([
    [1, [1], false], [2, [1], true], [2, [1, 2], false], [5, [1, 2], true], [5, [1, 2, 3], false],
  ])('with min.insync.replicas=%i and %j of three replicas is too small: %s', (minInsyncReplicas, isr, under) => {
    expect(leader({ isr, ends: { 2: undefined, 3: undefined } }).isUnderMinIsr(minInsyncReplicas)).toBe(under);
  });

  it('counts as it is committed, not as it is asked for', () => {
    const state = leader({ isr: [1, 2], ends: { 2: [100, 0], 3: [100, 0] } });
    state.expand(3);
    expect(state.isUnderMinIsr(3)).toBe(true);
    state.commit([1, 2, 3]);
    state.shrink([3]);
    expect(state.isUnderMinIsr(3)).toBe(false);
  });
});

it('a leader that is elected again keeps what its replicas have; a new one knows nothing', () => {
  const first = leader({ ends: { 2: [90, 0], 3: [80, 0] } });
  const again = new LeaderState({ brokerId: 1, leaderEpoch: 5, epochStart: 100, replicas: [1, 2, 4], isr: [1, 2] }, NOW, first);
  expect([2, 3, 4].map(id => again.remote(id)?.endOffset)).toEqual([90, undefined, -1]);
  expect(() => new LeaderState({ brokerId: 1, leaderEpoch: 4, epochStart: 100, replicas: [1], isr: [1] }, NOW, first)).toThrow('leader epoch 4 follows 4');
});
