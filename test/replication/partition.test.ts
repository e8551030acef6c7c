// A partition and its roles: what moves the watermark, what the log is told of parked answers, who joins and leaves the ISR.
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { MAX_LAG_MS, partitionWorld, US } from '../support/partitions.js';

describe('a leader', () => {
  it('that is the only replica commits what it writes', () => {
    const { partition, log, lead } = partitionWorld();
    lead({ replicas: [US], isr: [US] });
    log.append(3);
    expect([partition.highWatermark, partition.commitsAlone, log.told]).toEqual([3, true, ['alone']]);
  });

  it('commits what all of the ISR have, and lets acks=all through once however often that moved', () => {
    const { partition, log, purgatory, lead } = partitionWorld();
    lead();
    log.append(5);
    partition.followerFetched(2, 5, 0, -1);
    expect(partition.highWatermark).toBe(0);
    partition.followerFetched(3, 2, 0, -1);
    partition.followerFetched(3, 4, 0, -1);
    expect(partition.highWatermark).toBe(4);
    purgatory.drain();
    expect(log.told).toEqual(['together', 'advance 4']);
    // Nothing moved since then.
    partition.followerFetched(3, 4, 0, -1);
    purgatory.drain();
    expect(log.told).toEqual(['together', 'advance 4']);
  });

  it('below min ISR commits nothing, and what was committed before stays so', () => {
    const { partition, log, lead } = partitionWorld({ endOffset: 5, highWatermark: 2, minInsyncReplicas: 2 });
    lead({ isr: [US] });
    log.append();
    expect([partition.highWatermark, partition.underMinIsr, log.told]).toEqual([2, true, ['together']]);
  });

  it('tells who waits that the ISR was too small when the watermark came', () => {
    const { partition, log, purgatory, lead, pass, asked } = partitionWorld({ minInsyncReplicas: 2 });
    lead({ replicas: [1, 2], isr: [1, 2] });
    log.append();
    partition.followerFetched(2, 1, 0, -1);
    log.append();
    pass(MAX_LAG_MS + 1);
    partition.maybeShrinkIsr();
    asked[0]!.answer({ committed: { leaderEpoch: 1, partitionEpoch: 2, isr: [1] } });
    purgatory.drain();
    expect(log.told).toEqual(['together', `advance 1 with ${ErrorCode.NotEnoughReplicasAfterAppend}`]);
  });

  it('whose min ISR is raised beyond its ISR stops to commit; what was acknowledged by then is committed', () => {
    const { partition, log, lead } = partitionWorld();
    lead({ isr: [US] });
    log.append(2);
    log.nativeEnd = 7;
    partition.minInsyncReplicas = 2;
    partition.reconfigured();
    expect([partition.highWatermark, log.told]).toEqual([7, ['alone', 'together']]);
    log.nativeEnd = 9;
    log.hear();
    expect(partition.highWatermark).toBe(7);
  });

  it('that ends to lead gives back what waits, and lets nothing through any more', () => {
    const { partition, log, lead, follow } = partitionWorld();
    lead();
    follow({ leaderEpoch: 2 });
    expect([partition.role, partition.leading, partition.following?.leader, log.told]).toEqual(['follower', undefined, 2, ['together', `take back with ${ErrorCode.NotLeaderOrFollower}`]]);
    expect(partition.leadershipError(-1)).toBe(ErrorCode.NotLeaderOrFollower);
  });

  it('keeps what it acknowledged alone when it ends to lead', () => {
    const { partition, log, lead, follow } = partitionWorld();
    lead({ isr: [US] });
    log.nativeEnd = 4;
    follow({ leaderEpoch: 2 });
    expect(partition.highWatermark).toBe(4);
  });

  it('that leads again, after another, tells its log anew, and believes nothing of what it knew', () => {
    const { partition, log, lead, follow } = partitionWorld();
    lead();
    log.append(3);
    partition.followerFetched(2, 3, 0, -1);
    follow({ leaderEpoch: 2 });
    log.told.length = 0;
    lead({ leaderEpoch: 3, replicas: [1, 2], isr: [1, 2] });
    expect([partition.highWatermark, log.told, partition.leading!.remote(2)!.endOffset]).toEqual([0, ['together'], -1]);
  });

  it('notes where its epoch begins', () => {
    const { partition, log, lead } = partitionWorld({ endOffset: 6 });
    lead({ leaderEpoch: 4 }, 9);
    expect([log.epochs.entries, partition.leading!.epochStart]).toEqual([[{ epoch: 4, startOffset: 9 }], 9]);
  });
});

it('a new leader hides its end until it knows that what it inherited is committed (KIP-207)', () => {
  const { partition, lead } = partitionWorld({ endOffset: 10, highWatermark: 4 });
  lead({ leaderEpoch: 5 });
  expect(partition.watermarkIsBehindEpoch).toBe(true);
  partition.followerFetched(2, 10, 0, -1);
  partition.followerFetched(3, 9, 0, -1);
  expect([partition.highWatermark, partition.watermarkIsBehindEpoch]).toEqual([9, true]);
  partition.followerFetched(3, 10, 0, -1);
  expect([partition.highWatermark, partition.watermarkIsBehindEpoch]).toEqual([10, false]);
});

describe('a follower', () => {
  it('believes the leader as far as its own log goes, also where that is less than before', () => {
    const { partition, log, follow } = partitionWorld({ endOffset: 10, highWatermark: 4 });
    follow();
    partition.adoptWatermark(20);
    expect(partition.highWatermark).toBe(10);
    partition.adoptWatermark(7);
    expect(partition.highWatermark).toBe(7);
    log.startOffset = 8;
    partition.adoptWatermark(7);
    expect(partition.highWatermark).toBe(8);
  });

  it('whose log is cut has nothing committed beyond its end', () => {
    const { partition, log, follow } = partitionWorld({ endOffset: 10, highWatermark: 9 });
    follow();
    log.endOffset = 6;
    expect(log.onTruncated(6)).toBe(6);
    expect(partition.highWatermark).toBe(6);
  });

  it('that was not told of a leader believes nobody', () => {
    const { partition } = partitionWorld({ endOffset: 10, highWatermark: 4 });
    partition.adoptWatermark(9);
    expect([partition.role, partition.highWatermark]).toEqual(['none', 4]);
  });
});

describe('the ISR', () => {
  it('grows by who has all that is committed, also what the log acknowledged that is not heard of yet', () => {
    const { partition, log, lead, asked } = partitionWorld();
    lead({ replicas: [1, 2], isr: [1] });
    log.append(5);
    // Two more are written and acknowledged, for the leader commits alone.
    log.nativeEnd = 7;
    partition.followerFetched(2, 5, 0, -1);
    expect([partition.highWatermark, asked.length, log.told]).toEqual([7, 0, ['alone', 'together']]);
    log.hear();
    log.append(1);
    // From here on nothing is acknowledged that the follower, who is about to join, does not have.
    expect(partition.highWatermark).toBe(7);
    partition.followerFetched(2, 7, 0, -1);
    expect(asked.map(({ change }) => [change.isr, change.leaderEpoch, change.partitionEpoch, change.controllerEpoch])).toEqual([[[1, 2], 1, 1, 1]]);
    expect([partition.leading!.isr, partition.leading!.maximalIsr, partition.highWatermark]).toEqual([[1], [1, 2], 7]);
    asked[0]!.answer({ committed: { leaderEpoch: 1, partitionEpoch: 2, isr: [1, 2] } });
    expect([partition.leading!.isr, partition.partitionEpoch]).toEqual([[1, 2], 2]);
  });

  it('does not grow by a broker that is not alive, nor by one that has not reached the leader\'s epoch', () => {
    const { partition, lead, alive, asked } = partitionWorld({ endOffset: 10, highWatermark: 4 });
    lead({ isr: [1, 3] });
    partition.followerFetched(2, 9, 0, -1);
    alive.delete(2);
    partition.followerFetched(2, 10, 0, -1);
    expect(asked).toEqual([]);
    alive.add(2);
    partition.followerFetched(2, 10, 0, -1);
    expect(asked.map(({ change }) => change.isr)).toEqual([[1, 3, 2]]);
  });

  it('shrinks when members have lagged for too long; they hold the watermark until that is committed (KIP-497)', () => {
    const { partition, log, lead, pass, asked } = partitionWorld();
    lead();
    for (const replica of [2, 3]) partition.followerFetched(replica, 0, 0, -1);
    log.append(4);
    pass(MAX_LAG_MS);
    partition.followerFetched(2, 4, 0, -1);
    partition.maybeShrinkIsr();
    expect(asked).toEqual([]);
    pass(1);
    partition.maybeShrinkIsr();
    expect(asked.map(({ change }) => change.isr)).toEqual([[1, 2]]);
    expect(partition.highWatermark).toBe(0);
    // Nothing else is asked for meanwhile.
    partition.maybeShrinkIsr();
    expect(asked.length).toBe(1);
    asked[0]!.answer({ committed: { leaderEpoch: 1, partitionEpoch: 2, isr: [1, 2] } });
    expect(partition.highWatermark).toBe(4);
  });

  it('goes back to what is committed where the change was certainly not made, and can be asked for again', () => {
    for (const code of [ErrorCode.IneligibleReplica, ErrorCode.OperationNotAttempted]) {
      const { partition, lead, asked } = partitionWorld();
      lead({ replicas: [1, 2], isr: [1] });
      partition.followerFetched(2, 0, 0, -1);
      asked[0]!.answer({ errorCode: code });
      expect(partition.leading!.maximalIsr).toEqual([1]);
      partition.followerFetched(2, 0, 0, -1);
      expect(asked.length).toBe(2);
    }
  });

  it('stays at its largest where the controller knows better who leads, until it says so', () => {
    for (const code of [ErrorCode.FencedLeaderEpoch, ErrorCode.InvalidUpdateVersion, ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicId, ErrorCode.InvalidRequest, ErrorCode.NewLeaderElected]) {
      const { partition, log, lead, asked } = partitionWorld();
      lead({ replicas: [1, 2], isr: [1] });
      partition.followerFetched(2, 0, 0, -1);
      asked[0]!.answer({ errorCode: code });
      log.append();
      expect([partition.leading!.maximalIsr, partition.highWatermark, asked.length]).toEqual([[1, 2], 0, 1]);
      lead({ leaderEpoch: 2, partitionEpoch: 5, replicas: [1, 2], isr: [1] });
      expect(partition.leading!.maximalIsr).toEqual([1]);
    }
  });

  it('is asked for again after any other error', () => {
    const { partition, lead, asked } = partitionWorld();
    lead({ replicas: [1, 2], isr: [1] });
    partition.followerFetched(2, 0, 0, -1);
    asked[0]!.answer({ errorCode: ErrorCode.UnknownServerError });
    expect(asked.map(({ change }) => change.isr)).toEqual([[1, 2], [1, 2]]);
  });

  it('is not changed by an answer of the past: of another leadership, epoch or change', () => {
    const { partition, lead, asked } = partitionWorld();
    lead({ replicas: [1, 2], isr: [1] });
    partition.followerFetched(2, 0, 0, -1);
    lead({ leaderEpoch: 2, partitionEpoch: 2, replicas: [1, 2], isr: [1] });
    asked[0]!.answer({ committed: { leaderEpoch: 1, partitionEpoch: 9, isr: [1, 2] } });
    expect([partition.leading!.isr, partition.partitionEpoch]).toEqual([[1], 2]);
    partition.followerFetched(2, 0, 0, -1);
    asked[1]!.answer({ committed: { leaderEpoch: 2, partitionEpoch: 1, isr: [1, 2] } });
    expect([partition.leading!.isr, partition.partitionEpoch]).toEqual([[1], 2]);
  });

  it('holds nothing back for a replica that ceased to be caught up without being a member', () => {
    const { partition, log, lead, pass, alive } = partitionWorld();
    lead({ replicas: [1, 2], isr: [1] });
    alive.delete(2);
    partition.followerFetched(2, 0, 0, -1);
    alive.add(2);
    partition.reconfigured();
    log.append(3);
    expect([partition.highWatermark, partition.commitsAlone]).toEqual([0, false]);
    pass(MAX_LAG_MS + 1);
    partition.maybeShrinkIsr();
    expect([partition.highWatermark, partition.commitsAlone]).toEqual([3, true]);
  });
});

describe('read_committed', () => {
  it('ends at a transaction that is undecided, and at one whose decision is not committed yet', () => {
    const { partition, log, lead } = partitionWorld();
    lead({ replicas: [1, 2], isr: [1, 2] });
    log.producers.replay(9, 0, 0, 2, 3, 0, true);
    log.append(4);
    partition.followerFetched(2, 4, 0, -1);
    expect([partition.highWatermark, partition.lastStableOffset]).toEqual([4, 2]);
    // The marker is written at 4, and not on the follower yet.
    log.producers.endTransaction(9, 0, 0, 4, 0, false);
    log.append(1);
    expect([log.producers.firstUndecidedOffset, partition.lastStableOffset]).toEqual([undefined, 2]);
    partition.followerFetched(2, 5, 0, -1);
    expect(partition.lastStableOffset).toBe(5);
  });
});

it('a partition whose directory failed leads nobody, waits for nobody and says so', () => {
  const { partition, log, lead } = partitionWorld();
  lead();
  partition.goOffline();
  expect([partition.role, partition.log, partition.leadershipError(-1), log.told.at(-1)]).toEqual(['none', undefined, ErrorCode.KafkaStorageError, `take back with ${ErrorCode.KafkaStorageError}`]);
  partition.maybeShrinkIsr();
  partition.reconfigured();
  partition.settle();
});
