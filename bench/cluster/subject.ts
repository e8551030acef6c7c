// The clusters under test: three brokers of a kind on an Apache ZooKeeper that both clusters share, each under a root of its own.
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.js';
import { systemRandom } from '../../src/base/random.js';
import { systemTimers } from '../../src/base/timers.js';
import { ZooKeeperClient } from '../../src/zookeeper/client/client.js';
import { ClusterClient } from '../../test/support/cluster-client.js';
import { Member, type BrokerKind } from '../peer/member.js';
import { freePort } from '../peer/ports.js';

export const BROKERS = 3;
/** Of Kafka's default of 18 s a third, so that a kill need not be waited for so long. It is no part of any figure. */
const SESSION_TIMEOUT_MS = 6_000;

const SETTINGS: Readonly<Record<string, string>> = {
  'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS),
  'min.insync.replicas': '2',
  'default.replication.factor': '3',
  'offsets.topic.replication.factor': '3',
  'group.initial.rebalance.delay.ms': '0',
  'auto.leader.rebalance.enable': 'false',
  // What a finished case wrote must not stay in the page cache for another minute.
  'log.segment.delete.delay.ms': '0',
};

export class ClusterSubject {
  readonly name: BrokerKind;
  readonly members: readonly Member[];
  readonly ports: readonly number[];
  readonly client: ClusterClient;
  readonly zookeeper: ZooKeeperClient;

  private constructor(name: BrokerKind, members: readonly Member[], ports: readonly number[], zookeeper: ZooKeeperClient) {
    this.name = name;
    this.members = members;
    this.ports = ports;
    this.client = new ClusterClient(ports, 'bench');
    this.zookeeper = zookeeper;
  }

  static async start(name: BrokerKind, dir: string, zookeeper: string, overrides: readonly string[]): Promise<ClusterSubject> {
    const ports: number[] = [];
    const connect = `${zookeeper}/bench-${name}`;
    const members: Member[] = [];
    const extra = name === 'odradek' ? Object.fromEntries(overrides.map(override => [override.slice(0, override.indexOf('=')), override.slice(override.indexOf('=') + 1)])) : {};
    for (let id = 1; id <= BROKERS; id += 1) {
      const port = await freePort();
      ports.push(port);
      members.push(new Member({ id, kind: name, dir: join(dir, `${name}-${id}`), properties: { ...SETTINGS, ...extra, 'listeners': `PLAINTEXT://127.0.0.1:${port}`, 'zookeeper.connect': connect } }));
    }
    for (const member of members) await member.start();
    const client = new ZooKeeperClient({ connect, sessionTimeoutMs: 30_000, clock: systemClock, timers: systemTimers, random: systemRandom });
    await client.connect();
    return new ClusterSubject(name, members, ports, client);
  }

  get address(): string { return `127.0.0.1:${this.ports[0]}`; }
  get pids(): number[] { return this.members.flatMap(({ pid }) => pid ?? []); }

  /** Undefined while all of them run. */
  obituary(): string | undefined { return this.members.map(member => member.obituary()).find(text => text !== undefined); }

  member(id: number): Member { return this.members[id - 1]!; }

  async stop(): Promise<void> {
    this.client.close();
    await this.zookeeper.close();
    for (const member of this.members) await member.stop();
  }
}
