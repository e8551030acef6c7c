// Adds up what the stages of .ci/run left in its log folder: vitest's JSON reports, doctest's summaries, and the stages that
// count nothing themselves (one each). A stage that failed without a failed test to show for it counts as a failure too.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , logs] = process.argv;

function fromVitest(report) {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  // A file that broke before its first test: none of its tests ran, and none of them failed.
  const broken = testResults.filter(file => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'));
  broken.forEach(file => console.log(`broken: ${file.name}`));
  testResults.flatMap(file => file.assertionResults).filter(({ status }) => status === 'failed').forEach(({ fullName }) => console.log(`failed: ${fullName}`));
  return { passed: numPassedTests, failed: numFailedTests + broken.length };
}

function fromDoctest(log) {
  const found = { passed: 0, failed: 0 };
  for (const [, passed, failed] of readFileSync(log, 'utf8').matchAll(/test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed/g)) {
    found.passed += Number(passed);
    found.failed += Number(failed);
  }
  return found;
}

const sum = { passed: 0, failed: 0 };
for (const line of readFileSync(join(logs, 'stages'), 'utf8').trim().split('\n')) {
  const [name, code] = line.split(' ');
  const report = join(logs, `${name}.json`);
  const counted = existsSync(report) ? fromVitest(report) : fromDoctest(join(logs, `${name}.log`));
  if (code !== '0' && counted.failed === 0) counted.failed = 1;
  if (code === '0' && counted.passed === 0) counted.passed = 1;
  console.log(`${name}: ${counted.passed} passed, ${counted.failed} failed`);
  sum.passed += counted.passed;
  sum.failed += counted.failed;
}
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
