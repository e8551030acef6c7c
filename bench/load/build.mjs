// Builds the load client into build/load/odradek-load when a source is newer than the binary. Plain g++, clang++ or $CXX;
// a codec whose library this machine has not is left out, and the client says so when asked for it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const sources = join(here, 'native');
const outputs = join(here, '../../build/load');
const compiler = process.env.CXX ?? ['g++', 'clang++'].find(name => spawnSync(name, ['--version']).status === 0) ?? 'c++';
const flags = ['-std=c++20', '-O2', '-g', '-Wall', '-Wextra', '-Wconversion', '-Wno-sign-conversion', '-Wshadow', '-Werror', '-pthread'];

const codecs = [
  { macro: 'LOAD_HAS_ZLIB', header: 'zlib.h', library: '-lz' },
  { macro: 'LOAD_HAS_LZ4', header: 'lz4frame.h', library: '-llz4' },
  { macro: 'LOAD_HAS_ZSTD', header: 'zstd.h', library: '-lzstd' },
  { macro: 'LOAD_HAS_SNAPPY', header: 'snappy-c.h', library: '-lsnappy' },
];

/** Builds what is out of date; returns the path of the client. */
export function buildLoadClient() {
  const binary = join(outputs, 'odradek-load');
  const names = readdirSync(sources);
  const changed = name => statSync(join(sources, name)).mtimeMs;
  const headers = Math.max(statSync(join(here, 'build.mjs')).mtimeMs, ...names.filter(name => name.endsWith('.h')).map(changed));
  mkdirSync(outputs, { recursive: true });

  const units = names.filter(name => name.endsWith('.cc')).map(name => ({ source: join(sources, name), object: join(outputs, `${name}.o`), changed: Math.max(changed(name), headers) }));
  const stale = units.filter(unit => !existsSync(unit.object) || statSync(unit.object).mtimeMs < unit.changed);
  if (stale.length === 0 && existsSync(binary)) return binary;

  const found = codecs.filter(codec => compiles(codec));
  const defines = codecs.map(codec => `-D${codec.macro}=${found.includes(codec) ? 1 : 0}`);
  for (const unit of stale) run([...flags, ...defines, '-c', unit.source, '-o', unit.object]);
  // Linked beside its place and moved there, so that nobody ever runs half a binary.
  run([...flags, ...units.map(unit => unit.object), '-o', `${binary}.new`, ...found.map(codec => codec.library)]);
  spawnSync('mv', [`${binary}.new`, binary]);
  return binary;
}

function compiles({ header, library }) {
  const probe = spawnSync(compiler, ['-x', 'c++', '-', '-o', '/dev/null', library], { input: `#include <${header}>\nint main() {}\n` });
  return probe.status === 0;
}

function run(args) {
  const result = spawnSync(compiler, args, { stdio: 'inherit' });
  if (result.status !== 0) throw new Error(`${compiler} failed`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(buildLoadClient());
