// The machine a result belongs to.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export function machineFacts(dir: string): string {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const git = (...args: string[]): string => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with local changes';
  return [
    `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`,
    `${(totalmem() / 1e9).toFixed(0)} GB`,
    `Linux ${release()}`,
    `data on ${fileSystemOf(dir)}`,
    `node ${process.version}`,
    `commit ${git('rev-parse', '--short', 'HEAD')}${changed}`,
    new Date().toISOString().slice(0, 10),
  ].join(', ');
}

function fileSystemOf(dir: string): string {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n').map(line => line.split(' '));
  const holding = mounts.filter(([, at]) => at !== undefined && (at === '/' || dir === at || dir.startsWith(`${at}/`)));
  holding.sort((a, b) => b[1]!.length - a[1]!.length);
  return holding[0]?.[2] ?? 'unknown';
}
