// npm run bench -- [--cluster] [--peer | --peer-only] [--only case,...] [--rounds N] [--quick | --smoke] [--odradek-config key=value]...
//
// Loads Odradek, and with --peer a warm Apache Kafka 3.9.1 beside it, in turns (A B, B A, ...), and prints medians, ranges
// and ratios as a markdown table. --cluster: three brokers of each instead. --smoke runs every case tiny, to see that the work is really done.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { atRest, loadCases, nodeAlone, warmUp, type LoadCase, type Size } from './suite/cases.js';
import { evenGround } from './suite/even-ground.js';
import { Ledger } from './suite/ledger.js';
import { runLoad } from './suite/load-client.js';
import { machineFacts } from './suite/machine.js';
import { kafka, odradek, type Kind, type Subject, type SubjectName } from './suite/subject.js';
import { printTable, rows, shareOfOthers } from './suite/table.js';
import { clusterBench } from './cluster/bench.js';
import { clusterRows } from './cluster/rows.js';

const { values: options } = parseArgs({
  options: {
    peer: { type: 'boolean', default: false },
    cluster: { type: 'boolean', default: false },
    'peer-only': { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    warmup: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    'odradek-config': { type: 'string', multiple: true, default: [] },
  },
});

const size: Size = options.smoke ? 'smoke' : options.quick ? 'quick' : 'real';
const rounds = Number(options.rounds ?? { real: 5, quick: 3, smoke: 1 }[size]);
const warmupSeconds: Record<SubjectName, number> = {
  kafka: Number(options.warmup ?? { real: 120, quick: 60, smoke: 0 }[size]),
  odradek: Number(options.warmup ?? { real: 20, quick: 20, smoke: 0 }[size]),
};
const chosen = options.only?.split(',');
const wanted = (name: string): boolean => chosen === undefined || chosen.includes(name);

const ledger = new Ledger();
/** The most memory that a broker was seen with, over all loads. */
const peaks = new Map<SubjectName, number>();

async function measureStarts(kinds: readonly Kind[], dir: string): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    if (wanted('start')) ledger.record('start', 'floor', nodeAlone());
    for (const kind of kinds) {
      await ledger.attempt(`start ${kind.name}`, async () => {
        const home = join(dir, `${kind.name}-start-${round}`);
        const subject = await kind.start(home);
        const sample = await atRest(subject, size);
        await subject.stop();
        rmSync(home, { recursive: true, force: true });
        if (wanted('start')) ledger.record('start', kind.name, sample);
        if (wanted('memory')) ledger.record('memory', kind.name, sample);
      });
    }
  }
}

const beforeSample = async (): Promise<void> => (size === 'smoke' ? undefined : evenGround());

async function measureLoad(loadCase: LoadCase, subjects: readonly Subject[], dir: string): Promise<void> {
  console.error(`\n${loadCase.name}: ${loadCase.question}\n  bound: ${loadCase.bound}`);
  for (const subject of subjects) await ledger.attempt(`${loadCase.name} ${subject.name}`, async () => loadCase.setup?.(subject, size), subject);
  for (let round = 0; round < Math.min(rounds, loadCase.mostRounds ?? rounds); round += 1) {
    const order = round % 2 === 0 ? subjects : [...subjects].reverse();
    for (const subject of order) {
      await ledger.attempt(`${loadCase.name} ${subject.name}`, async () => {
        await beforeSample();
        const sample = await loadCase.run(subject, size);
        ledger.record(loadCase.name, subject.name, sample);
        peaks.set(subject.name, Math.max(peaks.get(subject.name) ?? 0, sample['peakMB'] ?? 0));
      }, subject);
    }
    const { floor } = loadCase;
    if (floor !== undefined) await ledger.attempt(`${loadCase.name} floor`, async () => {
      await beforeSample();
      ledger.record(loadCase.name, 'floor', await floor(dir, size));
    });
  }
}

async function main(dir: string): Promise<void> {
  const kinds: Kind[] = [];
  if (!options['peer-only']) kinds.push(odradek(options['odradek-config']));
  if (options.peer || options['peer-only']) kinds.push(await kafka(join(dir, 'zookeeper')));
  const subjects: Subject[] = [];
  try {
    await runLoad('self-check', {});
    if (wanted('start') || wanted('memory')) await measureStarts(kinds, dir);
    for (const kind of kinds) await ledger.attempt(`start ${kind.name}`, async () => { subjects.push(await kind.start(join(dir, kind.name))); });
    for (const subject of subjects) {
      if (warmupSeconds[subject.name] === 0) continue;
      console.error(`\nwarming ${subject.name} up for ${warmupSeconds[subject.name]} s`);
      await ledger.attempt(`warm-up ${subject.name}`, () => warmUp(subject, warmupSeconds[subject.name], size), subject);
    }
    for (const loadCase of loadCases) {
      if (wanted(loadCase.name)) await measureLoad(loadCase, subjects, dir);
    }
    if (wanted('memory')) for (const [name, peakMB] of peaks) ledger.record('memory', name, { peakMB });
  } finally {
    for (const subject of subjects) await subject.stop();
    for (const kind of kinds) await kind.close();
  }
}

const dir = mkdtempSync(join(options.dir, 'odradek-bench-'));
const facts = machineFacts(dir);
try {
  if (options.cluster) {
    await clusterBench(ledger, {
      dir, size, rounds, chosen, overrides: options['odradek-config'], kafkaWarmupSeconds: warmupSeconds.kafka,
      kinds: [...(options['peer-only'] ? [] : ['odradek' as const]), ...(options.peer || options['peer-only'] ? ['kafka' as const] : [])],
    });
  } else {
    await main(dir);
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
const caveats = [...(size === 'real' ? [] : [`${size}: for orientation only`]), `other processes used ${shareOfOthers(ledger.results)} of the machine`];
console.log(`\n${facts}; ${rounds} rounds, medians and ranges; ${caveats.join('; ')}\n\n${printTable(ledger.results, options.cluster ? clusterRows : rows)}`);
if (options.json !== undefined) {
  const plain = Object.fromEntries([...ledger.results].map(([name, byName]) => [name, Object.fromEntries(byName)]));
  writeFileSync(options.json, `${JSON.stringify({ facts, rounds, size, results: plain }, undefined, 2)}\n`);
}
for (const failure of ledger.failures) console.error(`FAILED ${failure}`);
process.exitCode = ledger.failures.length > 0 ? 1 : 0;
