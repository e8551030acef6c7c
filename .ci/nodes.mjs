// The built command under other versions of Node: started, written to and read from with kcat, stopped in order.
//   node .ci/nodes.mjs 22 24
// npm's package `node` brings the program; it goes below build/ and into no package.json.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';

const START_MS = 30_000;
const STOP_MS = 30_000;

function kcat(...args) {
  const { input, words } = typeof args[0] === 'object' ? { input: args[0].input, words: args.slice(1) } : { input: '', words: args };
  const { status, stdout, stderr } = spawnSync('kcat', words, { input, encoding: 'utf8', timeout: 30_000 });
  if (status !== 0) throw new Error(`kcat ${words.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

function install(major) {
  const folder = resolve('build/nodes', major);
  mkdirSync(folder, { recursive: true });
  const { status } = spawnSync('npm', ['install', '--prefix', folder, '--no-save', '--no-package-lock', '--silent', `node@${major}`], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm brings no node@${major}`);
  return join(folder, 'node_modules/node/bin/node');
}

function within(ms, what, promise) {
  const late = AbortSignal.timeout(ms);
  return Promise.race([promise, new Promise((_, reject) => late.addEventListener('abort', () => reject(new Error(`${what} took longer than ${ms} ms`))))]);
}

async function tryOut(node) {
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  const data = mkdtempSync(join(tmpdir(), 'odradek-nodes-'));
  const settings = { 'listeners': 'PLAINTEXT://127.0.0.1:0', 'log.dirs': data, 'offsets.topic.replication.factor': 1 };
  const broker = spawn(node, ['dist/bin/odradek.cjs', 'start', ...Object.entries(settings).flatMap(([key, value]) => ['--override', `${key}=${value}`])], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise(done => broker.once('close', (code, signal) => done(code ?? signal)));
  try {
    const ready = new Promise((found, failed) => {
      createInterface({ input: broker.stdout }).on('line', line => {
        console.log(line);
        const port = /ready on .*:(\d+) in/.exec(line)?.[1];
        if (port !== undefined) found(port);
      });
      void ended.then(how => failed(new Error(`the broker ended with ${how}`)));
    });
    const bootstrap = `127.0.0.1:${await within(START_MS, 'the start', ready)}`;
    const sent = Array.from({ length: 1_000 }, (_, at) => `record ${at} of ${version}`);
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      kcat({ input: sent.join('\n') }, '-P', '-b', bootstrap, '-t', codec, '-z', codec, '-X', 'topic.request.timeout.ms=20000');
      const read = kcat('-C', '-b', bootstrap, '-t', codec, '-e', '-q').trimEnd().split('\n');
      if (!isDeepStrictEqual(read, sent)) throw new Error(`${codec}: ${read.length} of ${sent.length} records came back, or others`);
    }
    broker.kill('SIGTERM');
    const how = await within(STOP_MS, 'the stop', ended);
    if (how !== 0) throw new Error(`stopped, the broker ended with ${how}`);
    console.log(`Node ${version}: well`);
  } finally {
    broker.kill('SIGKILL');
    await ended;
    rmSync(data, { recursive: true, force: true });
  }
}

for (const major of process.argv.slice(2)) {
  try {
    await tryOut(install(major));
  } catch (error) {
    console.error(`Node ${major} FAILED: ${error.stack}`);
    process.exitCode = 1;
  }
}
