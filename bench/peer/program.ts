// A child process that is up once it has said so on its output, and that is gone once stop() resolves.
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface ProgramOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The line (of stdout or stderr) after which the program serves. */
  readonly ready: RegExp;
  readonly readyTimeoutMs?: number;
  /** Where everything it says is kept, behind what it said in former lives. */
  readonly logFile?: string;
}

export interface Program {
  readonly pid: number;
  /** From just before exec to the ready line. */
  readonly readyMs: number;
  readonly readyLine: string;
  /** How it ended, and its last lines; undefined while it runs. */
  obituary(): string | undefined;
  /** SIGTERM, then SIGKILL when it has not gone after ten seconds. Safe twice. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const KEPT_LINES = 40;
const GRACE_MS = 10_000;

// A bench that dies must not leave a JVM behind on the machine.
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export async function startProgram(options: ProgramOptions): Promise<Program> {
  const started = process.hrtime.bigint();
  const child = spawn(options.command, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  running.add(child);
  if (options.logFile !== undefined) keepLog(child, options.logFile);
  const gone = new Promise<void>(resolve => {
    const end = (): void => {
      running.delete(child);
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  const tail: string[] = [];
  const readyLine = await untilReady(child, options, tail);
  const readyMs = Number(process.hrtime.bigint() - started) / 1e6;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    const hurry = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await gone;
    clearTimeout(hurry);
  };
  return {
    pid: child.pid ?? -1,
    readyMs,
    readyLine,
    obituary: () => (running.has(child) ? undefined : `${options.name} ended with ${child.exitCode ?? child.signalCode}\n${tail.join('\n')}`),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

function keepLog(child: ChildProcess, file: string): void {
  const log = createWriteStream(file, { flags: 'a' });
  log.on('error', () => {});   // The directory may go before the last line comes.
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  child.once('close', () => log.end());
}

function untilReady(child: ChildProcess, options: ProgramOptions, tail: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`${options.name} ${why}\n${tail.join('\n')}`));
    };
    const late = setTimeout(() => fail('was not ready in time'), options.readyTimeoutMs ?? 60_000);
    const onLine = (line: string): void => {
      tail.push(line);
      if (tail.length > KEPT_LINES) tail.shift();
      if (!options.ready.test(line)) return;
      clearTimeout(late);
      resolve(line);
    };
    // Both are read to the end, or a full pipe would stop the child.
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', onLine);
    }
    child.once('error', error => fail(`could not be started: ${error.message}`));
    child.once('exit', code => {
      clearTimeout(late);
      fail(`ended with ${code} before it was ready`);
    });
  });
}
