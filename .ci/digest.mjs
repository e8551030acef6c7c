// What went wrong in one stage of .ci/run, in few lines: each failed test with the beginning of its error, or what a log
// without such a report says of errors.
//   node .ci/digest.mjs LOG-FOLDER STAGE EXIT-CODE LINES

import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const WIDTH = 220;
const PER_FAILURE = 11;
const TROUBLE = /Unhandled|[Ee]rror:|ERROR|FAILED|ThreadSanitizer|AddressSanitizer|npm ERR|not ok|timed out|no time left/;

// Where it failed matters as far as it is in our own code.
const FOREIGN_FRAME = /^\s+at .*(node:|node_modules)/;

const clean = text => stripVTControlCharacters(text).split('\n').map(line => line.trimEnd().slice(0, WIDTH)).filter(line => line.trim() !== '' && !FOREIGN_FRAME.test(line));

/** How timeout(1) ends what it ended. */
export const outOfTime = code => code === '124' || code === '137';

/** The failures of vitest's JSON report, each a title and its error's lines. */
function fromVitest(report) {
  return JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(file => {
    const name = relative(process.cwd(), file.name);
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0 && file.status === 'failed') return [{ title: `${name} broke before its first test`, error: clean(file.message ?? '') }];
    return failed.map(test => ({ title: `${name} > ${test.fullName}`, error: clean(test.failureMessages.join('\n')) }));
  });
}

/** A log from a little before the first line that speaks of trouble; its end if none does, or if time ran out there. */
function fromLog(log, code, lines) {
  const all = clean(readFileSync(log, 'utf8')).filter(line => !line.startsWith('npm warn'));
  const first = outOfTime(code) ? -1 : all.findIndex(line => TROUBLE.test(line) && !/^\s*✓/.test(line));
  return first < 0 ? all.slice(-lines) : all.slice(Math.max(0, first - 6)).slice(0, lines);
}

/** At most about `lines` lines. */
export function digest(logs, { name: stage, code }, lines) {
  const report = join(logs, `${stage}.json`);
  const failures = existsSync(report) ? fromVitest(report) : [];
  if (failures.length === 0) return existsSync(join(logs, `${stage}.log`)) ? fromLog(join(logs, `${stage}.log`), code, lines) : [];
  const each = Math.max(2, Math.min(PER_FAILURE, Math.floor(lines / failures.length)));
  const shown = failures.slice(0, Math.max(1, Math.floor(lines / each)));
  const left = failures.length - shown.length;
  return [
    ...shown.flatMap(({ title, error }) => [`FAILED ${title}`, ...error.slice(0, each - 1).map(line => `  ${line}`)]),
    ...(left > 0 ? [`and ${left} more failed in ${stage}`] : []),
  ];
}

if (process.argv[1] === import.meta.filename) {
  const [, , logs, name, code, lines] = process.argv;
  digest(logs, { name, code }, Number(lines)).forEach(line => console.log(`    | ${line}`));
}
