// Keeps free memory backed by the host while we measure, where the kernel would hand it back: see
// bench/load/native/hold_memory.cc for what that costs whoever writes next.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { loadClient } from './load-client.js';
import { freeMemoryBytes } from './proc.js';

const LEFT_FOR_OTHERS = 4e9;
const MOST = 16e9;

export interface HeldMemory {
  release(): Promise<void>;
}

export async function holdFreeMemory(): Promise<HeldMemory | undefined> {
  const bytes = Math.min(MOST, freeMemoryBytes() - LEFT_FOR_OTHERS);
  if (!existsSync('/sys/module/page_reporting/parameters/page_reporting_order') || bytes < 1e9) return undefined;

  console.error(`touching ${(bytes / 1e9).toFixed(0)} GB of free memory, so that no broker pays for it`);
  const child = spawn(loadClient(), ['hold-memory', '--bytes', String(Math.floor(bytes))], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), gone]);
  return {
    async release() {
      child.stdin.end();
      await gone;
    },
  };
}
