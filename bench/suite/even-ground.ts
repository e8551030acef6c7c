// What one load leaves behind in the kernel must not be paid for by the next.
//
//   writeback   What was written is on its way to the disk for seconds. Whoever writes meanwhile is throttled, and pays for
//               it: two to four times the CPU.
//   cold pages  See bench/load/native/warm_memory.cc: another two to four times.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadClient } from './load-client.js';
import { freeMemoryBytes } from './proc.js';

/** More than any load writes. */
const WARM_BYTES = 3e9;

async function run(command: string, ...args: string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit') as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
}

/** Everything written so far, by whomever, is on the disk, and the next pages are as cheap as any. */
export async function evenGround(): Promise<void> {
  await run('sync');
  await run(loadClient(), 'warm-memory', '--bytes', String(Math.floor(Math.min(WARM_BYTES, freeMemoryBytes() / 2))));
}
