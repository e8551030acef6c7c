// Both brokers, with equal settings, on one Apache ZooKeeper: each in a chroot of its own, so that each can be started on
// what the other left.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startKafka } from '../../bench/peer/kafka.js';
import { freePort } from '../../bench/peer/ports.js';
import { startProgram, type Program } from '../../bench/peer/program.js';
import { startZooKeeper, type ZooKeeperServer } from '../../bench/peer/zookeeper.js';
import { systemClock } from '../../src/base/clock.js';
import { systemRandom } from '../../src/base/random.js';
import { systemTimers } from '../../src/base/timers.js';
import { ZooKeeperClient } from '../../src/zookeeper/client/client.js';
import type { Sides } from './compare.js';

const repository = resolve(fileURLToPath(import.meta.url), '../../..');

/** What both are told. Small numbers, so that boundaries are near. */
const SETTINGS = {
  'broker.id': 0,
  'num.network.threads': 2,
  'num.io.threads': 4,
  'offsets.topic.num.partitions': 3,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.num.partitions': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1_000,
  'auto.create.topics.enable': true,
  'log.index.interval.bytes': 512,
  'log.cleaner.enable': false,
  'log.retention.ms': -1,
  'log.file.delete.delay.ms': 2_000,
  'message.max.bytes': 100_000,
  'socket.request.max.bytes': 2_000_000,
  // Nobody is to lose a session on a busy machine in the midst of a conversation.
  'zookeeper.session.timeout.ms': 30_000,
  'controlled.shutdown.enable': false,
  'connections.max.idle.ms': 600_000,
};

/** What one side stands on: its part of ZooKeeper, and its files. */
export interface Ground {
  readonly chroot: string;
  readonly dataDirectory: string;
}

interface Running {
  readonly program: Program;
  readonly port: number;
}

export class Pair {
  readonly directory: string;
  readonly #zookeeper: ZooKeeperServer;
  readonly #ports: Sides<number>;
  readonly clients: Sides<ZooKeeperClient>;
  #grounds: Sides<Ground>;
  #running: Sides<Running> | undefined;

  private constructor(directory: string, zookeeper: ZooKeeperServer, ports: Sides<number>) {
    this.directory = directory;
    this.#zookeeper = zookeeper;
    this.#ports = ports;
    const ground = (name: string): Ground => ({ chroot: `/${name}`, dataDirectory: join(directory, name) });
    this.#grounds = { ours: ground('odradek'), kafka: ground('kafka') };
    const client = ({ chroot }: Ground): ZooKeeperClient => new ZooKeeperClient({
      connect: `${zookeeper.connect}${chroot}`, sessionTimeoutMs: 60_000, clock: systemClock, timers: systemTimers, random: systemRandom,
    });
    this.clients = { ours: client(this.#grounds.ours), kafka: client(this.#grounds.kafka) };
  }

  static async start(): Promise<Pair> {
    const runs = process.env['TWIN_DIR'] ?? tmpdir();
    mkdirSync(runs, { recursive: true });
    const directory = mkdtempSync(join(runs, 'odradek-twin-'));
    const zookeeper = await startZooKeeper({ dir: directory, config: { tickTime: '1000', forceSync: 'no' } });
    const pair = new Pair(directory, zookeeper, { ours: await freePort(), kafka: await freePort() });
    try {
      await pair.up();
    } catch (error) {
      await pair.destroy();
      throw error;
    }
    return pair;
  }

  get ports(): Sides<number> {
    return this.#ports;
  }

  get grounds(): Sides<Ground> {
    return this.#grounds;
  }

  /** Why one of them is gone, or undefined. */
  obituary(): string | undefined {
    return this.#running?.ours.program.obituary() ?? this.#running?.kafka.program.obituary();
  }

  async up(): Promise<void> {
    const [ours, kafka] = await Promise.all([this.#startOurs(), this.#startKafka()]);
    this.#running = { ours, kafka };
    // Only now is there a chroot for each.
    for (const client of [this.clients.ours, this.clients.kafka]) if (client.state !== 'connected') await client.connect();
  }

  async down(): Promise<void> {
    await Promise.all([this.#running?.ours.program.stop(), this.#running?.kafka.program.stop()]);
    this.#running = undefined;
  }

  /** Each on what the other left, from the next start on. */
  exchange(): void {
    this.#grounds = { ours: this.#grounds.kafka, kafka: this.#grounds.ours };
  }

  async destroy(): Promise<void> {
    await this.down();
    await Promise.all([this.clients.ours.close(), this.clients.kafka.close()]);
    await this.#zookeeper.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #startOurs(): Promise<Running> {
    const { chroot, dataDirectory } = this.#grounds.ours;
    const port = this.#ports.ours;
    const file = join(this.directory, 'odradek.properties');
    writeFileSync(file, Object.entries({
      ...SETTINGS, listeners: `PLAINTEXT://127.0.0.1:${port}`, 'log.dirs': dataDirectory, 'zookeeper.connect': `${this.#zookeeper.connect}${chroot}`,
    }).map(([key, value]) => `${key}=${value}\n`).join(''));
    const program = await startProgram({
      name: 'odradek', command: process.execPath, args: [join(repository, 'dist/bin/odradek.cjs'), 'start', file], cwd: this.directory, ready: / ready on /,
    });
    return { program, port };
  }

  async #startKafka(): Promise<Running> {
    const { chroot, dataDirectory } = this.#grounds.kafka;
    const config = Object.fromEntries(Object.entries({ ...SETTINGS, 'log.dirs': dataDirectory }).map(([key, value]) => [key, `${value}`]));
    const dir = join(this.directory, 'kafka-program');
    mkdirSync(dir, { recursive: true });
    const program = await startKafka({ dir, zookeeper: `${this.#zookeeper.connect}${chroot}`, port: this.#ports.kafka, config });
    return { program, port: program.port };
  }
}
