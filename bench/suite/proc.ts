// What /proc tells of a process and of the machine.
import { readFileSync } from 'node:fs';

/** RSS less mapped files, in megabytes (10^6). */
export function ownMemoryMB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return (kb('VmRSS') - kb('RssFile')) * 1024 / 1e6;
}

/** CPU seconds that all processes together have used so far, and that a hypervisor kept from us. */
export function machineCpuSeconds(): number {
  const TICKS_PER_SECOND = 100;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Memory that nobody uses, not even as a page cache. */
export function freeMemoryBytes(): number {
  return Number(/^MemFree:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
}
