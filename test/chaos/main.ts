// npm run chaos -- [--seed N] [--minutes M] [--brokers odradek,odradek,kafka] [--coordination apache|embedded] [--swap] [--verifiable] [--plant NAME] [--dir D] [--keep]
// npm run chaos -- --check FILE      reads a history again
//
// --swap lets brokers come back as the other kind, on the same directory. --plant gives our brokers a fault (plants.ts).
// --verifiable runs Kafka's VerifiableProducer, too. What a run leaves is removed if nothing was found.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BrokerKind } from '../../bench/peer/member.js';
import { check, summary } from './checker.js';
import { parseHistory } from './history.js';
import { plantedCommand, plants } from './plants.js';
import { runChaos } from './run.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' }, minutes: { type: 'string', default: '3' }, brokers: { type: 'string', default: 'odradek,odradek,odradek' },
    coordination: { type: 'string', default: 'apache' }, swap: { type: 'boolean', default: false }, dir: { type: 'string', default: tmpdir() },
    keep: { type: 'boolean', default: false }, verifiable: { type: 'boolean', default: false }, plant: { type: 'string' }, check: { type: 'string' },
  },
});

if (values.check !== undefined) {
  const findings = check(parseHistory(readFileSync(values.check, 'utf8')));
  console.log(findings.length === 0 ? 'nothing was found' : summary(findings, 20));
  process.exit(findings.length === 0 ? 0 : 1);
}

const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : number('seed', values.seed);
const minutes = number('minutes', values.minutes);
const kinds = values.brokers.split(',').map(kind => (kind === 'odradek' || kind === 'kafka' ? kind : fail(`there is no broker '${kind}'`)) satisfies BrokerKind);
const { coordination } = values;
if (coordination !== 'apache' && coordination !== 'embedded') fail(`there is no coordination '${coordination}'`);

const plant = values.plant === undefined ? undefined : plants.find(name => name === values.plant) ?? fail(`no plant is called '${values.plant}'; there are: ${plants.join('; ')}`);
const planted = plant === undefined ? {} : { command: await plantedCommand(plant) };
const dir = mkdtempSync(join(values.dir, 'odradek-chaos-'));
console.log(`chaos: seed ${seed}, ${minutes} minutes, ${kinds.join(',')}, in ${dir}`);
const { ok, text } = await runChaos({ seed, minutes, kinds, coordination, swap: values.swap, verifiable: values.verifiable, dir, log: line => console.log(line), ...planted });
console.log(`\n${text}`);
if (ok && !values.keep) rmSync(dir, { recursive: true, force: true });
process.exit(ok ? 0 : 1);

function number(name: string, text: string): number {
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : fail(`--${name} takes a number, not '${text}'`);
}

function fail(why: string): never {
  console.error(why);
  process.exit(2);
}
