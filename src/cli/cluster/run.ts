// `odradek cluster`: a cluster on this machine to try things out, a table of it, and its end.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve as absolute } from 'node:path';
import type { Command } from '../command-line.js';
import type { Process } from '../start.js';
import { Child } from './child.js';
import { overridesOf, type ClusterShape } from './settings.js';
import { askView, table, type BrokerLine } from './view.js';

type ClusterCommand = Extract<Command, { kind: 'cluster' }>;

const LOOK_EVERY_MS = 1_000;
const SHOWN_LOG_LINES = 5;
const SIGINT_EXIT = 130;

export async function runCluster(command: ClusterCommand, process: Process): Promise<void> {
  const dir = command.dir === undefined ? mkdtempSync(join(tmpdir(), 'odradek-cluster-')) : absolute(command.dir);
  mkdirSync(dir, { recursive: true });
  const cluster = new LocalCluster({ ...command, dir, coordinationPort: await freePort() }, process);
  let stopping = false;
  const stopped = new Promise<void>(resolve => process.onSignal(() => {
    if (stopping) {
      cluster.killAll();
      process.exit(SIGINT_EXIT);
    }
    stopping = true;
    resolve();
  }));
  let failure: Error | undefined;
  try {
    await Promise.race([cluster.start(), stopped]);
    if (!stopping) {
      process.out(`${command.brokers === 1 ? 'one broker' : `${command.brokers} brokers`}, bootstrap ${cluster.bootstrap}; data and logs in ${dir}${command.dir === undefined ? ', removed at the end' : ''}. Ctrl-C ends them.\n`);
      await cluster.watchUntil(stopped);
    }
  } catch (error) {
    failure = error as Error;
    process.error(`odradek: ${failure.message}\n`);
  }
  await cluster.stop();
  if (command.dir === undefined) rmSync(dir, { recursive: true, force: true });
  process.exit(failure === undefined ? 0 : 1);
}

class LocalCluster {
  readonly #shape: ClusterShape;
  readonly #process: Process;
  readonly #children: Child[] = [];
  #stopping = false;
  #shown = '';

  constructor(shape: ClusterShape, process: Process) {
    this.#shape = shape;
    this.#process = process;
  }

  get bootstrap(): string { return this.#children.map(({ address }) => address).join(','); }

  /** The first one first: it brings what the others need. */
  async start(): Promise<void> {
    const begin = async (id: number): Promise<void> => {
      if (this.#stopping) return;
      const logFile = this.#logOf(id);
      const child = new Child({ id, overrides: overridesOf(id, this.#shape), logFile, timers: this.#process.timers });
      this.#children.push(child);
      await child.ready().catch((error: unknown) => { throw new Error(`${(error as Error).message}\n${lastLines(logFile)}`); });
      void child.ended.then(how => {
        if (!this.#stopping) this.#process.out(`broker ${id} has ended (${how}); its log: ${logFile}\n`);
      });
    };
    await begin(1);
    const others = Array.from({ length: this.#shape.brokers - 1 }, (_, index) => index + 2);
    await Promise.all(others.map(begin));
    this.#children.sort((a, b) => a.id - b.id);
  }

  /** Shows the table whenever it has changed. */
  async watchUntil(stopped: Promise<void>): Promise<void> {
    const over = stopped.then(() => true);
    const later = (): Promise<false> => new Promise(resolve => void this.#process.timers.after(LOOK_EVERY_MS, () => resolve(false)));
    do await this.#look(); while (!(await Promise.race([over, later()])));
  }

  /** The last ones first, so that coordination outlives who needs it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const child of this.#children.toReversed()) if (child.alive) await child.stop();
  }

  killAll(): void {
    for (const child of this.#children) if (child.alive) child.kill();
  }

  async #look(): Promise<void> {
    for (const { port, alive } of this.#children) {
      if (!alive) continue;
      try {
        const lines = this.#children.map(({ id, address, pid, alive }): BrokerLine => ({ id, address, pid, state: alive ? 'up' : 'ended' }));
        const now = table(lines, await askView(port, this.#process.timers));
        if (now !== this.#shown) this.#process.out(`\n${now}`);
        this.#shown = now;
        return;
      } catch {
        // The next one may answer.
      }
    }
  }

  #logOf(id: number): string {
    return join(this.#shape.dir, `broker-${id}.log`);
  }
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-SHOWN_LOG_LINES).join('\n');
}

/** One that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
