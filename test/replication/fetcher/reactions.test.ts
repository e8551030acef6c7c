// What a follower does about each refusal, and about what it cannot append (AbstractFetcherThread.processFetchRequest).

import { afterEach, describe, expect, it } from 'vitest';
import { NativeCode } from '../../../src/native/codes.js';
import { ErrorCode } from '../../../src/protocol/errors.js';
import type { ReplicaQuota } from '../../../src/replication/replication-quota.js';
import { World, type ModelBroker, type WorldOptions } from './support/world.js';

const BACKOFF_MS = 1000;
let world: World;
let leader: ModelBroker;
let follower: ModelBroker;

async function following(records: number, options: WorldOptions = {}): Promise<void> {
  world = new World(options);
  world.makePartition();
  [leader, follower] = world.brokers as [ModelBroker, ModelBroker];
  for (let left = records; left > 0; left--) leader.log().append(1);
  await world.elect(0, 1);
  await world.caughtUp(0);
  // The request that is under way by then comes back without news.
  await world.time.pass(600);
}

/** How long it takes from now on until the follower has what the leader gets now. */
async function untilFetched(): Promise<number> {
  const began = world.time.now();
  leader.log().append(leader.partition().leaderEpoch);
  await world.caughtUp(0);
  return world.time.now() - began;
}

function fails(): boolean {
  return follower.manager.failedPartitions.has(follower.partition());
}

afterEach(async () => {
  world.close();
  await world.time.pass(1000);
  expect(world.unreleased).toBe(0);
});

describe('a leader that refuses a partition', () => {
  it.each([
    ['that leads no more', ErrorCode.NotLeaderOrFollower],
    ['that has not heard of the epoch', ErrorCode.UnknownLeaderEpoch],
    ['that does not have it', ErrorCode.UnknownTopicOrPartition],
    ['that does not know its id', ErrorCode.UnknownTopicId],
    ['that knows another id', ErrorCode.InconsistentTopicId],
    ['whose directory failed', ErrorCode.KafkaStorageError],
    ['that found its own records corrupt', ErrorCode.CorruptMessage],
    ['for a reason of its own', ErrorCode.UnknownServerError],
  ])('%s is asked again after replica.fetch.backoff.ms', async (_, code) => {
    await following(3);
    leader.leader.refusals.push({ topic: 't', index: 0, code });
    expect(await untilFetched()).toBeGreaterThanOrEqual(BACKOFF_MS);
    expect(fails()).toBe(false);
  });

  it('does not hold up the others', async () => {
    await following(3);
    world.makePartition('u', 0);
    await world.elect(0, 1, 'u-0');
    await world.caughtUp(0, 'u-0');
    leader.leader.refusals.push({ topic: 't', index: 0, code: ErrorCode.NotLeaderOrFollower });
    leader.log().append(1);
    leader.log('u-0').append(1);
    await world.caughtUp(0, 'u-0', BACKOFF_MS / 2);
    await world.caughtUp(0);
  });

  it('because it knows a newer epoch is not asked again before we know that epoch too', async () => {
    await following(3);
    leader.partition().leaderEpoch = 2;
    leader.log().append(2);
    await world.time.until(fails, 'it is given up');
    await world.time.pass(10 * BACKOFF_MS);
    expect(follower.log().endOffset).toBe(3);
    await world.whileDone(world.follow(1, 0, 2));
    await world.caughtUp(0);
    expect(fails()).toBe(false);
  });

  it('for an epoch that is old by now is asked on in the new one', async () => {
    await following(3);
    leader.partition().leaderEpoch = 2;
    leader.log().append(2);
    await world.time.until(() => leader.leader.refused > 0, 'the refusal is on its way');
    await world.whileDone(world.follow(1, 0, 2));
    await world.caughtUp(0);
    expect(fails()).toBe(false);
  });
});

describe('an offset that the leader does not have', () => {
  it('is given up where the leader ends before it', async () => {
    await following(5, { fetchVersion: 7, epochVersion: 0 });
    // An election that nobody noticed took the last records away.
    leader.log().lose(2);
    leader.log().append(1, 1, 'other');
    leader.leader.refusals.push({ topic: 't', index: 0, code: ErrorCode.OffsetOutOfRange });
    await world.time.until(() => follower.log().endOffset === 3, 'it is cut to the leader\'s end');
    expect(follower.log().cuts).toEqual([{ from: 5, to: 3 }]);
    expect(fails()).toBe(false);
  });

  it('is given up for the leader\'s start where that lies behind it', async () => {
    await following(2);
    follower.alive = false;
    for (let left = 6; left > 0; left--) leader.log().append(1);
    await world.whileDone(leader.log().raiseStartOffset(5));
    leader.partition().highWatermark = 8;
    follower.alive = true;
    await world.time.until(() => follower.log().endOffset === 8, 'it begins anew and catches up');
    expect(follower.log().startOffset).toBe(5);
    expect(follower.log().story).toBe('1:5-5 1:6-6 1:7-7');
    expect(follower.log().epochs.entries).toEqual([{ epoch: 1, startOffset: 5 }]);
  });

  it('is kept where the leader has grown past it meanwhile', async () => {
    await following(4);
    leader.leader.refusals.push({ topic: 't', index: 0, code: ErrorCode.OffsetOutOfRange });
    expect(await untilFetched()).toBeLessThan(BACKOFF_MS);
    expect(follower.log().cuts).toEqual([]);
  });

  it.each([
    ['does not know the epoch', ErrorCode.UnknownLeaderEpoch, false],
    ['knows a newer epoch', ErrorCode.FencedLeaderEpoch, true],
  ])('is asked about: the leader %s', async (_, code, givenUp) => {
    await following(4);
    leader.leader.refusals.push({ topic: 't', index: 0, code: ErrorCode.OffsetOutOfRange }, { topic: 't', index: 0, code });
    if (givenUp) {
      leader.log().append(1);
      await world.time.until(fails, 'it is given up');
    } else {
      expect(await untilFetched()).toBeGreaterThanOrEqual(BACKOFF_MS);
    }
  });
});

describe('what cannot be appended', () => {
  it('is fetched again after a while where it is corrupt, and nothing of it is kept', async () => {
    await following(3);
    leader.leader.damage = records => {
      leader.leader.damage = undefined;
      const damaged = Buffer.from(records);
      damaged[damaged.length - 1]! ^= 0xff;
      return damaged;
    };
    expect(await untilFetched()).toBeGreaterThanOrEqual(BACKOFF_MS);
    expect(fails()).toBe(false);
  });

  it.each([
    ['a full disk', NativeCode.noSpace],
    ['an epoch of the past', 110],
  ])('is fetched again after a while where that is for %s', async (_, code) => {
    await following(3);
    follower.log().failure = code;
    expect(await untilFetched()).toBeGreaterThanOrEqual(BACKOFF_MS);
  });

  it.each([
    ['its log is closed', NativeCode.closed],
    ['its disk fails', NativeCode.ioError],
  ])('ends the fetching of the partition where %s', async (_, code) => {
    await following(3);
    follower.log().failure = code;
    leader.log().append(1);
    await world.time.until(fails, 'it is given up');
    expect(follower.manager.fetchState(follower.partition())).toBeUndefined();
  });

  it('ends it where a truncation fails', async () => {
    world = new World();
    world.makePartition();
    [leader, follower] = world.brokers as [ModelBroker, ModelBroker];
    leader.log().append(0);
    follower.log().append(0, 1, 'other');
    follower.log().append(1, 1);
    follower.log().failure = NativeCode.ioError;
    await world.elect(0, 2);
    await world.time.until(fails, 'it is given up');
    expect(follower.log().endOffset).toBe(2);
  });

  it('ends it where our log ends elsewhere than was fetched from', async () => {
    await following(3);
    follower.log().append(1, 1, 'other');
    leader.log().append(1);
    await world.time.until(fails, 'it is given up');
  });

  it('is a batch that begins before our start: an empty log begins with it', async () => {
    world = new World();
    world.makePartition();
    [leader, follower] = world.brokers as [ModelBroker, ModelBroker];
    leader.log().append(0, 10);
    leader.log().append(0, 2);
    await world.whileDone(leader.log().raiseStartOffset(4));
    leader.partition().highWatermark = 12;
    await world.elect(0, 1);
    await world.caughtUp(0);
    await world.time.until(() => follower.log().startOffset === 4, 'the start is adopted');
    expect(follower.log().story).toBe('0:0-9 0:10-11');
  });

  it('is a batch that begins before our end: the partition is given up', async () => {
    await following(3);
    leader.leader.damage = () => leader.log().read(0, 1000);
    leader.log().append(1);
    await world.time.until(fails, 'it is given up');
    expect(follower.log().endOffset).toBe(3);
  });
});

describe('the leader\'s watermark and start', () => {
  it('are adopted behind what came with them, the watermark within our log, also downwards', async () => {
    await following(5);
    expect(follower.partition().highWatermark).toBe(5);
    // Somebody is in sync who never fetches: the leader's watermark is what it is set to here.
    world.isr.set('t-0', new Set([0, 1, 9]));
    leader.partition().highWatermark = 2;
    await world.time.pass(600);
    expect(follower.partition().highWatermark).toBe(2);
    leader.partition().highWatermark = 9;
    await world.time.pass(600);
    expect(follower.partition().highWatermark).toBe(5);
    await world.whileDone(leader.log().raiseStartOffset(3));
    await world.time.until(() => follower.log().startOffset === 3, 'the start is raised');
    // And the leader is told of it.
    await world.time.pass(600);
    expect(leader.leader.fetches.at(-2)?.request.topics[0]?.partitions[0]?.logStartOffset ?? 3).toBe(3);
  });
});

describe('a leader that cannot be reached', () => {
  it('is tried again after replica.fetch.backoff.ms, and told everything anew', async () => {
    await following(3);
    world.cut.add('0-1');
    await world.time.pass(3000);
    world.cut.clear();
    const before = leader.leader.fetches.length;
    expect(await untilFetched()).toBeLessThan(2 * BACKOFF_MS);
    expect(leader.leader.fetches[before]!.request.sessionEpoch).toBe(0);
  });
});

describe('a throttle', () => {
  class Throttle implements ReplicaQuota {
    full = false;
    recorded = 0;
    readonly #topics: ReadonlySet<string>;
    constructor(...topics: string[]) { this.#topics = new Set(topics); }
    isThrottled(topic: string): boolean { return this.#topics.has(topic); }
    exceeded(): boolean { return this.full; }
    record(bytes: number): void { this.recorded += bytes; }
  }

  it('leaves out throttled partitions that are not in sync, and only those', async () => {
    const quota = new Throttle('t');
    quota.full = true;
    world = new World({ quota });
    for (const topic of ['t', 'u']) world.makePartition(topic);
    [leader, follower] = world.brokers as [ModelBroker, ModelBroker];
    for (const name of ['t-0', 'u-0']) leader.log(name).append(1, 3);
    for (const name of ['t-0', 'u-0']) await world.elect(0, 1, name);
    await world.caughtUp(0, 'u-0');
    await world.time.pass(5000);
    expect(follower.log('t-0').endOffset).toBe(0);
    expect(quota.recorded).toBe(0);

    quota.full = false;
    await world.caughtUp(0, 't-0');
    expect(quota.recorded).toBe(leader.log('t-0').batches[0]!.bytes.length);
    await world.time.pass(600);
    // In sync by now: the throttle is for those that catch up.
    quota.full = true;
    await world.time.pass(600);
    leader.log('t-0').append(1);
    await world.caughtUp(0, 't-0');
  });
});
