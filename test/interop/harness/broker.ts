// The broker under test: ours, or (INTEROP_BROKER=kafka) Apache Kafka, so that the suite itself can be checked. Each has
// its own port and directory, keeps both over restarts, and is told everything through server.properties.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repository, scratch } from './places.js';
import { freePort } from './ports.js';
import { Program } from './processes.js';
import { java } from './tools.js';
import { ZooKeeper } from './zookeeper.js';

export type BrokerKind = 'odradek' | 'kafka';

export const underTest: BrokerKind = process.env['INTEROP_BROKER'] === 'kafka' ? 'kafka' : 'odradek';

export interface BrokerOptions {
  readonly kind?: BrokerKind;
  /** Apache ZooKeeper to use. Without one, ours embeds its coordination and Kafka gets a ZooKeeper of its own. */
  readonly zookeeper?: ZooKeeper;
  readonly properties?: Readonly<Record<string, string | number>>;
  /** Another broker's directory and port: this one takes its place. */
  readonly inPlaceOf?: Broker;
}

/** Long enough that a busy machine expires nobody, short enough to be waited for. */
export const SESSION_TIMEOUT_MS = 4_000;

const READY_TIMEOUT_MS = 60_000;

export class Broker {
  readonly kind: BrokerKind;
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly directory: string;
  readonly zookeeper: ZooKeeper | undefined;
  readonly #ownsZookeeper: boolean;
  readonly #properties: string;
  #process: Program | undefined;

  private constructor(kind: BrokerKind, port: number, directory: string, zookeeper: ZooKeeper | undefined, ownsZookeeper: boolean, properties: BrokerOptions['properties']) {
    this.kind = kind;
    this.port = port;
    this.directory = directory;
    this.zookeeper = zookeeper;
    this.#ownsZookeeper = ownsZookeeper;
    this.#properties = join(directory, `${kind}.properties`);
    mkdirSync(this.dataDirectory, { recursive: true });
    writeFileSync(this.#properties, Object.entries({
      'broker.id': 0,
      'listeners': `PLAINTEXT://${this.host}:${port}`,
      'advertised.listeners': `PLAINTEXT://${this.host}:${port}`,
      'log.dirs': this.dataDirectory,
      'offsets.topic.replication.factor': 1,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'group.initial.rebalance.delay.ms': 0,
      'zookeeper.session.timeout.ms': SESSION_TIMEOUT_MS,
      ...(zookeeper ? { 'zookeeper.connect': zookeeper.connect } : {}),
      ...properties,
    }).map(([key, value]) => `${key}=${value}\n`).join(''));
  }

  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const kind = options.kind ?? underTest;
    const previous = options.inPlaceOf;
    const given = options.zookeeper ?? previous?.zookeeper;
    const own = given === undefined && kind === 'kafka' ? await ZooKeeper.start() : undefined;
    const broker = new Broker(kind, previous?.port ?? await freePort(), previous?.directory ?? scratch('broker'), given ?? own, own !== undefined, options.properties);
    await broker.start().catch(async (error: unknown) => { await broker.destroy(); throw error; });
    return broker;
  }

  get bootstrap(): string { return `${this.host}:${this.port}`; }
  get dataDirectory(): string { return join(this.directory, 'data'); }
  get pid(): number { return this.#program.pid; }
  get alive(): boolean { return this.#process?.alive ?? false; }

  /** The code it must exit with after SIGTERM: a JVM adds the signal to 128, ours says that all went well. */
  get #exitWhenStopped(): number { return this.kind === 'kafka' ? 143 : 0; }

  /** Everything it has logged so far, over all its lives. */
  log(): string { return readFileSync(join(this.directory, 'broker.log'), 'utf8'); }

  /** Starts it (again), and is there when it serves. */
  async start(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      this.#process = this.#spawn();
      try {
        await this.#ready(this.#process);
        return;
      } catch (error) {
        // Apache's exits while its former registration still lives. Ours has to wait for it by itself.
        const refused = this.kind === 'kafka' && /NodeExists/.test(this.#process.stderr) && performance.now() < deadline;
        await this.kill();
        if (!refused) throw error;
      }
    }
  }

  /** Starts it and kills it `afterMs` later, which may be before it serves, in the middle of its recovery. */
  async startAndKill(afterMs: number): Promise<void> {
    this.#process = this.#spawn();
    await delay(afterMs);
    await this.kill();
  }

  /** As an operator stops it. An end that is not in order is an error which shows what it said. */
  async stop(): Promise<void> {
    const { code, signal } = await this.#program.stop('SIGTERM', 60_000);
    if (code === this.#exitWhenStopped) return;
    const said = this.log().split('\n').filter(line => line.trim() !== '' && !line.includes('"level":"info"')).slice(-12);
    throw new Error(`stopped, the broker ended with ${code ?? signal}\n${said.map(line => line.slice(0, 300)).join('\n')}`);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    if (this.alive) await this.#program.stop('SIGKILL');
  }

  freeze(): void { this.#program.signal('SIGSTOP'); }
  thaw(): void { this.#program.signal('SIGCONT'); }

  /** Ends it and forgets its data; its log stays. */
  async destroy(): Promise<void> {
    await this.kill();
    if (this.#ownsZookeeper) await this.zookeeper?.destroy();
    rmSync(this.dataDirectory, { recursive: true, force: true });
  }

  get #program(): Program {
    if (this.#process === undefined) throw new Error('the broker was never started');
    return this.#process;
  }

  #spawn(): Program {
    const options = { logFile: join(this.directory, 'broker.log') };
    if (this.kind === 'odradek') return new Program('node', [join(repository, 'dist/bin/odradek.cjs'), 'start', this.#properties], options);
    return new Program(...java('kafka.Kafka', [this.#properties], { heap: '768m', lasting: true, level: 'INFO' }), options);
  }

  #ready(program: Program): Promise<unknown> {
    if (this.kind === 'odradek') return program.line(/^odradek \d+ ready on \S+:\d+ in [\d.]+ ms$/, READY_TIMEOUT_MS);
    return program.until('Kafka to start', ({ stderr }) => /started \(kafka\.server\.KafkaServer\)/.test(stderr) || undefined, READY_TIMEOUT_MS);
  }
}
