import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../src/base/clock.js';
import { systemClock } from '../../../src/base/clock.js';
import { systemRandom } from '../../../src/base/random.js';
import { systemTimers } from '../../../src/base/timers.js';
import { ZooKeeperClient, type ZooKeeperClientOptions } from '../../../src/zookeeper/client/client.js';
import { startEmbeddedZooKeeper, type EmbeddedZooKeeper, type EmbeddedZooKeeperOptions } from '../../../src/zookeeper/server/embedded.js';
import { ZkError, type SessionState, type WatchEvent, type Watcher, type ZkCode, type ZooKeeper } from '../../../src/zookeeper/types.js';

export const system = { clock: systemClock, timers: systemTimers, random: systemRandom };

/** For a client that must not give its session up by itself: here, no time passes. */
export const stoppedClock: Clock = { now: () => systemClock.now(), monotonic: () => 0 };

export type ClientOptions = Partial<Omit<ZooKeeperClientOptions, 'connect'>>;

/** A client that is closed with its test. */
export function makeClient(connect: string, options: ClientOptions = {}): ZooKeeperClient {
  const client = new ZooKeeperClient({ connect, sessionTimeoutMs: 10_000, ...system, ...options });
  onTestFinished(() => client.close());
  return client;
}

export async function connected(connect: string, options: ClientOptions = {}): Promise<ZooKeeperClient> {
  const client = makeClient(connect, options);
  await client.connect();
  return client;
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-zookeeper-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A server that is closed with its test. */
export async function embedded(options: Partial<EmbeddedZooKeeperOptions> = {}): Promise<EmbeddedZooKeeper & { connect: string }> {
  const server = await startEmbeddedZooKeeper({ dataDir: options.dataDir ?? temporaryDirectory(), ...system, ...options });
  onTestFinished(() => server.close());
  return { ...server, connect: `127.0.0.1:${server.port}` };
}

/** Resolves when the session is next in this state, or is in it already. */
export function reached(zk: ZooKeeper, wanted: SessionState): Promise<void> {
  return new Promise(resolve => {
    const stop = zk.onState(state => look(state));
    const look = (state: SessionState): void => {
      if (state !== wanted) return;
      stop();
      resolve();
    };
    look(zk.state);
  });
}

/** Resolves at the next change to this state. */
export function nextChange(zk: ZooKeeper, wanted: SessionState): Promise<void> {
  return new Promise(resolve => {
    const stop = zk.onState(state => {
      if (state !== wanted) return;
      stop();
      resolve();
    });
  });
}

/** A watcher, what it was told, and a promise of the next thing it is told. */
export function watching(): { watcher: Watcher; events: WatchEvent[]; next: Promise<WatchEvent> } {
  const events: WatchEvent[] = [];
  let tell: (event: WatchEvent) => void = () => {};
  const next = new Promise<WatchEvent>(resolve => (tell = resolve));
  return { watcher: event => { events.push(event); tell(event); }, events, next };
}

/** The code a promise is rejected with; `none` if it is not. */
export async function codeOf(promise: Promise<unknown>): Promise<ZkCode | 'none'> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    if (error instanceof ZkError) return error.code;
    throw error;
  }
}

export const text = (data: Buffer | null): string | null => (data === null ? null : data.toString());
export const bytes = (value: string): Buffer => Buffer.from(value);
