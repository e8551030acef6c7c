import type { Grammar } from '../grammar.js';
import type { Bindings } from '../symbols.js';
import { ref } from '../symbols.js';
import { memberIdOf, type MemberInWorld, type World } from '../world.js';

/** Each member speaks on a connection of its own, because its join may wait for others. */
export const joinGroup: Grammar = {
  api: 'JoinGroup',
  weights: { groups: 20, offsets: 3 },
  say(world) {
    const { chance } = world;
    const member = chance.percent(45) && world.members.length > 0 ? chance.pick(world.members) : newcomer(world);
    const rejoins = chance.percent(80);
    return {
      body: {
        groupId: chance.percent(97) ? ref(`group:${member.group}`, '') : world.groupName(),
        sessionTimeoutMs: chance.weighted([[30_000, 12], [999, 1], [10_000_000, 1]]),
        rebalanceTimeoutMs: 400,
        memberId: rejoins ? memberIdOf(member) : chance.pick(['', 'stranger']),
        groupInstanceId: member.instance,
        protocolType: chance.weighted([['consumer', 14], ['', 1], ['connect', 1]]),
        protocols: chance.weighted([
          [[{ name: 'range', metadata: subscription(chance.int(3)) }], 10],
          [[{ name: 'range', metadata: Buffer.from('m') }, { name: 'roundrobin', metadata: subscription(0) }], 3],
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
  const member = { n: world.members.length, group: chance.int(world.groups), instance: chance.percent(25) ? `instance${chance.int(2)}` : null, generation: 1 };
  world.members.push(member);
  return member;
}

/** The consumer protocol's subscription to a topic of the conversation's (version 0), or to nothing. */
function subscription(kind: number): Buffer {
  if (kind === 0) return Buffer.from([0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  const name = Buffer.from('any');
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1, 0, name.length]), name, Buffer.from([0xff, 0xff, 0xff, 0xff])]);
}
