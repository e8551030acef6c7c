// Builds the native tests under ASan+UBSan and under TSan, runs them, prints totals. Needs cmake, doctest and a compiler.
//   node test/native/run.mjs [--only address|thread|plain] [--fuzz seconds] [-- doctest arguments]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const argv = process.argv.slice(2);
const separator = argv.indexOf('--');
const ours = separator < 0 ? argv : argv.slice(0, separator);
const theirs = separator < 0 ? [] : argv.slice(separator + 1);
const option = name => (ours.includes(name) ? ours[ours.indexOf(name) + 1] : undefined);

const trees = {
  address: { flags: ['-DSANITIZE=address,undefined'], env: { UBSAN_OPTIONS: 'print_stacktrace=1' } },
  thread: { flags: ['-DSANITIZE=thread'], env: { TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1' } },
  plain: { flags: [], env: {} },
};

function run(command, args, env = {}) {
  const result = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  return result.status === 0;
}

function build(name, flags) {
  const directory = join(root, 'build', `native-${name}`);
  mkdirSync(directory, { recursive: true });
  const jobs = String(Math.min(2, cpus().length));
  const made = run('cmake', ['-S', here, '-B', directory, ...flags]) && run('cmake', ['--build', directory, '-j', jobs]);
  return made ? directory : undefined;
}

const only = option('--only');
const chosen = only === undefined ? ['address', 'thread'] : [only];
const failures = [];
let suites = 0;
for (const name of chosen) {
  const tree = trees[name];
  const directory = build(name, tree.flags);
  if (directory === undefined) {
    failures.push(`${name}: build`);
    continue;
  }
  for (const program of readdirSync(directory).filter(file => /^test_[a-z]+$/.test(file))) {
    suites++;
    console.log(`\n--- ${program} (${name})`);
    if (!run(join(directory, program), theirs, tree.env)) failures.push(`${name}: ${program}`);
  }
}

const seconds = option('--fuzz');
if (seconds !== undefined) {
  const clang = ['clang++-19', 'clang++'].find(command => spawnSync(command, ['--version']).status === 0);
  const directory = clang && build('fuzz', ['-DFUZZ=ON', '-DSANITIZE=address,undefined', `-DCMAKE_CXX_COMPILER=${clang}`]);
  if (!directory) failures.push('fuzz: build (needs clang)');
  for (const program of directory ? readdirSync(directory).filter(file => file.endsWith('_fuzz')) : []) {
    suites++;
    const corpus = join(directory, `${program}.corpus`);
    if (!existsSync(corpus)) mkdirSync(corpus);
    console.log(`\n--- ${program} (${seconds} s)`);
    const args = [corpus, `-max_total_time=${seconds}`, '-max_len=4096', '-print_final_stats=1', '-verbosity=1', `-artifact_prefix=${directory}/`];
    if (!run(join(directory, program), args)) failures.push(`fuzz: ${program}`);
  }
}

console.log(`\nnative: ${suites} suites, ${failures.length} failed${failures.length > 0 ? `: ${failures.join(', ')}` : ''}`);
process.exit(failures.length > 0 || suites === 0 ? 1 : 0);
