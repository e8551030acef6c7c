// One broker of a local cluster: a process of its own, as in production, so that one can be killed while the others go on.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Timers } from '../../base/timers.js';

export interface ChildOptions {
  readonly id: number;
  readonly overrides: readonly string[];
  readonly logFile: string;
  readonly timers: Timers;
}

/** How long a broker may take to stop in order. */
const STOP_MS = 15_000;

export class Child {
  readonly id: number;
  readonly #process: ChildProcess;
  readonly #timers: Timers;
  /** How it ended. */
  readonly ended: Promise<string>;
  #address = '';
  #end: string | undefined;

  constructor({ id, overrides, logFile, timers }: ChildOptions) {
    this.id = id;
    this.#timers = timers;
    const log = openSync(logFile, 'a');
    // The same program. Not in our process group: Ctrl-C is for us, and we stop them one after the other.
    this.#process = spawn(process.execPath, [...process.execArgv, process.argv[1]!, 'start', ...overrides.flatMap(override => ['--override', override])], {
      detached: true, stdio: ['pipe', 'pipe', log], env: { ...process.env, ODRADEK_WITH_PARENT: '1' },
    });
    closeSync(log);
    this.#process.stdin?.on('error', () => {});
    this.ended = new Promise(resolve => {
      const ends = (how: string): void => {
        this.#end ??= how;
        resolve(how);
      };
      this.#process.once('error', error => ends(error.message));
      this.#process.once('exit', (code, signal) => ends(signal ?? `exit code ${code}`));
    });
  }

  get pid(): number { return this.#process.pid ?? -1; }
  get address(): string { return this.#address; }
  get port(): number { return Number(this.#address.split(':').at(-1)); }
  get alive(): boolean { return this.#end === undefined; }

  /** Rejects when it ends before it serves. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = '';
      this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const address = /ready on (\S+) in/.exec(said)?.[1];
        if (address === undefined) return;
        this.#address = address;
        resolve();
      });
      void this.ended.then(how => reject(new Error(`broker ${this.id} did not start: ${how}`)));
    });
  }

  /** In order, and if that takes too long, at once. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const late = this.#timers.after(STOP_MS, () => this.kill());
    await this.ended;
    late.cancel();
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
