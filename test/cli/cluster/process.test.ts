// The command as a user meets it.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const TSX = fileURLToPath(import.meta.resolve('tsx'));

let dir: string;
let child: ChildProcess | undefined;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'odradek-cluster-test-')); });
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

interface Run {
  out(): string;
  err(): string;
  readonly ended: Promise<number | null>;
}

/** Its temporary files go to our directory, so that we see what it leaves. */
function cluster(...args: string[]): Run {
  const started = spawn(process.execPath, ['--import', TSX, MAIN, 'cluster', ...args], { cwd: dir, env: { ...process.env, TMPDIR: dir, ODRADEK_LOG: 'info' }, stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  let out = '';
  let err = '';
  started.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
  started.stderr.setEncoding('utf8').on('data', (text: string) => { err += text; });
  return { out: () => out, err: () => err, ended: new Promise(resolve => started.once('close', code => resolve(code))) };
}

/** Two processes start, one after the other, each of them from its sources. */
const PATIENCE = { timeout: 60_000 };

/** The directories of clusters that are there. */
const kept = (): string[] => readdirSync(dir).filter(name => name.startsWith('odradek-cluster-'));
const lives = (pid: number): boolean => existsSync(`/proc/${pid}`);
const pidsIn = (table: string): number[] => [...table.matchAll(/^\d+ +localhost:\d+ +(\d+) +up/gm)].map(([, pid]) => Number(pid));

test('a cluster starts and is shown, and Ctrl-C leaves neither its brokers nor their data', async () => {
  const run = cluster('1', '--port', '0');
  await expect.poll(() => pidsIn(run.out()), PATIENCE).toHaveLength(1);
  expect(run.out()).toMatch(/^one broker, bootstrap localhost:\d+; data and logs in .*, removed at the end\. Ctrl-C ends them\.$/m);
  expect(run.out()).toMatch(/^1 +localhost:\d+ +\d+ +up +yes +0 +0 +0$/m);
  const pids = pidsIn(run.out());
  expect(kept()).toHaveLength(1);

  child!.kill('SIGINT');
  expect(await run.ended, run.err()).toBe(0);
  expect(pids.filter(lives)).toEqual([]);
  expect(kept()).toEqual([]);
}, 90_000);

test('a directory that was given is kept; who is killed leaves no brokers behind', async () => {
  const run = cluster('1', '--port', '0', '--dir', 'kept');
  await expect.poll(() => pidsIn(run.out()), PATIENCE).toHaveLength(1);
  const [pid] = pidsIn(run.out());
  child!.kill('SIGKILL');
  await run.ended;
  await expect.poll(() => lives(pid!), PATIENCE).toBe(false);
  expect(existsSync(join(dir, 'kept/broker-1/.kafka_cleanshutdown'))).toBe(true);
}, 90_000);

test('a broker that is killed is told, and the command goes on', async () => {
  const run = cluster('1', '--port', '0');
  await expect.poll(() => pidsIn(run.out()), PATIENCE).toHaveLength(1);
  process.kill(pidsIn(run.out())[0]!, 'SIGKILL');
  await expect.poll(run.out, PATIENCE).toMatch(/^broker 1 has ended \(SIGKILL\); its log: /m);
  child!.kill('SIGINT');
  expect(await run.ended, run.err()).toBe(0);
}, 90_000);

test('what a broker will not be told ends the start, with its reason and 1', async () => {
  const run = cluster('2', '--port', '0', '--override', 'num.io.threads=0');
  expect(await run.ended).toBe(1);
  expect(run.err()).toMatch(/odradek: broker 1 did not start: exit code 1\n[^]*num\.io\.threads: /);
}, 90_000);
