// A broker of a cluster: a process of either kind on a directory and ports that it keeps over all its lives.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startKafka } from './kafka.js';
import { startProgram, type Program } from './program.js';

export type BrokerKind = 'odradek' | 'kafka';

export interface MemberOptions {
  readonly id: number;
  readonly kind: BrokerKind;
  /** Its home: log, properties, and the data in `data`. */
  readonly dir: string;
  /** What both kinds are told, `zookeeper.connect` and listeners among it. */
  readonly properties: Readonly<Record<string, string>>;
  /** Kafka's heap, as -Xmx takes it. */
  readonly heap?: string;
  /** Instead of our usual command: a broker with a planted fault. */
  readonly command?: string;
}

const usual = fileURLToPath(new URL('../../dist/bin/odradek.cjs', import.meta.url));
/** How long a Kafka is started again while its former registration still lives, at which it exits. */
const PATIENCE_MS = 60_000;
/** A JVM among others on a busy machine takes its time. */
const READY_MS = 150_000;

export class Member {
  readonly id: number;
  readonly dir: string;
  readonly #options: MemberOptions;
  #kind: BrokerKind;
  #program: Program | undefined;
  #paused = false;

  constructor(options: MemberOptions) {
    this.id = options.id;
    this.dir = options.dir;
    this.#options = options;
    this.#kind = options.kind;
    mkdirSync(this.dataDirectory, { recursive: true });
  }

  get kind(): BrokerKind { return this.#kind; }
  get dataDirectory(): string { return join(this.dir, 'data'); }
  get pid(): number | undefined { return this.running ? this.#program?.pid : undefined; }
  get readyMs(): number { return this.#program?.readyMs ?? NaN; }
  get running(): boolean { return this.#program !== undefined && this.#program.obituary() === undefined; }
  get paused(): boolean { return this.#paused; }

  /** How it ended, where nobody ended it. */
  obituary(): string | undefined { return this.#program?.obituary(); }

  async start(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        this.#program = await (this.#kind === 'kafka' ? this.#startKafka() : this.#startOurs());
        return;
      } catch (error) {
        if (this.#kind !== 'kafka' || !String(error).includes('NodeExists') || performance.now() > deadline) throw error;
      }
    }
  }

  /** As an operator stops it, controlled shutdown included. */
  async stop(): Promise<void> { await this.#end('stop'); }

  /** kill -9. */
  async kill(): Promise<void> { await this.#end('kill'); }

  pause(): void { this.#signal('SIGSTOP'); }
  resume(): void { this.#signal('SIGCONT'); }

  /** Takes effect at its next start, on the same directory. */
  become(kind: BrokerKind): void { this.#kind = kind; }

  async #end(how: 'stop' | 'kill'): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    if (program === undefined) return;
    if (this.#paused && how === 'stop') process.kill(program.pid, 'SIGCONT');
    this.#paused = false;
    await program[how]();
  }

  #signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.pid === undefined) return;
    process.kill(this.pid, signal);
    this.#paused = signal === 'SIGSTOP';
  }

  get #properties(): Record<string, string> {
    return { ...this.#options.properties, 'broker.id': String(this.id), 'log.dirs': this.dataDirectory };
  }

  #startKafka(): Promise<Program> {
    const { dir, heap } = this.#options;
    return startKafka({
      dir, zookeeper: this.#properties['zookeeper.connect'] ?? '', brokerId: this.id, port: 0, config: this.#properties, logFile: join(dir, 'broker.log'), readyTimeoutMs: READY_MS,
      ...(heap === undefined ? {} : { heap }),
    });
  }

  #startOurs(): Promise<Program> {
    const { dir, command = usual } = this.#options;
    const file = join(dir, 'odradek.properties');
    writeFileSync(file, Object.entries(this.#properties).map(([key, value]) => `${key}=${value}\n`).join(''));
    return startProgram({ name: `odradek ${this.id}`, command: process.execPath, args: [command, 'start', file], cwd: dir, ready: /^odradek \S+ ready on /, logFile: join(dir, 'broker.log'), readyTimeoutMs: READY_MS });
  }
}
