// Running programs nobody here wrote: to their end (run), or beside the test (Program). Whatever a test leaves behind
// ends with the test process.

import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

const running = new Set<ChildProcess>();
const endAll = (): void => running.forEach(child => child.kill('SIGKILL'));
process.once('exit', endAll);
afterAll(endAll);   // A test process that vitest ends by a signal comes to no exit.

function track<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Runs a program to its end. Rejects if it cannot be started, or is still there after `timeoutMs`. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { input, timeoutMs = 120_000, env } = options;
  return new Promise((resolve, reject) => {
    const child = track(spawn(command, args, { env: { ...process.env, ...env } }));
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);   // A program that ends before it has read everything: its code tells.
    child.stdin.end(input ?? '');
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${describe(command, args)} did not end in ${timeoutMs} ms\n${tail(stdout)}\n${tail(stderr)}`));
    }, timeoutMs);
    child.once('error', error => { clearTimeout(deadline); reject(error); });
    child.once('close', (code, signal) => { clearTimeout(deadline); resolve({ code, signal, stdout, stderr }); });
  });
}

/** Like run, and a program that fails is an error which shows what it said. */
export async function runWell(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const finished = await run(command, args, options);
  if (finished.code === 0) return finished;
  throw new Error(`${describe(command, args)} ended with ${finished.code ?? finished.signal}\n${tail(finished.stdout)}\n${tail(finished.stderr)}`);
}

/** A program that runs beside the test, read line by line. */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #name: string;
  readonly #lines: string[] = [];
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #alive = true;
  #stderr = '';
  #waiting: (() => void)[] = [];

  constructor(command: string, args: readonly string[], options: { env?: Record<string, string>; logFile?: string } = {}) {
    this.#name = describe(command, args);
    this.#child = track(spawn(command, args, { env: { ...process.env, ...options.env } }));
    this.#child.stdin.on('error', () => undefined);
    if (options.logFile !== undefined) {
      const log = createWriteStream(options.logFile, { flags: 'a' });
      log.on('error', () => undefined);   // The directory may go before the last line comes.
      this.#child.stdout.pipe(log, { end: false });
      this.#child.stderr.pipe(log, { end: false });
      this.#child.once('close', () => log.end());
    }
    createInterface({ input: this.#child.stdout }).on('line', line => { this.#lines.push(line); this.#wake(); });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => { this.#stderr = (this.#stderr + text).slice(-65_536); this.#wake(); });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', error => { this.#alive = false; this.#wake(); reject(error); });
      this.#child.once('close', (code, signal) => { this.#alive = false; this.#wake(); resolve({ code, signal }); });
    });
    this.#ended.catch(() => undefined);
  }

  get pid(): number { return this.#child.pid ?? -1; }
  get alive(): boolean { return this.#alive; }
  get lines(): readonly string[] { return this.#lines; }
  get stderr(): string { return this.#stderr; }

  send(line: string): void { this.#child.stdin.write(`${line}\n`); }
  endInput(): void { this.#child.stdin.end(); }
  signal(signal: NodeJS.Signals): void { this.#child.kill(signal); }

  /** Resolves with what `look` finds, looking again at each new output; rejects at its deadline, or when the program ends without it. */
  async until<T>(what: string, look: (program: Program) => T | undefined, timeoutMs = 60_000): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const alive = this.#alive;   // Read before looking, so that the last lines are looked at.
      const found = look(this);
      if (found !== undefined) return found;
      if (!alive) throw this.#failure(`ended before ${what}`);
      const left = deadline - performance.now();
      if (left <= 0) throw this.#failure(`waited ${timeoutMs} ms for ${what}`);
      await this.#nextOutput(left);
    }
  }

  line(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray> {
    return this.until(`a line like ${pattern.source}`, () => {
      for (const line of this.#lines) { const match = line.match(pattern); if (match) return match; }
      return undefined;
    }, timeoutMs);
  }

  /** Waits for the program to end by itself; at the deadline it is killed and that is an error. */
  async end(timeoutMs = 60_000): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    let late = false;
    const deadline = setTimeout(() => { late = true; this.#child.kill('SIGKILL'); }, timeoutMs);
    const ended = await this.#ended.finally(() => clearTimeout(deadline));
    if (late) throw this.#failure(`did not end in ${timeoutMs} ms`);
    return ended;
  }

  stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs?: number): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.#child.kill(signal);
    return this.end(timeoutMs);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.forEach(resume => resume());
  }

  #nextOutput(timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting.push(() => { clearTimeout(timer); resolve(); });
    });
  }

  #failure(what: string): Error {
    return new Error(`${this.#name} ${what}\n${tail(this.#lines.slice(-40).join('\n'))}\n${tail(this.#stderr)}`);
  }
}

function describe(command: string, args: readonly string[]): string {
  const said = [command, ...args.filter(arg => arg.length < 200)].join(' ');
  return said.length > 300 ? `${said.slice(0, 300)}…` : said;
}

function tail(text: string): string {
  return text.length > 6_000 ? `…${text.slice(-6_000)}` : text;
}
