// The follower's side of fetch sessions (KIP-227, KIP-516): what is told when, and what becomes of answers that do not fit.

import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { topicIdOf, World, type ModelBroker, type WorldOptions } from './support/world.js';

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
let world: World;
let leader: ModelBroker;
let follower: ModelBroker;

/** Broker 1 follows partition 0 of each of these topics, and has all of it. */
async function following(topics: readonly string[], options: WorldOptions = {}): Promise<void> {
  world = new World(options);
  [leader, follower] = world.brokers as [ModelBroker, ModelBroker];
  for (const topic of topics) {
    world.makePartition(topic);
    leader.log(`${topic}-0`).append(0);
  }
  for (const topic of topics) await world.elect(0, 1, `${topic}-0`);
  for (const topic of topics) await world.caughtUp(0, `${topic}-0`);
  await world.time.pass(1200);
}

/** What was asked from here on. */
function asked(since: number): { epoch: number; version: number; rows: string[]; forgotten: string[] }[] {
  return leader.leader.fetches.slice(since).map(({ version, request }) => ({
    epoch: request.sessionEpoch,
    version,
    rows: request.topics.flatMap(({ topic, topicId, partitions }) => partitions.map(each => `${topicId === NO_ID ? topic : topicId}-${each.partition}@${each.fetchOffset}`)),
    forgotten: request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) => partitions.map(index => `${topicId === NO_ID ? topic : topicId}-${index}`)),
  }));
}

afterEach(async () => {
  world.close();
  await world.time.pass(1000);
  expect(world.unreleased).toBe(0);
});

describe('a session', () => {
  it('tells everything once, and then what changed', async () => {
    await following(['t', 'u', 'v'], { fetchVersion: 12 });
    const before = leader.leader.fetches.length;
    leader.log('u-0').append(1);
    await world.caughtUp(0, 'u-0');
    await world.time.pass(600);
    const [first, second] = asked(before);
    expect(first).toMatchObject({ rows: ['u-0@2'], forgotten: [] });
    expect(second).toMatchObject({ rows: [], forgotten: [], epoch: first!.epoch + 1 });
  });

  it('takes partitions in and forgets them', async () => {
    await following(['t', 'u'], { fetchVersion: 12 });
    const before = leader.leader.fetches.length;
    follower.manager.removePartitions([follower.partition('u-0')]);
    world.makePartition('w');
    await world.elect(0, 3, 'w-0');
    await world.time.pass(600);
    expect(asked(before)[0]).toMatchObject({ rows: ['w-0@0'], forgotten: ['u-0'] });
  });

  it('forgets a partition that is delayed, and takes it in again', async () => {
    await following(['t', 'u'], { fetchVersion: 12 });
    const before = leader.leader.fetches.length;
    leader.leader.refusals.push({ topic: 'u', index: 0, code: ErrorCode.NotLeaderOrFollower });
    leader.log('u-0').append(1);
    await world.caughtUp(0, 'u-0');
    const told = asked(before);
    expect(told[0]!.forgotten).toEqual(['u-0']);
    expect(told.some(({ rows }) => rows.includes('u-0@1'))).toBe(true);
  });

  it('has a recreated topic in the place of the one before', async () => {
    await following(['t']);
    const before = leader.leader.fetches.length;
    follower.manager.removePartitions([follower.partition()]);
    world.makePartition('t', 0, topicIdOf('t', 2));
    leader.log().append(0, 1, 'second life');
    await world.elect(0, 0);
    await world.caughtUp(0);
    const [replaced] = asked(before);
    expect(replaced).toMatchObject({ rows: [`${topicIdOf('t', 2)}-0@0`], forgotten: [`${topicIdOf('t')}-0`] });
    expect(follower.log().story).toBe('0:0-0');
  });

  it('does not take the records of a deleted topic for those of the one that came after it', async () => {
    await following(['t']);
    // The same offset and the same epoch, in the answer that is under way.
    world.makePartition('t', 0, topicIdOf('t', 2));
    leader.log().append(1, 1, 'second life');
    await world.elect(0, 1);
    await world.caughtUp(0);
    expect(follower.log().batches[0]!.bytes.equals(leader.log().batches[0]!.bytes)).toBe(true);
  });
});

describe('topic ids', () => {
  it('are used while every topic has one', async () => {
    await following(['t', 'u']);
    expect(asked(0).every(({ version }) => version === 17)).toBe(true);
  });

  it('are not used where a topic has none, and are when it gets one', async () => {
    await following(['t']);
    world.makePartition('old', 0, NO_ID);
    leader.log('old-0').append(1);
    const before = leader.leader.fetches.length;
    await world.elect(0, 1, 'old-0');
    await world.caughtUp(0, 'old-0');
    // The session was one with ids: the leader says so, and a new one begins.
    expect(asked(before).slice(0, 2).map(({ version, epoch }) => [version, epoch > 0])).toEqual([[12, true], [12, false]]);

    for (const { partitions } of world.brokers) partitions.get('old-0')!.topicId = topicIdOf('old');
    follower.manager.adoptTopicId(follower.partition('old-0'), topicIdOf('old'));
    leader.log('old-0').append(1);
    await world.caughtUp(0, 'old-0');
    await world.time.pass(600);
    expect(leader.leader.fetches.at(-1)!.version).toBe(17);
  });
});

describe('an answer that does not fit', () => {
  it.each([
    ['does not know the session', ErrorCode.FetchSessionIdNotFound],
    ['expects another epoch', ErrorCode.InvalidFetchSessionEpoch],
  ])('because the leader %s: a new session begins at once', async (_, code) => {
    await following(['t', 'u']);
    const before = leader.leader.fetches.length;
    leader.leader.wholeRefusals.push(code);
    leader.log('t-0').append(1);
    await world.time.pass(600);
    const next = asked(before).find(({ epoch }) => epoch === 0);
    expect(next?.rows).toHaveLength(2);
    await world.caughtUp(0, 't-0', 900);
  });

  it('names a partition that was not asked about: all of it is passed over', async () => {
    await following(['t']);
    leader.leader.invented = topicIdOf('nobody');
    leader.log().append(1);
    await world.time.pass(5000);
    expect(follower.log().endOffset).toBe(1);
    leader.leader.invented = undefined;
    await world.caughtUp(0);
  });

  it('leaves out a partition of a full request: all of it is passed over', async () => {
    await following(['t', 'u']);
    leader.leader.omitted = `${topicIdOf('u')}-0`;
    leader.leader.forgetSessions();
    // The request that is under way still has its session.
    await world.time.pass(600);
    leader.log('t-0').append(1);
    await world.time.pass(5000);
    expect(follower.log('t-0').endOffset).toBe(1);
    leader.leader.omitted = undefined;
    await world.caughtUp(0, 't-0');
  });

  it('again and again is not asked for without a pause', async () => {
    await following(['t']);
    const before = leader.leader.fetches.length;
    leader.leader.wholeRefusals.push(...Array.from({ length: 500 }, () => ErrorCode.UnknownServerError));
    await world.time.pass(10_000);
    expect(leader.leader.fetches.length - before).toBeLessThan(30);
    leader.leader.wholeRefusals.length = 0;
    leader.log().append(1);
    await world.caughtUp(0);
  });

  it('gives no session: every request tells everything', async () => {
    world = new World({ fetchVersion: 12 });
    [leader, follower] = world.brokers as [ModelBroker, ModelBroker];
    leader.leader.givesSessions = false;
    for (const topic of ['t', 'u']) {
      world.makePartition(topic);
      leader.log(`${topic}-0`).append(0);
      await world.elect(0, 1, `${topic}-0`);
    }
    for (const topic of ['t', 'u']) await world.caughtUp(0, `${topic}-0`);
    await world.time.pass(1200);
    expect(asked(0).slice(-2).map(({ epoch, rows }) => [epoch, rows.length])).toEqual([[0, 2], [0, 2]]);
  });
});

describe('many partitions', () => {
  it('are told some at a time, and all are fetched', async () => {
    const MANY = 2500;
    world = new World({ fetchVersion: 12 });
    [leader, follower] = world.brokers as [ModelBroker, ModelBroker];
    for (let index = 0; index < MANY; index++) world.makePartition('t', index);
    const told: Promise<void>[] = [];
    for (let index = 0; index < MANY; index += 25) leader.log(`t-${index}`).append(0);
    for (let index = 0; index < MANY; index++) told.push(world.lead(0, 1, `t-${index}`), world.follow(1, 0, 1, `t-${index}`));
    await world.whileDone(Promise.all(told));
    for (let index = 0; index < MANY; index += 25) await world.caughtUp(0, `t-${index}`);
    for (const { rows } of asked(0)) expect(rows.length).toBeLessThanOrEqual(1000);
    expect(new Set(asked(0).flatMap(({ rows }) => rows.map(row => row.split('@')[0]))).size).toBe(MANY);
  }, 30_000);
});
