import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { seededRandom, systemRandom } from '../../src/base/random.js';
import { startEmbeddedZooKeeper } from '../../src/zookeeper/server/embedded.js';
import { CREATOR_ACL, isZkError } from '../../src/zookeeper/types.js';
import { bytes, codeOf, connected, embedded, nextChange, stoppedClock, system, temporaryDirectory, text, watching } from './support/kit.js';
import { ManualTime } from './support/manual-time.js';
import { Network } from './support/network.js';
import { dump, workload } from './support/workload.js';

test('a server that is stopped and started again has kept everything, sessions and their watches included', async () => {
  const dataDir = temporaryDirectory();
  const first = await startEmbeddedZooKeeper({ dataDir, ...system });
  const zk = await connected(`127.0.0.1:${first.port}`, { sessionTimeoutMs: 20_000 });
  zk.addAuth('digest', bytes('alice:secret'));
  await zk.create('/hers', bytes('x'), { acl: CREATOR_ACL });
  await zk.create('/live', bytes('broker'), { mode: 'ephemeral' });
  await workload(seededRandom(4), [zk], 300);
  const before = await dump(zk);
  const { watcher, next } = watching();
  await zk.getData('/live', watcher);

  const back = nextChange(zk, 'connected');
  await first.close();
  const second = await embedded({ dataDir, port: first.port });
  await back;
  expect(await dump(zk)).toEqual(before);
  expect((await zk.getData('/live')).stat.ephemeralOwner).toBe(zk.sessionId);
  const other = await connected(second.connect);
  expect(await codeOf(other.getData('/hers'))).toBe('NOAUTH');
  await other.setData('/live', bytes('changed'));
  expect(await next).toEqual({ type: 'dataChanged', path: '/live' });
});

test('the ephemeral of a process that died is there after a restart, until its session expires', async () => {
  const dataDir = temporaryDirectory();
  const first = await startEmbeddedZooKeeper({ dataDir, ...system });
  const network = new Network();
  const dead = await connected(`127.0.0.1:${first.port}`, { sessionTimeoutMs: 6000, clock: stoppedClock, dial: network.dial });
  await dead.create('/live', null, { mode: 'ephemeral' });
  const owner = dead.sessionId;
  network.goDown();
  await first.close();

  const time = new ManualTime();
  const second = await embedded({ dataDir, clock: time, timers: time });
  const zk = await connected(second.connect, { sessionTimeoutMs: 30_000 });
  const { watcher, next } = watching();
  expect((await zk.exists('/live', watcher))?.ephemeralOwner).toBe(owner);
  time.advance(5999);
  expect(await zk.exists('/live')).not.toBeNull();
  time.advance(2);
  expect(await next).toEqual({ type: 'deleted', path: '/live' });
});

test('the log is rolled into snapshots and what they make superfluous goes', async () => {
  const dataDir = temporaryDirectory();
  const first = await startEmbeddedZooKeeper({ dataDir, ...system, snapshotAfterBytes: 2000 });
  const zk = await connected(`127.0.0.1:${first.port}`);
  await zk.create('/n', null);
  for (let n = 0; n < 200; n++) await zk.setData('/n', bytes('x'.repeat(100)));
  const stat = await zk.exists('/n');
  await zk.close();
  await first.close();
  const names = readdirSync(join(dataDir, 'version-2'));
  expect(names.filter(name => name.startsWith('snapshot.'))).toHaveLength(2);
  expect(names.filter(name => name.startsWith('log.')).length).toBeLessThan(5);
  expect(await (await connected((await embedded({ dataDir })).connect)).exists('/n')).toEqual(stat);
});

class ServerProcess {
  #child: ChildProcess | undefined;
  readonly #dataDir = temporaryDirectory();
  port = 0;

  async start(): Promise<void> {
    const program = fileURLToPath(new URL('support/server-process.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', program, this.#dataDir, String(this.port)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    onTestFinished(() => void child.kill('SIGKILL'));
    this.port = await new Promise((resolve, reject) => {
      child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())));
      child.once('exit', () => reject(new Error('the server ended')));
    });
  }

  async kill(): Promise<void> {
    const child = this.#child!;
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}

test('kill -9 at any moment: what was acknowledged is there, and the session goes on', async () => {
  const seed = Number(process.env['SEED'] ?? systemRandom.int(1 << 30));
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const server = new ServerProcess();
  await server.start();
  const zk = await connected(`127.0.0.1:${server.port}`, { sessionTimeoutMs: 40_000 });
  await zk.create('/live', null, { mode: 'ephemeral' });
  await zk.create('/n', null);
  const session = zk.sessionId;
  const acknowledged = new Map<string, string>();
  const unknown = new Set<string>();
  let made = 0;

  const write = async (): Promise<void> => {
    const path = `/n/${made++}`;
    const value = 'x'.repeat(random.int(300));
    try {
      await zk.multi([{ type: 'create', path, data: null }, { type: 'setData', path, data: bytes(value), version: 0 }]);
      acknowledged.set(path, value);
    } catch (error) {
      if (!isZkError(error, 'CONNECTIONLOSS')) throw error;
      unknown.add(path);
    }
  };

  for (let round = 0; round < 5; round++) {
    let killed: Promise<void> | undefined;
    const killAt = acknowledged.size + 20 + random.int(200);
    while (killed === undefined) {
      await Promise.race(Array.from({ length: 8 }, write));
      if (acknowledged.size >= killAt) killed = server.kill();
    }
    await killed;
    await server.start();
    await zk.sync('/');
    const { children } = await zk.getChildren('/n');
    for (const path of acknowledged.keys()) expect(children, `seed ${seed}, round ${round}`).toContain(path.slice('/n/'.length));
    for (const child of children) expect(Number(child), `seed ${seed}, round ${round}`).toBeLessThan(made);
  }
  for (const [path, value] of acknowledged) expect(text((await zk.getData(path)).data)).toBe(value);
  expect(zk.sessionId).toBe(session);
  expect((await zk.exists('/live'))?.ephemeralOwner).toBe(session);
  expect(acknowledged.size).toBeGreaterThan(100);
});
