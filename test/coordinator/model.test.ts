import { expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import { settled } from './support/manual-time.js';
import { commitErrors, sharesFor, Story } from './support/story.js';
import type { TestMember, Watched } from './support/story.js';

// Clients that behave, in a world that does not: they come and go, the log refuses or dawdles, leadership moves, the
// broker dies. Whatever happens:
//   - one generation has one leader, one protocol, and one plan: shares of the same generation come from one plan
//   - no acknowledged commit is lost, and no refused one of a settled log appears
//   - no generation begins that is not newer than the last one whose plan has reached anybody
//   - in the end, left in peace, every group becomes stable with exactly the members that are left

const ROUNDS = 300;
const seeds = process.env['SEED'] === undefined ? Array.from({ length: 12 }, (_, i) => i + 1) : [Number(process.env['SEED'])];

interface Client {
  readonly member: TestMember;
  joining: Watched<{ errorCode?: number | undefined; generationId?: number | undefined }> | null;
  syncing: Watched<{ errorCode?: number | undefined; assignment?: Uint8Array | undefined }> | null;
  share: string | null;
}

test.each(seeds)('groups survive a hostile world, seed %i', async seed => {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[random.int(from.length)]!;
  const story = await Story.begin({ seed, config: { initialRebalanceDelayMs: 100 } });
  const group = 'g';
  const partition = story.partitionOf(group);
  let clients: Client[] = [];
  let clientCount = 0;
  let plans = 0;
  let planned = 0;
  /** Generation to the number of its plan, as told by the shares that arrive. */
  const planOf = new Map<number, string>();
  const acknowledged = new Map<string, number>();
  const attempted = new Map<string, Set<number>>();
  let offset = 0;
  const setBack: string[] = [];

  const step = async (client: Client): Promise<void> => {
    const { member } = client;
    if (client.joining !== null) {
      const answer = client.joining.answer;
      if (answer === null) return;
      client.joining = null;
      if (answer.errorCode === ErrorCode.None) {
        const others = clients.filter(other => other.member.generation === member.generation && other.member.id !== '');
        const plan = ++plans;
        client.syncing = member.sync(member.leads ? Object.fromEntries(Object.keys(sharesFor(others.map(other => other.member))).map(id => [id, `plan ${plan} for ${id}`])) : {});
      } else if (answer.errorCode === ErrorCode.UnknownMemberId) member.id = '';
      return;
    }
    if (client.syncing !== null) {
      const answer = client.syncing.answer;
      if (answer === null) return;
      client.syncing = null;
      if (answer.errorCode === ErrorCode.None) {
        planned = Math.max(planned, member.generation);
        const share = Buffer.from(answer.assignment!).toString();
        if (share !== '') {
          const [, plan, id] = /^plan (\d+) for (.*)$/.exec(share)!;
          expect(id).toBe(member.id);
          expect(planOf.get(member.generation) ?? plan, `one plan for generation ${member.generation}`).toBe(plan);
          planOf.set(member.generation, plan!);
        }
        client.share = share;
      } else {
        if (answer.errorCode === ErrorCode.UnknownMemberId) member.id = '';
        client.share = null;
      }
      return;
    }
    if (client.share === null) {
      client.joining = member.join();
      // Looked at when it arrives: by the time the client gets round to it, the group may be further on.
      void client.joining.promise.then(({ errorCode, generationId }) => {
        if (errorCode === ErrorCode.None && generationId! < planned) setBack.push(`generation ${generationId} after ${planned}`);
      });
      return;
    }
    const error = await member.heartbeat();
    if (error === ErrorCode.None || error === ErrorCode.NotCoordinator || error === ErrorCode.CoordinatorLoadInProgress) return;
    if (error === ErrorCode.UnknownMemberId) member.id = '';
    client.share = null;
  };

  const commit = async (client: Client): Promise<void> => {
    if (client.share === null || client.joining !== null || client.syncing !== null) return;
    const place = `orders-${random.int(4)}`;
    const value = ++offset;
    attempted.set(place, (attempted.get(place) ?? new Set()).add(value));
    const sent = client.member.commit({ [place]: value });
    void sent.promise.then(answer => {
      if (commitErrors(answer)[0] === ErrorCode.None) acknowledged.set(place, Math.max(acknowledged.get(place) ?? 0, value));
    });
    await settled();
  };

  for (let round = 0; round < ROUNDS; round++) {
    const dice = random.int(100);
    if (dice < 6 && clients.length < 6) {
      clients.push({ member: story.member(group, { clientId: `c${clientCount++}`, rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 6_000 }), joining: null, syncing: null, share: null });
    } else if (dice < 8 && clients.length > 0) {
      // Without a word; its session has to end.
      clients.splice(random.int(clients.length), 1);
    } else if (dice < 11 && clients.length > 0) {
      const [leaving] = clients.splice(random.int(clients.length), 1);
      if (leaving!.member.id !== '' && leaving!.joining === null) void leaving!.member.leave();
    } else if (dice < 15) {
      story.log.hold();
    } else if (dice < 24) {
      await (random.int(3) === 0 ? story.log.commitHeldOutOfOrder() : story.log.commitHeld());
      story.log.release();
    } else if (dice < 27) {
      await story.log.refuseHeld(pick([ErrorCode.NotEnoughReplicas, ErrorCode.NotLeaderOrFollower, ErrorCode.MessageTooLarge]));
      story.log.release();
    } else if (dice < 28) {
      story.coordinator.onResigned(partition, story.epoch + 1);
      await story.log.commitHeld();
      await story.lead([partition]);
      await story.lead([partition]);
    } else if (dice < 29) {
      await story.log.commitHeld();
      story.log.release();
      await story.restart();
      for (const client of clients) Object.assign(client, { joining: null, syncing: null });
    } else if (dice < 40) {
      await story.time.advance(random.int(1_500));
    } else if (dice < 60 && clients.length > 0) {
      await commit(pick(clients));
    } else if (clients.length > 0) {
      await step(pick(clients));
    }
    await settled();
  }

  expect(setBack).toEqual([]);
  // Peace.
  await story.log.commitHeld();
  story.log.release();
  clients = clients.slice(0, 4);
  for (let round = 0; round < 80; round++) {
    for (const client of clients) await step(client);
    await story.time.advance(250);
  }
  const described = await story.describe(group);
  if (clients.length > 0) {
    expect(described.groupState).toBe('Stable');
    expect(described.members!.map(({ memberId }) => memberId).sort()).toEqual(clients.map(({ member }) => member.id).sort());
    expect(new Set(clients.map(({ member }) => member.generation)).size).toBe(1);
    expect(clients.filter(({ member }) => member.leads)).toHaveLength(1);
  } else {
    expect(['Empty', 'Dead']).toContain(described.groupState);
  }

  const check = (): void => {
    for (const [place, least] of acknowledged) {
      const found = story.offsets(group, true).find(text => text.startsWith(`${place}=`));
      expect(found, `${place}, acknowledged at ${least}`).toBeDefined();
      const value = Number(found!.split('=')[1]);
      expect(value).toBeGreaterThanOrEqual(least);
      expect(attempted.get(place)!.has(value)).toBe(true);
    }
  };
  check();
  const before = [await story.describe(group), story.offsets(group)];
  await story.restart();
  expect([await story.describe(group), story.offsets(group)], 'a restart changes nothing').toEqual(before);
  check();
});
