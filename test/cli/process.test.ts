// The command as a user meets it: a process in a directory of its own.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const TSX = fileURLToPath(import.meta.resolve('tsx'));
const SOMEWHERE = ['--override', 'listeners=PLAINTEXT://127.0.0.1:0'];

let dir: string;
const running = new Set<ChildProcess>();
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'odradek-process-')); });
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
  /** Resolves with the line once it is printed; rejects if the process ends without. */
  says(line: RegExp): Promise<RegExpMatchArray>;
}

function odradek(...args: string[]): Run {
  const child = spawn(process.execPath, ['--import', TSX, MAIN, ...args], { cwd: dir, env: { ...process.env, ODRADEK_LOG: 'warn' } });
  running.add(child);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text; });
  const ended = new Promise<{ code: number | null; out: string; err: string }>(resolve => child.once('close', code => {
    running.delete(child);
    resolve({ code, out, err });
  }));
  const says = (line: RegExp): Promise<RegExpMatchArray> => new Promise((resolve, reject) => {
    const look = (): void => {
      const found = line.exec(out);
      if (found) resolve(found);
    };
    child.stdout.on('data', look);
    void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${err}`)));
    look();
  });
  return { child, ended, says };
}

test('wrong settings: each is named, the exit code is 1, and the directory is as it was', async () => {
  const { code, out, err } = await odradek('start', '--override', 'num.io.threads=0', '--override', 'listeners=SASL_SSL://:9092').ended;
  expect(code).toBe(1);
  expect(out).toBe('');
  expect(err).toMatch(/num\.io\.threads: /);
  expect(err).toMatch(/listeners: .*SASL_SSL/);
  expect(readdirSync(dir)).toEqual([]);
});

test('what is not understood is answered with the usage', async () => {
  const { code, err } = await odradek('begin').ended;
  expect(code).toBe(1);
  expect(err).toMatch(/no command 'begin'[^]*Usage: odradek start/);
});

test('--help and --version', async () => {
  const [help, version] = await Promise.all([odradek('--help').ended, odradek('--version').ended]);
  expect([help.code, version.code]).toEqual([0, 0]);
  expect(help.out).toMatch(/^Usage: odradek start/);
  expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('a broker starts, holds its directories, stops in order, and starts again as the same broker', async () => {
  const first = odradek('start', ...SOMEWHERE);
  const [, id] = await first.says(/^odradek (\d+) ready on 127\.0\.0\.1:\d+ in \d+ ms\n$/);

  const second = await odradek('start', ...SOMEWHERE).ended;
  expect(second.code).toBe(1);
  expect(second.err).toMatch(/data\/logs: is in use by another process/);

  first.child.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
  expect(existsSync(join(dir, 'data/logs/.kafka_cleanshutdown'))).toBe(true);

  const again = odradek('start', ...SOMEWHERE);
  expect((await again.says(/^odradek (\d+) ready/))[1]).toBe(id);
  expect(existsSync(join(dir, 'data/logs/.kafka_cleanshutdown'))).toBe(false);
  again.child.kill('SIGINT');
  expect((await again.ended).code).toBe(0);
});

test('a broker whose only log directory is gone ends by itself, with the reason and 1', async () => {
  const run = odradek('start', ...SOMEWHERE, '--override', 'replica.high.watermark.checkpoint.interval.ms=20');
  await run.says(/ ready on /);
  rmSync(join(dir, 'data/logs'), { recursive: true });
  const { code, err } = await run.ended;
  expect(code).toBe(1);
  expect(err).toMatch(/\nodradek: every log directory has failed: .*\/data\/logs\n$/);
});

test('a ready line that nobody takes is no reason to stop', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, ['--import', TSX, MAIN, 'start', '--override', 'listeners=PLAINTEXT://127.0.0.1:0'],
    { cwd: dir, env: { ...process.env, ODRADEK_LOG: 'info' }, stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  running.add(child);
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  let err = '';
  // The line comes once it is registered and its topics are known: give it up to its end or to a stop in order.
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    if (err.includes('elected controller')) child.kill('SIGTERM');
  });
  expect(await ended).toBe(0);
  expect(existsSync(join(dir, 'data/logs/.kafka_cleanshutdown'))).toBe(true);
});

test('a start that waits for a ZooKeeper says so, and ends in order when it is told to', async () => {
  const run = odradek('start', ...SOMEWHERE, '--override', 'zookeeper.connect=127.0.0.1:1');
  await new Promise<void>(resolve => run.child.stderr!.on('data', (text: string) => { if (text.includes('no ZooKeeper answers, trying on')) resolve(); }));
  run.child.kill('SIGTERM');
  expect((await run.ended).code).toBe(0);
});

test('an address that is taken is named', async () => {
  const first = odradek('start', ...SOMEWHERE);
  const [, port] = await first.says(/ ready on 127\.0\.0\.1:(\d+) in /);
  const { code, err } = await odradek('start', '--override', `listeners=PLAINTEXT://127.0.0.1:${port}`, '--override', 'log.dirs=others').ended;
  expect(code).toBe(1);
  expect(err).toMatch(new RegExp(`^odradek: listeners: PLAINTEXT://127\\.0\\.0\\.1:${port}: .*in use\n$`));
});

test('a log that nobody reads stops nothing: the broker starts, serves and ends; who reads later finds it all', async () => {
  // Each key makes a line of a hundred kilobytes, and a pipe holds sixty-four.
  const unknown = ['a', 'b', 'c'].map(letter => letter.repeat(100_000));
  const child = spawn(process.execPath, ['--import', TSX, MAIN, 'start', ...SOMEWHERE, ...unknown.flatMap(key => ['--override', `${key}=1`])],
    { cwd: dir, env: { ...process.env, ODRADEK_LOG: 'info' }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', (line: string) => resolve(Number(/:(\d+) in/.exec(line)?.[1])));
    child.once('exit', code => reject(new Error(`ended with ${code}`)));
  });
  // ApiVersions, version 0.
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from('0000000a001200000000002affff', 'hex')));
    socket.once('error', reject);
    socket.once('data', data => {
      socket.destroy();
      resolve(data);
    });
  });
  expect(answer.readInt32BE(4)).toBe(42);

  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text; });
  await new Promise<void>(resolve => child.stderr.on('data', () => { if (err.includes('ccc"')) resolve(); }));
  const lines = err.trimEnd().split('\n').map(line => JSON.parse(line) as { key?: string });
  expect(lines.filter(({ key }) => key !== undefined).map(({ key }) => key)).toEqual(unknown);

  child.stderr.pause();
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  running.delete(child);
});

/** Lets the process fail where nobody catches it, when it is sent SIGUSR2. */
const FRAGILE = ['--import', 'data:text/javascript,process.on("SIGUSR2", () => { throw new Error("boom") })'];

test('an error that nobody caught is told, and ends the process with 1', async () => {
  const child = spawn(process.execPath, ['--import', TSX, ...FRAGILE, MAIN, 'start', ...SOMEWHERE], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text; });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  await new Promise(resolve => child.stdout.once('data', resolve));
  child.kill('SIGUSR2');
  expect(await ended).toBe(1);
  expect(err).toMatch(/^odradek: Error: boom\n {4}at /m);
  running.delete(child);
});

test.each(['SIGTERM', 'SIGUSR2'] as const)('a pipe between programs that is full and stays full: the process starts, and ends by %s', async signal => {
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // For reading too, so that opening it does not wait for a reader. (Node's own pipes between processes are sockets.)
  const fd = openSync(pipe, 'r+');
  try {
    const unknown = ['a', 'b', 'c'].map(letter => letter.repeat(100_000));
    const child = spawn(process.execPath, ['--import', TSX, ...FRAGILE, MAIN, 'start', ...SOMEWHERE, ...unknown.flatMap(key => ['--override', `${key}=1`])],
      { cwd: dir, env: { ...process.env, ODRADEK_LOG: 'info' }, stdio: ['ignore', 'pipe', fd] });
    running.add(child);
    const ended = new Promise<number | null>(resolve => child.once('exit', resolve));
    await new Promise(resolve => child.stdout!.once('data', resolve));
    child.kill(signal);
    expect(await ended).toBe(signal === 'SIGTERM' ? 0 : 1);
    running.delete(child);
  } finally {
    closeSync(fd);
  }
});
