// A cluster that faults can be done to: brokers of either kind, one Apache ZooKeeper or the embedded server of ours beside them, and a road
// that can be cut between each two. Clients come by listeners of their own, which nothing is done to.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Member, type BrokerKind } from '../../../bench/peer/member.js';
import { freePort } from '../../../bench/peer/ports.js';
import { Coordination, type CoordinationKind } from './coordination.js';
import { Mesh } from './mesh.js';
import { whoseSocket } from './whose-socket.js';

export interface ClusterOptions {
  readonly dir: string;
  readonly kinds: readonly BrokerKind[];
  readonly coordination?: CoordinationKind;
  readonly properties?: Readonly<Record<string, string>>;
  /** Instead of our usual command, see bench/peer/member.ts. */
  readonly command?: string;
}

/** Short, so that a run of minutes sees many of them end; long enough that a busy machine ends few by itself. */
export const SESSION_TIMEOUT_MS = 6_000;
export const ZOOKEEPER = 'zookeeper';

/** What all brokers are told. */
const SETTINGS: Readonly<Record<string, string>> = {
  'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT',
  'inter.broker.listener.name': 'INTERNAL',
  'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS),
  'num.network.threads': '2',
  'num.io.threads': '4',
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'auto.create.topics.enable': 'false',
  'auto.leader.rebalance.enable': 'true',
  'leader.imbalance.check.interval.seconds': '20',
  'replica.lag.time.max.ms': '4000',
  'replica.fetch.wait.max.ms': '200',
  'replica.socket.timeout.ms': '4000',
  'controller.socket.timeout.ms': '4000',
  'controlled.shutdown.max.retries': '2',
  'controlled.shutdown.retry.backoff.ms': '1000',
  'log.segment.bytes': '262144',
  'log.index.interval.bytes': '1024',
  'log.cleaner.enable': 'false',
  'log.retention.ms': '-1',
};

export class Cluster {
  readonly members: readonly Member[];
  readonly mesh: Mesh;
  readonly coordination: Coordination;
  /** Where clients come in, in the order of the members. */
  readonly ports: readonly number[];

  private constructor(members: readonly Member[], mesh: Mesh, coordination: Coordination, ports: readonly number[]) {
    this.members = members;
    this.mesh = mesh;
    this.coordination = coordination;
    this.ports = ports;
  }

  /** Starts all of them; ids count from 1. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { dir, kinds } = options;
    mkdirSync(dir, { recursive: true });
    const mesh = new Mesh();
    const coordination = await Coordination.start(options.coordination ?? 'apache', join(dir, ZOOKEEPER));
    const members: Member[] = [];
    const ports: number[] = [];
    const pids = (): number[] => members.flatMap(({ pid }) => pid ?? []);
    const nameOf = (pid: number | undefined): string | undefined => members.find(member => pid !== undefined && member.pid === pid)?.id.toString();
    for (const [index, kind] of kinds.entries()) {
      const id = index + 1;
      const [internal, external] = [await freePort(), await freePort()];
      const advertised = await mesh.open({ to: String(id), port: internal, from: (remote, door) => nameOf(whoseSocket(remote, door, pids())) });
      const zookeeper = await mesh.open({ to: ZOOKEEPER, port: coordination.port, from: () => String(id) });
      ports.push(external);
      members.push(new Member({
        id, kind, dir: join(dir, `broker-${id}`), heap: '512m', ...(options.command === undefined ? {} : { command: options.command }),
        properties: {
          ...SETTINGS,
          'listeners': `INTERNAL://127.0.0.1:${internal},EXTERNAL://127.0.0.1:${external}`,
          'advertised.listeners': `INTERNAL://127.0.0.1:${advertised},EXTERNAL://127.0.0.1:${external}`,
          'zookeeper.connect': `127.0.0.1:${zookeeper}`,
          ...options.properties,
        },
      }));
    }
    const cluster = new Cluster(members, mesh, coordination, ports);
    try {
      // The first alone, so that /cluster/id and its like are made once; JVMs that start together take each other's time.
      for (const member of members) await member.start();
    } catch (error) {
      await cluster.destroy();
      throw error;
    }
    return cluster;
  }

  member(id: number): Member {
    const found = this.members.find(member => member.id === id);
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  /** The brokers that ended without being told to. */
  obituaries(): string[] {
    return this.members.flatMap(member => {
      const died = member.obituary();
      return died === undefined ? [] : [`broker ${member.id}: ${died}`];
    });
  }

  /** Whatever was done to it, undone: all roads open, everybody there and awake. */
  async heal(): Promise<void> {
    this.mesh.mendAll();
    await this.coordination.start();
    for (const member of this.members) {
      if (member.paused) member.resume();
      if (!member.running) await member.start();
    }
  }

  async destroy(): Promise<void> {
    await Promise.all(this.members.map(member => member.kill()));
    await this.coordination.stop();
    await this.mesh.close();
  }
}
