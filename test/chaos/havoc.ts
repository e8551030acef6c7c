// Does to a cluster what was planned. A broker suffers one fault at a time; one that comes while it suffers another is let go.
import { setTimeout as delay } from 'node:timers/promises';
import type { Member } from '../../bench/peer/member.js';
import type { ClusterClient } from '../support/cluster-client.js';
import { untilWhole } from './aftermath.js';
import { ZOOKEEPER, type Cluster } from './cluster/cluster.js';
import { describeFault, type Fault, type Planned } from './faults.js';

const STARTS = 3;
/** How long a patient operator waits for all to be in sync. */
const WHOLE_MS = 60_000;

export class Havoc {
  readonly #cluster: Cluster;
  readonly #client: ClusterClient;
  readonly #tell: (what: string) => void;
  readonly #suffering = new Set<number>();

  constructor(cluster: Cluster, client: ClusterClient, tell: (what: string) => void) {
    this.#cluster = cluster;
    this.#client = client;
    this.#tell = tell;
  }

  /** Resolves when the last fault is over. */
  async wreak(plan: readonly Planned[]): Promise<void> {
    const started = performance.now();
    const under: Promise<void>[] = [];
    for (const { atMs, fault } of plan) {
      await delay(Math.max(0, started + atMs - performance.now()));
      under.push(this.#do(fault));
    }
    await Promise.all(under);
  }

  async #do(fault: Fault): Promise<void> {
    const what = describeFault(fault);
    try {
      const done = await this.#perform(fault, what);
      this.#tell(done ? `${what}: over` : `${what}: let go`);
    } catch (error) {
      // What is asked of a cluster in trouble may fail. Whether all comes back is looked at when it has healed.
      this.#tell(`${what}: ${String(error).split('\n')[0]}`);
    }
  }

  async #perform(fault: Fault, what: string): Promise<boolean> {
    switch (fault.kind) {
      case 'kill': return this.#suffer(fault.broker, what, async member => {
        await member.kill();
        await delay(fault.holdMs);
        await this.#bringBack(member);
      });
      case 'stop': return this.#suffer(fault.broker, what, member => this.#restart(member, fault.holdMs, fault.swap));
      case 'pause': return this.#suffer(fault.broker, what, async member => {
        member.pause();
        await delay(fault.holdMs);
        member.resume();
      });
      case 'cut': return this.#cut(what, String(fault.from), String(fault.to), fault);
      case 'exile': return this.#cut(what, String(fault.broker), ZOOKEEPER, { ...fault, both: true });
      case 'coordination':
        if (!this.#cluster.coordination.running) return false;
        this.#tell(what);
        await this.#cluster.coordination.stop();
        await delay(fault.holdMs);
        await this.#cluster.coordination.start();
        return true;
      case 'roll':
        this.#tell(what);
        for (const { id } of Array.from({ length: fault.times }, () => this.#cluster.members).flat()) {
          await this.#suffer(id, `roll ${id}`, member => this.#restart(member, 0, fault.swap));
          if (fault.patient) await untilWhole(this.#cluster, this.#client, WHOLE_MS);
        }
        return true;
      case 'elect':
        this.#tell(what);
        await this.#client.electPreferred(null);
        return true;
      case 'reassign':
        this.#tell(what);
        await this.#client.reassign(fault.topic, fault.partition, fault.replicas);
        return true;
    }
  }

  async #suffer(id: number, what: string, suffer: (member: Member) => Promise<void>): Promise<boolean> {
    const member = this.#cluster.member(id);
    if (this.#suffering.has(id) || !member.running) return false;
    this.#suffering.add(id);
    try {
      this.#tell(what);
      await suffer(member);
      return true;
    } finally {
      this.#suffering.delete(id);
    }
  }

  async #restart(member: Member, holdMs: number, swap: boolean): Promise<void> {
    await member.stop();
    await delay(holdMs);
    if (swap) member.become(member.kind === 'kafka' ? 'odradek' : 'kafka');
    await this.#bringBack(member);
  }

  /** A broker that is started while ZooKeeper is away may give up (Kafka does); the last word is at the healing. */
  async #bringBack(member: Member): Promise<void> {
    for (let left = STARTS; ; left -= 1) {
      try {
        await member.start();
        return;
      } catch (error) {
        if (left === 1) throw error;
        this.#tell(`broker ${member.id} did not start, trying again: ${String(error).split('\n')[0]}`);
      }
    }
  }

  async #cut(what: string, from: string, to: string, { how, both, holdMs }: { readonly how: 'reset' | 'stall'; readonly both: boolean; readonly holdMs: number }): Promise<boolean> {
    this.#tell(what);
    const { mesh } = this.#cluster;
    mesh.cut(from, to, how);
    if (both) mesh.cut(to, from, how);
    await delay(holdMs);
    mesh.mend(from, to);
    if (both) mesh.mend(to, from);
    return true;
  }
}
