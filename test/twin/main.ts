// npm run twin -- [--seed N] [--minutes M] [--conversations N] [--api NAME] [--lanes N] [--stories] [--save FOLDER]
// --stories plays the conversations that once failed first; --save writes what was found, for test/twin/stories.

import { parseArgs } from 'node:util';
import { converse } from './converse.js';
import { sortOut } from './differences.js';
import { endgame } from './endgame.js';
import { grammars } from './grammars.js';
import { Pair } from './pair.js';
import { prepare } from './prepare.js';
import { onceFailed, save } from './stories.js';
import { summary } from './summary.js';
import { Twin } from './twin.js';

/** Conversations whose topics stay, for the exchange of data directories; their seeds are none of the run's. */
const KEPT = 30;
const KEPT_SEEDS = 500_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' }, minutes: { type: 'string', default: '3' }, conversations: { type: 'string' },
    api: { type: 'string' }, lanes: { type: 'string', default: '6' }, stories: { type: 'boolean', default: false }, save: { type: 'string' },
  },
});

const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : number('seed', values.seed);
const minutes = number('minutes', values.minutes);
const lanes = number('lanes', values.lanes);
const { api } = values;
if (api !== undefined && !grammars.some(grammar => grammar.api === api)) fail(`no api is called ${api}; there are ${grammars.map(grammar => grammar.api).join(', ')}`);

console.log(`twin: seed ${seed}, ${minutes} minutes`);
const pair = await Pair.start();
let ok = false;
try {
  const twin = new Twin(pair, await prepare(pair));
  const most = values.conversations === undefined ? {} : { most: number('conversations', values.conversations) };
  if (values.stories) for (const each of onceFailed()) await twin.again(each, line => console.log(line));
  const began = performance.now();
  await twin.run({ seed, untilMs: began + minutes * 60_000, lanes, log: line => console.log(`\n${line}`), ...most, ...(api === undefined ? {} : { api }) });
  const elapsedMs = performance.now() - began;
  const kept = [];
  for (let index = 0; index < KEPT; index++) {
    const each = await twin.keep(converse(seed + KEPT_SEEDS + index, api));
    if (each !== undefined) kept.push(each);
  }
  const last = sortOut(await endgame(pair, kept));
  const report = summary(twin, elapsedMs, api, last);
  console.log(`\n${report.text}`);
  if (values.save !== undefined) for (const [index, { conversation, kind }] of twin.found.entries()) save(values.save, `${seed}-${index}`, kind, conversation);
  ok = report.ok;
} finally {
  await pair.destroy();
}
process.exit(ok ? 0 : 1);

function number(name: string, text: string): number {
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : fail(`--${name} takes a number, not '${text}'`);
}

function fail(why: string): never {
  console.error(why);
  process.exit(2);
}
