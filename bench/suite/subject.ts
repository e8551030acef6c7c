// The brokers under test. Each is a real process on a port of its own, with its data in a directory of its own.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startKafka } from '../peer/kafka.js';
import { freePort } from '../peer/ports.js';
import { startProgram } from '../peer/program.js';
import { startZooKeeper, type ZooKeeperServer } from '../peer/zookeeper.js';

export type SubjectName = 'odradek' | 'kafka';

export interface Subject {
  readonly name: SubjectName;
  readonly address: string;
  readonly pid: number;
  readonly readyMs: number;
  /** ZooKeeper's memory belongs to the bill, and is reported apart. */
  readonly zookeeperPid?: number;
  /** Undefined while it runs. */
  obituary(): string | undefined;
  stop(): Promise<void>;
}

/** How to start one broker after another of a kind, each from nothing. */
export interface Kind {
  readonly name: SubjectName;
  start(dir: string): Promise<Subject>;
  /** Ends what the brokers of this kind share. */
  close(): Promise<void>;
}

const cli = fileURLToPath(new URL('../../dist/bin/odradek.cjs', import.meta.url));

export function odradek(overrides: readonly string[]): Kind {
  return {
    name: 'odradek',
    async start(dir) {
      mkdirSync(dir, { recursive: true });
      const port = await freePort();
      const file = join(dir, 'server.properties');
      writeFileSync(file, [`listeners=PLAINTEXT://127.0.0.1:${port}`, `log.dirs=${join(dir, 'logs')}`, 'broker.id=0', ''].join('\n'));
      const program = await startProgram({
        name: 'odradek',
        command: process.execPath,
        args: [cli, 'start', file, ...overrides.flatMap(override => ['--override', override])],
        cwd: dir,
        ready: /^odradek \S+ ready on /,
      });
      const address = /ready on (\S+) in/.exec(program.readyLine)?.[1] ?? `127.0.0.1:${port}`;
      return { name: 'odradek', address, pid: program.pid, readyMs: program.readyMs, obituary: program.obituary, stop: program.stop };
    },
    close: async () => {},
  };
}

// Without it what a finished case wrote stays in the page cache, and on its way to the disk, for another minute.
const DELETE_AT_ONCE = { 'log.segment.delete.delay.ms': '0' };

/** All Kafkas share one ZooKeeper, each under a root of its own. */
export async function kafka(dir: string): Promise<Kind> {
  mkdirSync(dir, { recursive: true });
  const zookeeper: ZooKeeperServer = await startZooKeeper({ dir });
  let started = 0;
  return {
    name: 'kafka',
    async start(home) {
      mkdirSync(home, { recursive: true });
      started += 1;
      const broker = await startKafka({ dir: home, zookeeper: `${zookeeper.connect}/bench-${started}`, config: DELETE_AT_ONCE });
      return {
        name: 'kafka',
        address: `${broker.host}:${broker.port}`,
        pid: broker.pid,
        readyMs: broker.readyMs,
        zookeeperPid: zookeeper.pid,
        obituary: broker.obituary,
        stop: broker.stop,
      };
    },
    close: () => zookeeper.stop(),
  };
}
