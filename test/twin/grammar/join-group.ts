import type { Grammar } from '../grammar.js';
import type { Bindings } from '../symbols.js';
import { ref } from '../symbols.js';
import { memberIdOf, type MemberInWorld, type World } from '../world.js';

/** So long everybody waits for one who does not come, and so long one who joined may take to sync. */
const REBALANCE_TIMEOUT_MS = 700;

/** Each member speaks on a connection of its own, because its join may wait for others. */
export const joinGroup: Grammar = {
  api: 'JoinGroup',
  weights: { groups: 20, offsets: 3 },
  say(world) {
    const { chance } = world;
    const known = world.member();
    const member = known === undefined || chance.percent(35) ? newcomer(world) : known;
    return {
      body: {
        groupId: chance.percent(97) ? ref(`group:${member.group}`, '') : world.groupName(),
        sessionTimeoutMs: chance.weighted([[30_000, 12], [999, 1], [10_000_000, 1]]),
        rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
        // Without an id a static member takes its own place, and a dynamic one begins anew.
        memberId: chance.weighted([[memberIdOf(member), 9], ['', member.instance === null ? 1 : 4], ['stranger', 1]]),
        groupInstanceId: member.instance,
        protocolType: chance.weighted([['consumer', 14], ['', 1], ['connect', 1]]),
        protocols: chance.weighted([
          [[{ name: 'range', metadata: subscription(chance.int(3)) }], 10],
          [[{ name: 'range', metadata: subscription(1) }, { name: 'roundrobin', metadata: subscription(1) }], 5],
          [[{ name: 'roundrobin', metadata: subscription(1) }, { name: 'range', metadata: subscription(1) }], 2],
          [[{ name: 'range', metadata: Buffer.from('m') }, { name: 'roundrobin', metadata: subscription(0) }], 2],
          [[{ name: 'sticky', metadata: Buffer.alloc(0) }], 1], [[], 1],
        ]),
        reason: chance.pick([null, 'because']),
      },
      connection: 10 + member.n, binds: `member:${member.n}`, pending: chance.percent(60), faithful: chance.percent(80),
    };
  },
  learn(answer: { memberId: string; generationId: number }, bindings: Bindings, binds: string) {
    if (answer.memberId !== '') bindings.bind(binds, answer.memberId);
    if (answer.generationId >= 0) bindings.bind(`generation:${binds.slice('member:'.length)}`, answer.generationId);
  },
  unordered: { members: ['metadata', 'memberId'] },
};

function newcomer(world: World): MemberInWorld {
  const { chance } = world;
  const member = { n: world.members.length, group: world.group(), instance: chance.percent(30) ? `instance${chance.int(2)}` : null, generation: 1 };
  world.members.push(member);
  return member;
}

/** The consumer protocol's subscription to a topic of the conversation's (version 0), or to nothing. */
function subscription(kind: number): Buffer {
  if (kind === 0) return Buffer.from([0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  const name = Buffer.from('any');
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1, 0, name.length]), name, Buffer.from([0xff, 0xff, 0xff, 0xff])]);
}
