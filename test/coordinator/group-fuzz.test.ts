import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { seededRandom } from '../../src/base/random.js';
import type { ErrorCode } from '../../src/protocol/errors.js';
import { ErrorCode as Code } from '../../src/protocol/errors.js';
import type { GroupDecision, GroupEnvironment } from '../../src/coordinator/group/environment.js';
import type { Group } from '../../src/coordinator/group/group.js';
import { GroupShard } from '../../src/coordinator/group/group-shard.js';
import { heartbeat } from '../../src/coordinator/group/heartbeat.js';
import { join } from '../../src/coordinator/group/join.js';
import { leave } from '../../src/coordinator/group/leave.js';
import { commitOffsets } from '../../src/coordinator/group/offset-commit.js';
import type { GroupRecord } from '../../src/coordinator/group/records.js';
import { deleteGroup, expire } from '../../src/coordinator/group/removal.js';
import type { JoinReply, SyncReply } from '../../src/coordinator/group/replies.js';
import { sync } from '../../src/coordinator/group/sync.js';
import { CONFIG, consumerSubscription } from './support/story.js';

// The bare state machine under requests that no sane client sends, its alarms ringing and its records being committed
// or refused whenever chance will have it. It must never contradict itself.

const STEPS = 3_000;
const seeds = process.env['SEED'] === undefined ? [1, 2, 3, 4] : [Number(process.env['SEED'])];

interface Alarm { set: boolean; soon: boolean; ring(): GroupDecision<void> }

test.each(seeds)('no sequence of requests makes a group contradict itself, seed %i', seed => {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[random.int(from.length)]!;
  const alarms: Alarm[] = [];
  let ids = 0;
  const environment: GroupEnvironment & { now: number } = {
    limits: { ...CONFIG, maxSize: 4, initialRebalanceDelayMs: 0 }, logger: silentLogger, now: 1_000, newId: () => `id-${ids++}`,
    alarm: ring => {
      const alarm: Alarm = { set: false, soon: false, ring };
      alarms.push(alarm);
      return { set: ms => { alarm.set = true; alarm.soon = ms === 0; }, clear: () => { alarm.set = false; } };
    },
  };
  const shard = new GroupShard(environment);
  const flying: { records: readonly GroupRecord[]; committed: () => void; failed: (error: ErrorCode) => void }[] = [];
  let parked = 0;
  let offset = 0;
  const knownIds = [''];

  const carryOut = <R>(decision: GroupDecision<R>): void => {
    for (const record of decision.records) shard.encode(record);
    if (decision.records.length > 0) flying.push({ records: decision.records, committed: () => decision.committed?.(), failed: error => decision.failed?.(error) });
  };
  const ticket = <R extends JoinReply | SyncReply>() => {
    parked++;
    let answered = false;
    return {
      answer: (reply: R) => {
        expect(answered, 'answered once').toBe(false);
        answered = true;
        parked--;
        if ('memberId' in reply && reply.memberId !== '') knownIds.push(reply.memberId);
      },
    };
  };
  const group = (): Group => shard.findOrCreate('g');
  const memberId = (): string => random.int(10) === 0 ? pick(knownIds) : pick([group().leaderId ?? '', ...group().members.keys(), ...group().pending.keys()]);
  const instance = (): string | null => pick([null, null, null, 'one', 'two']);
  const protocols = () => pick([['range'], ['range'], ['range', 'robin'], ['range', 'robin'], ['robin', 'range'], random.int(20) === 0 ? ['sticky'] : ['range'], random.int(20) === 0 ? [] : ['range']]).map(name => ({ name, metadata: pick([consumerSubscription(['orders']), Buffer.from('junk')]) }));
  const generation = (): number => random.int(8) === 0 ? pick([group().generation - 1, -1]) : group().generation;

  const sane = {
    clientId: 'c', clientHost: '/h', sessionTimeoutMs: 1, rebalanceTimeoutMs: 9, protocolType: 'consumer', reason: null, requireKnownMemberId: false, canSkipAssignment: true,
    protocols: ['range', 'robin', 'sticky'].map(name => ({ name, metadata: consumerSubscription(['orders']) })),
  };
  const visited = new Map<string, number>();
  let deaths = 0;
  const ring = (alarm: Alarm | undefined): void => {
    if (alarm === undefined) return;
    alarm.set = false;
    carryOut(alarm.ring());
  };
  const doSomething: (() => void)[] = [
    () => carryOut(join(group(), {
      memberId: memberId(), groupInstanceId: instance(), clientId: 'c', clientHost: '/h', sessionTimeoutMs: 1, rebalanceTimeoutMs: random.int(9),
      protocolType: pick(['consumer', 'consumer', 'consumer', 'consumer', 'consumer', 'connect']), protocols: protocols(), reason: null,
      requireKnownMemberId: random.int(6) === 0, canSkipAssignment: random.int(2) === 0,
    }, ticket<JoinReply>())),
    () => carryOut(sync(group(), {
      memberId: memberId(), groupInstanceId: instance(), generation: generation(), protocolType: pick([null, 'consumer']), protocolName: pick([null, null, group().protocolName]),
      assignments: new Map([[memberId(), Buffer.from('x')]]),
    }, ticket<SyncReply>())),
    () => { heartbeat(group(), { memberId: memberId(), groupInstanceId: instance(), generation: generation() }); },
    () => carryOut(leave(group(), [{ memberId: memberId(), groupInstanceId: instance() }, { memberId: memberId(), groupInstanceId: null }].slice(random.int(2)))),
    () => carryOut(commitOffsets(group(), {
      memberId: memberId(), groupInstanceId: instance(), generation: generation(), retentionTimeMs: pick([-1, 5]),
      topics: [{ name: pick(['orders', 'returns']), partitions: [{ partitionIndex: random.int(3), committedOffset: offset++, committedLeaderEpoch: -1, commitTimestamp: -1, committedMetadata: null }] }],
    })),
    () => { const ringing = alarms.filter(alarm => alarm.set); if (ringing.length > 0) ring(pick(ringing)); },
    () => { const write = flying.shift(); write?.records.forEach(record => shard.apply(record, offset++)); write?.committed(); },
    () => { const write = flying.shift(); write?.records.forEach(record => shard.discard(record)); write?.failed(pick([Code.NotEnoughReplicas, Code.RequestTimedOut, Code.MessageTooLarge])); },
    // The clients are told of a timeout, and the records get committed after all.
    () => { const write = flying[0]; write?.failed(Code.RequestTimedOut); if (write !== undefined) flying[0] = { ...write, committed: () => {}, failed: () => {} }; },
    () => {
      if (random.int(12) !== 0) return;
      const before = group();
      carryOut(pick([deleteGroup, expire])(before) as GroupDecision<unknown>);
      if (before.state === 'Dead') deaths++;
      consistent(before);
      shard.forgetIfGone(before);
    },
    // Now and then everybody behaves.
    () => {
      for (const id of group().members.keys()) carryOut(join(group(), { ...sane, memberId: id, groupInstanceId: group().members.get(id)!.groupInstanceId }, ticket<JoinReply>()));
      carryOut(leave(group(), Array.from(group().pending.keys(), id => ({ memberId: id, groupInstanceId: null }))));
      ring(alarms.find(alarm => alarm.set && alarm.soon));
      if (group().state !== 'CompletingRebalance') return;
      for (const [id, { groupInstanceId }] of group().members) carryOut(sync(group(), { memberId: id, groupInstanceId, generation: group().generation, protocolType: null, protocolName: null, assignments: new Map() }, ticket<SyncReply>()));
    },
    () => { environment.now += random.int(10); if (random.int(200) === 0) environment.now += CONFIG.offsetsRetentionMs; },
  ];

  for (let i = 0; i < STEPS; i++) {
    // Joins and syncs twice as often as the rest, or hardly a group would become stable.
    pick([doSomething[0]!, doSomething[1]!, ...doSomething])();
    consistent(group());
    visited.set(group().state, (visited.get(group().state) ?? 0) + 1);
  }
  for (const state of ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable']) expect(visited.get(state) ?? 0, state).toBeGreaterThan(0);
  expect(deaths).toBeGreaterThan(0);
  shard.unload();
  expect(parked, 'requests that nobody answered').toBe(0);
  expect(alarms.filter(alarm => alarm.set), 'alarms left on').toEqual([]);
});

function consistent(group: Group): void {
  const members = [...group.members.values()];
  expect(group.awaitingJoin).toBe(members.filter(member => member.awaitsJoin).length);
  expect([...group.staticMembers].map(([instance, id]) => group.members.get(id)?.groupInstanceId === instance)).not.toContain(false);
  expect(group.staticMembers.size).toBe(members.filter(member => member.isStatic).length);
  for (const [id, member] of group.members) expect(member.memberId).toBe(id);
  for (const id of group.pendingSync) expect(group.members.has(id)).toBe(true);
  if (group.leaderId !== null && group.state !== 'Dead') expect(group.members.has(group.leaderId)).toBe(true);
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      expect(members).toHaveLength(0);
      break;
    case 'CompletingRebalance':
    case 'Stable':
      expect(group.leaderId).not.toBeNull();
      // Everybody supports what was chosen.
      for (const member of members) expect(member.protocols.map(({ name }) => name)).toContain(group.protocolName);
      break;
    case 'PreparingRebalance':
      // Or the join phase would have ended.
      if (group.gathering === null) expect(group.allJoined && members.length > 0).toBe(false);
      break;
  }
}
