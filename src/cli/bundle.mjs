// Makes the command one file, and keeps the machine code V8 makes of it beside it, so that a start reads and compiles
// next to nothing. The code cache belongs to the Node that built it; any other ignores it and compiles as usual.
//
//   dist/bin/odradek.cjs       the command: runs the bundle, from the cache where that fits
//   dist/bin/bundle.cjs        everything it needs but native code
//   dist/bin/bundle.cache      V8's code for it, taken after a real start so that what a start runs is in it

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const bin = join(root, 'dist/bin');

await build({
  entryPoints: [join(root, 'dist/cli/main.js')],
  outfile: join(bin, 'bundle.cjs'),
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  external: ['dot-properties'],
  define: { 'import.meta.url': 'bundleUrl' },
  banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
});

writeFileSync(join(bin, 'odradek.cjs'), `#!/usr/bin/env node
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');
const filename = join(__dirname, 'bundle.cjs');
let cachedData;
try { cachedData = readFileSync(join(__dirname, 'bundle.cache')); } catch {}
const script = new Script('(function (exports, require, module, __filename, __dirname) {' + readFileSync(filename, 'utf8').replace(/^#!.*/, '') + '\\n})', { filename, cachedData });
script.runInThisContext()(exports, require('node:module').createRequire(filename), module, filename, __dirname);
const keepCode = process.env.ODRADEK_KEEP_CODE;
if (keepCode) process.once('SIGTERM', () => writeFileSync(keepCode, script.createCachedData()));
`);
chmodSync(join(bin, 'odradek.cjs'), 0o755);

// One real start and stop, somewhere that is thrown away. Failing here costs speed, not function.
const scratch = mkdtempSync(join(tmpdir(), 'odradek-build-'));
const cache = join(bin, 'bundle.cache');
rmSync(cache, { force: true });
spawnSync(process.execPath, ['-e', `
  const { spawn } = require('node:child_process');
  const broker = spawn(process.execPath, [${JSON.stringify(join(bin, 'odradek.cjs'))}, 'start', '--override', 'listeners=PLAINTEXT://127.0.0.1:0', '--override', 'log.dirs=' + ${JSON.stringify(join(scratch, 'logs'))}], {
    cwd: ${JSON.stringify(scratch)}, stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ODRADEK_KEEP_CODE: ${JSON.stringify(cache)} },
  });
  broker.stdout.once('data', () => broker.kill('SIGTERM'));
  broker.once('exit', () => process.exit());
`], { timeout: 30_000 });
rmSync(scratch, { recursive: true, force: true });
