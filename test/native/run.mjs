// Builds the native tests under ASan+UBSan and under TSan, runs them, prints totals. Needs cmake, doctest, a
// compiler, and the development files of zlib, LZ4 and Snappy.
//   node test/native/run.mjs [--only address|thread|plain|none] [--compiler clang++-15] [--fuzz seconds] [-- doctest arguments]
import { spawn, spawnSync } from 'node:child_process';
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
const compiler = option('--compiler');
/** The compiler of C goes with that of C++. */
const compilers = cxx => [`-DCMAKE_CXX_COMPILER=${cxx}`, `-DCMAKE_C_COMPILER=${cxx.replace('++', '')}`];

function run(command, args, env = {}) {
  const result = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  return result.status === 0;
}

/** Everything, or only `targets`. */
function build(name, flags, targets = []) {
  const directory = join(root, 'build', `native-${name}`);
  mkdirSync(directory, { recursive: true });
  const jobs = String(cpus().length);
  const only = targets.length > 0 ? ['--target', ...targets] : [];
  const made = run('cmake', ['-S', here, '-B', directory, ...flags]) && run('cmake', ['--build', directory, '-j', jobs, ...only]);
  return made ? directory : undefined;
}

/** Like run(), but beside others: what it says comes when it has ended. */
function beside(command, args) {
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', bytes => said.push(bytes));
    child.on('error', error => said.push(Buffer.from(String(error))));
    child.on('close', code => resolve({ well: code === 0, said: Buffer.concat(said).toString() }));
  });
}

const only = option('--only');
const chosen = only === undefined ? ['address', 'thread'] : only === 'none' ? [] : [only];
const failures = [];
let suites = 0;
for (const name of chosen) {
  const tree = trees[name];
  const directory = compiler === undefined ? build(name, tree.flags) : build(`${name}-${compiler}`, [...tree.flags, ...compilers(compiler)]);
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
  const fuzzers = readdirSync(join(here, 'fuzz')).filter(file => file.endsWith('_fuzz.cc')).map(file => file.slice(0, -3));
  const directory = clang && build('fuzz', ['-DFUZZ=ON', '-DSANITIZE=address,undefined', ...compilers(clang)], fuzzers);
  if (!directory) failures.push('fuzz: build (needs clang)');
  await Promise.all((directory ? fuzzers : []).map(async program => {
    suites++;
    const corpus = join(directory, `${program}.corpus`);
    if (!existsSync(corpus)) mkdirSync(corpus);
    const args = [corpus, `-max_total_time=${seconds}`, '-max_len=4096', '-print_final_stats=1', '-verbosity=1', `-artifact_prefix=${directory}/`];
    const { well, said } = await beside(join(directory, program), args);
    console.log(`\n--- ${program} (${seconds} s)\n${said}`);
    if (!well) failures.push(`fuzz: ${program}`);
  }));
}

console.log(`\nnative: ${suites} suites, ${failures.length} failed${failures.length > 0 ? `: ${failures.join(', ')}` : ''}`);
process.exit(failures.length > 0 || suites === 0 ? 1 : 0);
