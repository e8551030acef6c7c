// The twin, for three minutes (TWIN_MINUTES) on fresh seeds, behind everything that once failed. More of it: `npm run twin`.
// CI plays what once failed only, as long as fresh seeds still find something now and then.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pair } from '../twin/pair.js';
import { prepare } from '../twin/prepare.js';
import { onceFailed } from '../twin/stories.js';
import { runTwin } from '../twin/session.js';
import { Twin } from '../twin/twin.js';

const MINUTES = Number(process.env['TWIN_MINUTES'] ?? 3);

let pair: Pair;
beforeAll(async () => { pair = await Pair.start(); }, 120_000);
afterAll(() => pair.destroy());

test('what once differed from Kafka does no longer', async () => {
  const twin = new Twin(pair, await prepare(pair));
  for (const each of onceFailed()) await twin.again(each, () => undefined);
  expect(twin.found.map(({ story }) => story).join('\n\n')).toBe('');
}, 120_000);

test.runIf(MINUTES > 0)('fresh conversations find no difference that is not meant, and at the end each broker serves what the other left', async () => {
  const seed = Date.now() % 1_000_000_000;
  console.log(`twin: seed ${seed}`);
  const report = await runTwin(pair, { seed, minutes: MINUTES, lanes: 6, log: line => console.log(line) });
  console.log(report.text);
  expect(report.ok, `seed ${seed}`).toBe(true);
}, (MINUTES + 7) * 60_000);
