// Runs the native load client and reads its one line of JSON.
import { execFile } from 'node:child_process';
import { buildLoadClient } from '../load/build.mjs';

const PATIENCE_MS = 300_000;

export interface BrokerCost {
  readonly cpuSeconds: number;
  readonly cpuSecondsPerGB?: number;
  readonly cpuMicrosPerRequest?: number;
  readonly ownKb: number;
  readonly peakOwnKb: number;
}

export interface LoadResult {
  readonly verified: boolean;
  readonly seconds?: number;
  readonly requests?: number;
  readonly requestsPerSecond?: number;
  readonly megabytesPerSecond?: number;
  readonly allConnectedSeconds?: number;
  readonly allServedSeconds?: number;
  readonly latencyMicros?: Readonly<Record<'mean' | 'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>;
  readonly clientCpuSeconds?: number;
  readonly othersCpuShare?: number;
  readonly broker?: BrokerCost;
  readonly holding?: { readonly seconds: number; readonly broker?: BrokerCost };
}

export type LoadOptions = Readonly<Record<string, string | number>>;

let binary: string | undefined;

export function loadClient(): string {
  binary ??= buildLoadClient();
  return binary;
}

/** Rejects when the client fails, and when it says that the work was not really done. */
export function runLoad(command: string, options: LoadOptions): Promise<LoadResult> {
  const args = [command, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])];
  return new Promise((resolve, reject) => {
    execFile(loadClient(), args, { timeout: PATIENCE_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`odradek-load ${args.join(' ')}: ${stderr}${stdout}${error.killed === true ? ' (too slow)' : ''}`));
      else resolve(JSON.parse(stdout) as LoadResult);
    });
  });
}
