// What a load wrote is on its way to the disk for seconds after it has ended. Whoever writes meanwhile is throttled, and
// pays for it in CPU: a sample beside somebody's writeback costs two to four times what it costs alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Waits until everything written so far, by whomever, is on the disk. */
export async function writtenBack(): Promise<void> {
  const sync = spawn('sync', { stdio: 'inherit' });
  const [code] = await once(sync, 'exit') as [number | null];
  if (code !== 0) throw new Error(`sync ended with ${code}`);
}
