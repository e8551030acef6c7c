// Adds up what the stages of .ci/run left in its log folder: vitest's JSON reports, doctest's summaries, and the stages that
// count nothing themselves (one each). A stage that failed without a failed test to show for it counts as a failure too.
// Before the sums it says once more what failed: whoever reads only the end of the output learns it here.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digest, outOfTime } from './digest.mjs';

const LINES = 45;
const [, , logs] = process.argv;

function fromVitest(report) {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  // A file that broke before its first test: none of its tests ran, and none of them failed.
  const broken = testResults.filter(file => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'));
  return { passed: numPassedTests, failed: numFailedTests + broken.length };
}

function fromDoctest(log) {
  const found = { passed: 0, failed: 0 };
  for (const [, passed, failed] of existsSync(log) ? readFileSync(log, 'utf8').matchAll(/test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed/g) : []) {
    found.passed += Number(passed);
    found.failed += Number(failed);
  }
  return found;
}

const stages = readFileSync(join(logs, 'stages'), 'utf8').trim().split('\n').map(line => {
  const [name, code] = line.split(' ');
  const report = join(logs, `${name}.json`);
  const counted = existsSync(report) ? fromVitest(report) : fromDoctest(join(logs, `${name}.log`));
  if (code !== '0' && counted.failed === 0) counted.failed = 1;
  if (code === '0' && counted.passed === 0) counted.passed = 1;
  return { name, code, ...counted };
});

const failed = stages.filter(stage => stage.code !== '0' || stage.failed > 0);
for (const stage of failed) {
  console.log(`--- ${stage.name} failed (${outOfTime(stage.code) ? 'out of time' : `exit ${stage.code}`})`);
  digest(logs, stage, Math.floor(LINES / failed.length)).forEach(line => console.log(line));
}
const say = ({ name, passed, failed }) => `${name} ${passed}${failed > 0 ? ` (${failed} failed)` : ''}`;
console.log(`counted: ${stages.map(say).join(', ')}`);
const sum = of => stages.reduce((total, stage) => total + stage[of], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
