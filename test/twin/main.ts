// npm run twin -- [--seed N] [--minutes M] [--conversations N] [--api NAME] [--lanes N] [--stories] [--save FOLDER]
// --stories plays the conversations that once failed first; --save writes what was found, for test/twin/stories.

import { parseArgs } from 'node:util';
import { grammars } from './grammars.js';
import { Pair } from './pair.js';
import { runTwin } from './session.js';
import { save } from './stories.js';
import type { Found } from './twin.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' }, minutes: { type: 'string', default: '3' }, conversations: { type: 'string' },
    api: { type: 'string' }, lanes: { type: 'string', default: '6' }, stories: { type: 'boolean', default: false }, save: { type: 'string' },
  },
});

const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : number('seed', values.seed);
const minutes = number('minutes', values.minutes);
const lanes = number('lanes', values.lanes);
const { api, stories } = values;
if (api !== undefined && !grammars.some(grammar => grammar.api === api)) fail(`no api is called ${api}; there are ${grammars.map(grammar => grammar.api).join(', ')}`);
const most = values.conversations === undefined ? {} : { most: number('conversations', values.conversations) };

console.log(`twin: seed ${seed}, ${minutes} minutes`);
const pair = await Pair.start();
let ok = false;
try {
  const keep = values.save === undefined ? {} : { keep: ({ conversation, kind }: Found) => save(values.save!, String(conversation.seed), kind, conversation) };
  const report = await runTwin(pair, { seed, minutes, lanes, api, stories, log: line => console.log(line), ...most, ...keep });
  console.log(`\n${report.text}`);
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
