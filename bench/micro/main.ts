// npm run bench:micro -- [--smoke] [name...]: every *.bench.ts here whose name contains one of the names, each in a
// process of its own, one after another.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const flags = process.argv.slice(2).filter(word => word.startsWith('--'));
const names = process.argv.slice(2).filter(word => !word.startsWith('--'));
const files = readdirSync(here).filter(file => file.endsWith('.bench.ts') && (names.length === 0 || names.some(name => file.includes(name))));

let failed = files.length === 0;
for (const file of files.sort()) {
  const run = spawnSync(process.execPath, [...process.execArgv, `${here}${file}`, ...flags], { stdio: 'inherit' });
  if (run.status !== 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
