// Whatever happens to leaders, links and brokers, from a seed: in the end all logs are one, nothing that a follower shared with
// its leader was cut (World says so), and what was committed is still there where every leader came from the ISR.

import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { seed } from '../../protocol/support/seed.js';
import { commonPrefix } from './support/model-log.js';
import { World, type ModelBroker, type WorldOptions } from './support/world.js';

const WORLDS = Number(process.env['ODRADEK_WORLDS'] ?? 15);
const STEPS = 40;

/** Story of one world. */
class Story {
  readonly world: World;
  readonly #random: ReturnType<typeof seededRandom>;
  readonly #unclean: boolean;
  readonly told: string[] = [];
  #leader = 0;
  #epoch = 0;
  /** Bytes of the records that were committed, by base offset. */
  readonly #committed = new Map<number, Buffer>();

  constructor(number: number, options: WorldOptions, unclean: boolean) {
    this.#random = seededRandom(number);
    this.#unclean = unclean;
    this.world = new World({ ...options, brokers: 3, seed: number, settings: { backoffMs: 50, maxBytes: 300, ...options.settings } });
  }

  async play(): Promise<void> {
    const { world } = this;
    world.makePartition();
    await this.#elect(0);
    for (let step = 0; step < STEPS; step++) {
      await this.#step();
      await world.time.pass(this.#random.int(40));
      world.check();
      this.#note();
    }
    world.cut.clear();
    for (const broker of world.brokers) await this.#revive(broker);
    await this.#elect(this.#candidates()[0] ?? 0);
    world.brokers[this.#leader]!.log().append(this.#epoch);
    await world.caughtUp(this.#leader);
    if (!this.#unclean) this.#expectCommitted();
    await world.time.pass(600);
    world.close();
    await world.time.pass(600);
    expect(world.unreleased).toBe(0);
  }

  async #step(): Promise<void> {
    const { world } = this;
    const broker = world.brokers[this.#random.int(3)]!;
    switch (this.#random.int(10)) {
      case 0:
      case 1:
        await this.#electSomebody();
        break;
      case 2:
        this.told.push(`${broker.id} dies`);
        if (world.brokers.filter(({ alive }) => alive).length > 1) broker.alive = false;
        break;
      case 3:
        await this.#revive(broker);
        break;
      case 4: {
        const other = (broker.id + 1) % 3;
        this.told.push(`${broker.id} and ${other} are cut off`);
        world.cut.add(`${broker.id}-${other}`);
        break;
      }
      case 5:
        world.cut.clear();
        break;
      default: {
        // Also one that leads only as far as it has heard.
        const leads = world.brokers.filter(({ alive, partitions }) => alive && partitions.get('t-0')!.leads);
        const leader = leads[this.#random.int(Math.max(leads.length, 1))];
        if (leader === undefined) break;
        for (let left = this.#random.int(4); left > 0; left--) leader.log().append(leader.partition().leaderEpoch, 1 + this.#random.int(2), `${leader.id}`);
      }
    }
  }

  /** Comes back with less than it had, and follows until it is told otherwise. */
  async #revive(broker: ModelBroker): Promise<void> {
    if (broker.alive) return;
    const { world } = this;
    broker.alive = true;
    broker.restartManager();
    broker.leader.forgetSessions();
    const partition = broker.partition();
    partition.leads = false;
    partition.leaderEpoch = -1;
    const log = broker.log();
    await world.whileDone(log.beginEpoch(0));
    if (this.#unclean) log.lose(Math.max(log.endOffset - this.#random.int(3), log.startOffset));
    world.lost(broker.id);
    partition.highWatermark = Math.min(Math.max(partition.highWatermark - this.#random.int(3), 0), log.endOffset);
    this.told.push(`${broker.id} is back with ${log.story}`);
    if (this.#leader === broker.id) await this.#electSomebody();
    else await world.whileDone(world.follow(broker.id, this.#leader, this.#epoch));
  }

  async #electSomebody(): Promise<void> {
    const candidates = this.#candidates();
    const chosen = candidates[this.#random.int(Math.max(candidates.length, 1))];
    if (chosen !== undefined) await this.#elect(chosen);
  }

  /** Brokers that live and have all that is committed; or just live. */
  #candidates(): number[] {
    return this.world.brokers.filter(broker => broker.alive && (this.#unclean || this.#has(broker))).map(({ id }) => id);
  }

  #has(broker: ModelBroker): boolean {
    const bases = new Map(broker.log().batches.map(({ base, bytes }) => [base, bytes]));
    return [...this.#committed].every(([base, bytes]) => bases.get(base)?.equals(bytes) === true);
  }

  async #elect(leader: number): Promise<void> {
    const { world } = this;
    this.#leader = leader;
    const theirs = world.brokers[leader]!.log();
    const isr = world.brokers.filter(broker => broker.alive && commonPrefix(broker.log(), theirs) >= world.brokers[leader]!.partition().highWatermark).map(({ id }) => id);
    world.isr.set('t-0', new Set([leader, ...isr]));
    this.told.push(`${leader} leads in epoch ${this.#epoch + 1}, in sync ${isr.join()}, ${world.brokers.map(({ alive, id }) => `${id}${alive ? '' : ' (dead)'}: ${world.brokers[id]!.log().story}`).join('; ')}`);
    await world.elect(leader, ++this.#epoch);
  }

  /** What the leader that counts shows as committed. */
  #note(): void {
    const broker = this.world.brokers[this.#leader]!;
    const partition = broker.partition();
    if (!broker.alive || !partition.leads || partition.leaderEpoch !== this.#epoch) return;
    for (const { base, last, bytes } of broker.log().batches) if (last < partition.highWatermark) this.#committed.set(base, bytes);
  }

  #expectCommitted(): void {
    const end = this.world.brokers[this.#leader]!.log();
    const kept = new Map(end.batches.map(({ base, bytes }) => [base, bytes]));
    for (const [base, bytes] of this.#committed) expect(kept.get(base)?.equals(bytes), `the record committed at ${base}`).toBe(true);
  }
}

it.each<[string, WorldOptions, boolean]>([
  ['elections from the ISR', {}, false],
  ['unclean elections, and crashes that lose records', {}, true],
  ['elections from the ISR, before 2.7', { fetchVersion: 11, epochVersion: 3 }, false],
  ['unclean elections, before 2.7', { fetchVersion: 11, epochVersion: 3 }, true],
])(`${WORLDS} worlds with %s (seed ${seed})`, async (_, options, unclean) => {
  for (let number = 0; number < WORLDS; number++) {
    const story = new Story(seed + number, options, unclean);
    try {
      await story.play();
    } catch (error) {
      throw new Error(`world ${number} of seed ${seed}:\n${story.told.join('\n')}`, { cause: error });
    }
  }
}, 60_000);
