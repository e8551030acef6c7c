// A real broker inside the test's own process: own directory, own port, gone without a trace at the end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { silentLogger, type Logger } from '../../src/base/logger.js';
import { loadConfig } from '../../src/config/load.js';
import { startBroker, type BrokerOptions, type RunningBroker } from '../../src/server/broker.js';
import { TestClient } from './client.js';

export interface BrokerStory {
  /** Settings beside the harness's own, `key: value`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Where its data lies; a fresh directory if not given. */
  readonly dir?: string;
  readonly logger?: Logger;
  readonly clock?: BrokerOptions['clock'];
  readonly timers?: BrokerOptions['timers'];
  readonly storage?: BrokerOptions['storage'];
}

/** Small, so that a start costs little beside many others: what a story does not set. */
const SMALL: Readonly<Record<string, string | number>> = {
  listeners: 'PLAINTEXT://127.0.0.1:0',
  'num.network.threads': 1,
  'num.io.threads': 2,
  'offsets.topic.num.partitions': 1,
};

/** A directory that is removed when the test is over. */
export function freshDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'odradek-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function brokerOptions(story: BrokerStory, dir: string): BrokerOptions {
  const settings = { ...SMALL, 'log.dirs': join(dir, 'logs'), ...story.settings };
  const { logger = silentLogger, clock, timers, storage } = story;
  return {
    config: loadConfig({ overrides: Object.entries(settings).map(([key, value]) => `${key}=${value}`) }),
    logger,
    ...(clock === undefined ? {} : { clock }),
    ...(timers === undefined ? {} : { timers }),
    ...(storage === undefined ? {} : { storage }),
  };
}

export class TestBroker {
  readonly dir: string;
  readonly #story: BrokerStory;
  readonly #clients: TestClient[] = [];
  #running: RunningBroker;

  private constructor(story: BrokerStory, dir: string, running: RunningBroker) {
    this.#story = story;
    this.dir = dir;
    this.#running = running;
  }

  /** Starts one that is closed, with its clients, when the test is over. */
  static async start(story: BrokerStory = {}): Promise<TestBroker> {
    const dir = story.dir ?? freshDirectory();
    const broker = new TestBroker(story, dir, await startBroker(brokerOptions(story, dir)));
    onTestFinished(() => broker.close());
    return broker;
  }

  get port(): number { return this.#running.port; }
  get id(): number { return this.#running.id; }
  get clusterId(): string { return this.#running.clusterId; }
  get logDir(): string { return join(this.dir, 'logs'); }

  stat(name: string): number {
    const value = this.#running.stats()[name];
    if (value === undefined) throw new Error(`no counter ${name}`);
    return value;
  }

  async client(clientId = 'story'): Promise<TestClient> {
    const client = await TestClient.connect(this.port, clientId);
    this.#clients.push(client);
    return client;
  }

  /** An ordered stop and a new start on the same directory, with other settings if given. */
  async restart(settings: Readonly<Record<string, string | number>> = {}): Promise<void> {
    await this.close();
    this.#running = await startBroker(brokerOptions({ ...this.#story, settings: { ...this.#story.settings, ...settings } }, this.dir));
  }

  async close(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy();
    await this.#running.close();
  }
}

/** Resolves when `holds` says true, looking again each time something else had its turn. Ends with the test's own time. */
export async function until(holds: () => boolean | Promise<boolean>, what = holds.toString(), patienceMs = 20_000): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
    await new Promise(resolve => setImmediate(resolve));
  }
}
