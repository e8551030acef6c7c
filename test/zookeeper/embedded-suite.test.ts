import { afterAll, beforeAll } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedZooKeeper, type EmbeddedZooKeeper } from '../../src/zookeeper/server/embedded.js';
import { system } from './support/kit.js';
import { ManualTime } from './support/manual-time.js';
import { zooKeeperSuite } from './support/suite.js';

const time = new ManualTime();
const directory = mkdtempSync(join(tmpdir(), 'odradek-zookeeper-'));
let server: EmbeddedZooKeeper;

beforeAll(async () => {
  server = await startEmbeddedZooKeeper({ dataDir: directory, clock: time, timers: time, random: system.random, tickTimeMs: 2000 });
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

zooKeeperSuite('embedded', {
  address: () => `127.0.0.1:${server.port}`,
  shortSessionMs: 4000,
  longSessionMs: 30_000,
  timePasses: () => time.advance(4010),
});
