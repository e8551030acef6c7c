// The native log's life, stopped after every single system call: the program behind `npm run test:native`'s story, built
// here from the addon's own object files so that it needs nothing but a compiler.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const built = join(root, 'build/native-crash');

const sourcesIn = (directory: string): string[] =>
  readdirSync(directory).filter(name => name.endsWith('.cc')).map(name => join(directory, name));

/** The addon's objects of a layer where node-gyp has built them, otherwise its sources. */
function layer(name: string): string[] {
  const objects = join(root, 'build/Release/obj.target/odradek/native', name);
  const sources = sourcesIn(join(root, 'native', name));
  const current = (source: string): boolean => {
    const object = join(objects, `${source.slice(source.lastIndexOf('/') + 1, -3)}.o`);
    return existsSync(object) && statSync(object).mtimeMs >= statSync(source).mtimeMs;
  };
  return sources.every(current) ? sources.map(source => join(objects, `${source.slice(source.lastIndexOf('/') + 1, -3)}.o`)) : sources;
}

function build(): string {
  mkdirSync(built, { recursive: true });
  const program = join(built, 'enumeration');
  const inputs = [
    ...sourcesIn(join(here, 'support')),
    join(here, 'log/enumeration.cc'),
    join(here, 'log/swap_enumeration.cc'),
    join(here, 'log/enumeration_main.cc'),
    ...layer('log'),
    ...layer('codec'),
    ...layer('base'),
  ];
  if (existsSync(program) && inputs.every(input => statSync(input).mtimeMs < statSync(program).mtimeMs)) return program;
  const zstd = join(dirname(createRequire(import.meta.url).resolve('zstd-napi/package.json')), 'deps/zstd/lib');
  const flags = ['-std=c++20', '-O0', '-pthread', '-I', join(root, 'native'), '-I', here, '-I', zstd];
  // zstd was built with the addon; zlib comes from the machine, for no Node is around it here: it is there wherever a
  // compiler is, since binutils and clang need it themselves, and needs no development files.
  const libraries = [join(root, 'build/Release/obj.target/zstd.a'), '-l:libz.so.1'];
  const compiled = spawnSync(process.env['CXX'] ?? 'c++', [...flags, ...inputs, '-o', program, ...libraries], { encoding: 'utf8' });
  expect(compiled.stderr).toBe('');
  expect(compiled.status).toBe(0);
  return program;
}

/** What takes about as long is said in one breath; the two shares run beside each other. */
const SHARES = [['swaps'], ['crashes', 'crashes, every message flushed', 'faults']] as const;

test('stopped or failed at any system call, the log keeps what it acknowledged and flushed', { timeout: 300_000 }, async () => {
  const program = build();
  const shares = await Promise.all(SHARES.map((parts, share) => promisify(execFile)(program, [String(share), ...parts])));
  const said = shares.map(share => share.stdout).join('');
  for (const part of SHARES.flat()) expect(said).toMatch(new RegExp(`^${part}: \\d+ lives, \\d+ calls, 0 failures$`, 'm'));
  expect(shares.map(share => share.stderr).join('')).toBe('');
});
