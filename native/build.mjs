// Builds the addon when a native source is newer than the binary; `npm start` on an unchanged tree pays one stat walk.
//   node native/build.mjs                                              into build/, where the broker looks for it
//   CC=clang-15 CXX=clang++-15 node native/build.mjs --into build/x    beside it, with another compiler
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values: { into } } = parseArgs({ options: { into: { type: 'string' } } });
const project = into === undefined ? root : besides(resolve(into));
const binary = join(project, 'build/Release/odradek.node');

/** node-gyp builds below the folder of binding.gyp: a folder that sees the same sources builds apart from the other. */
function besides(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of ['binding.gyp', 'native', 'node_modules', 'package.json']) {
    rmSync(join(folder, name), { force: true });
    symlinkSync(relative(folder, join(root, name)), join(folder, name));
  }
  return folder;
}

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map(name => newest(join(path, name))));
}

const sources = Math.max(newest(join(root, 'native')), newest(join(root, 'binding.gyp')));
if (!existsSync(binary) || statSync(binary).mtimeMs < sources) {
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  // Headers that lie beside this very node make a build without a network; otherwise node-gyp fetches them.
  const prefix = join(dirname(process.execPath), '..');
  const beside = existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
  // A folder's time changes when a source comes or goes, and only configuring lists the sources anew.
  const folders = readdirSync(join(root, 'native'), { withFileTypes: true }).filter(entry => entry.isDirectory()).map(entry => join(root, 'native', entry.name));
  const listed = Math.max(...[join(root, 'binding.gyp'), ...folders].map(path => statSync(path).mtimeMs));
  const configured = existsSync(join(project, 'build/Makefile')) && statSync(join(project, 'build/Makefile')).mtimeMs >= listed;
  const verbs = configured ? ['build'] : ['configure', 'build'];
  const run = spawnSync(process.execPath, [nodeGyp, ...verbs, '--silent', '--jobs=max', ...beside], { cwd: project, stdio: 'inherit' });
  if (run.status !== 0) process.exit(run.status ?? 1);
}
