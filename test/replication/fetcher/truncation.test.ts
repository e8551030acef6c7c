// Logs that part, and become one again: the follower's half of KIP-101, KIP-279 and KIP-320, in the protocol of today (answers to
// fetches tell of divergence) and in that before 2.7 (epochs are asked for first).

import { describe, expect, it } from 'vitest';
import { World, type WorldOptions } from './support/world.js';

const protocols: readonly [string, WorldOptions][] = [
  ['3.9', {}],
  ['2.7, without topic ids', { fetchVersion: 12 }],
  ['2.6, epochs asked for first', { fetchVersion: 11, epochVersion: 3 }],
  ['1.1, without the epoch in the answer', { fetchVersion: 7, epochVersion: 0 }],
];
/** Those in which an answer names the epoch that it is about. */
const withEpochs = protocols.slice(0, 3);

/** Broker 0 and 1 with these logs, each as `epoch x records`. */
function written(options: WorldOptions, ...logs: readonly (readonly [number, number][])[]): World {
  const world = new World({ ...options, brokers: logs.length });
  world.makePartition();
  for (const [id, batches] of logs.entries()) for (const [epoch, count] of batches) for (let left = count; left > 0; left--) world.brokers[id]!.log().append(epoch);
  return world;
}

describe.each(protocols)('a follower under protocol %s', (_, options) => {
  it('keeps what its watermark had not reached when it restarted (KIP-101, lost records)', async () => {
    const world = written(options, [[0, 2]], [[0, 2]]);
    const [a, b] = world.brokers;
    b!.partition().highWatermark = 1;
    await world.elect(0, 0);
    await world.time.pass(50);
    expect(b!.log().cuts).toEqual([]);

    // Its leader dies before it could have fetched again what it would have cut off.
    a!.alive = false;
    await world.elect(1, 1);
    b!.log().append(1);
    a!.alive = true;
    await world.whileDone(world.follow(0, 1, 1));
    await world.caughtUp(1);
    expect(b!.log().story).toBe('0:0-0 0:1-1 1:2-2');
    world.close();
  });

  it('does not keep another record at an offset where its leader has one (KIP-101, diverging logs)', async () => {
    const world = written(options, [[0, 2]], [[0, 1], [1, 1]]);
    world.brokers[0]!.partition().highWatermark = 1;
    await world.elect(1, 1);
    await world.caughtUp(1);
    expect(world.brokers[0]!.log().story).toBe('0:0-0 1:1-1');
    world.close();
  });

  it('has nothing to cut and fetches all', async () => {
    const world = written(options, [[0, 40]], []);
    await world.elect(0, 3);
    await world.caughtUp(0);
    expect(world.brokers[1]!.log().cuts).toEqual([]);
    world.close();
  });

  it('cuts what only an unclean leader had', async () => {
    const world = written(options, [[0, 3], [1, 9]], [[0, 3], [2, 2]]);
    world.brokers[0]!.partition().highWatermark = 3;
    await world.elect(1, 3);
    await world.caughtUp(1);
    expect(world.brokers[0]!.log().cuts).toEqual([{ from: 12, to: 3 }]);
    world.close();
  });

  it('forgets an epoch that it began and in which it wrote nothing', async () => {
    const world = written(options, [[0, 3]], [[0, 3]]);
    await world.elect(0, 1);
    await world.elect(1, 2);
    world.brokers[1]!.log().append(2);
    await world.caughtUp(1);
    expect(world.brokers[0]!.log().epochs.entries).toEqual([{ epoch: 0, startOffset: 0 }, { epoch: 2, startOffset: 3 }]);
    world.close();
  });

  it('cuts to its watermark where no epoch is known', async () => {
    const world = written(options, [[0, 5]], [[0, 5]]);
    const follower = world.brokers[1]!;
    follower.log().epochs.clear();
    follower.partition().highWatermark = 2;
    await world.elect(0, 1);
    await world.time.until(() => follower.log().cuts.length > 0, 'it is cut');
    await world.caughtUp(0);
    expect(follower.log().cuts).toEqual([{ from: 5, to: 2 }]);
    world.close();
  });
});

describe.each(withEpochs)('in steps, under protocol %s', (_, options) => {
  it('finds the common part where each log has epochs that the other lacks (KIP-279)', async () => {
    const world = written(options, [[1, 5], [2, 4], [4, 2]], [[1, 4], [3, 3], [5, 3]]);
    world.brokers[1]!.partition().highWatermark = 4;
    await world.elect(0, 6);
    await world.caughtUp(0);
    expect(world.brokers[1]!.log().cuts).toEqual([{ from: 10, to: 7 }, { from: 7, to: 4 }]);
    world.close();
  });

  it('is taken over in the midst of it, and goes on with the new leader', async () => {
    const world = written(options, [[1, 5], [2, 4], [4, 2]], [[1, 4], [3, 3], [5, 3]], [[1, 4], [3, 2]]);
    const follower = world.brokers[1]!.log();
    await world.whileDone(Promise.all([world.lead(0, 6), world.follow(1, 0, 6)]));
    await world.time.until(() => follower.cuts.length === 1, 'the first cut');
    await world.elect(2, 7);
    world.brokers[2]!.log().append(7);
    await world.caughtUp(2);
    expect(follower.story).toBe('1:0-0 1:1-1 1:2-2 1:3-3 3:4-4 3:5-5 7:6-6');
    world.close();
  });

  it('is told of the same leader in new epochs, one after the other', async () => {
    const world = written(options, [[0, 4], [2, 3]], [[0, 4], [1, 5]]);
    for (const epoch of [3, 4, 5, 6]) await world.elect(0, epoch);
    world.brokers[0]!.log().append(6);
    await world.caughtUp(0);
    expect(world.brokers[1]!.manager.fetchState(world.brokers[1]!.partition())?.leaderEpoch).toBe(6);
    world.close();
  });
});
