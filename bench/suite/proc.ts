// What /proc tells of a process and of the machine's memory.
import { readFileSync } from 'node:fs';

/** RSS less mapped files, in megabytes (10^6). */
export function ownMemoryMB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return (kb('VmRSS') - kb('RssFile')) * 1024 / 1e6;
}

/** Memory that nobody uses, not even as a page cache. */
export function freeMemoryBytes(): number {
  return Number(/^MemFree:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
}
