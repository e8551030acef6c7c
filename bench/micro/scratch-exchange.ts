// An exchange without listeners, and a log in a scratch directory, for the benchmarks of the boundary and the log.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from '../../src/native/addon.js';
import { Commands } from '../../src/native/commands.js';
import { AppendFlag, CompletionField, CompletionKind, LogFact, type LogOptions, type NativeExchange } from '../../src/native/exchange.js';
import { Jobs, NativeError, type JobResult } from '../../src/native/jobs.js';
import { BatchBuilder } from '../../src/protocol/records/index.js';
import { seededRandom } from '../../src/base/random.js';

const COMPLETIONS = 65_536;
const BASE_OFFSET_BYTES = 8;

const LOG_OPTIONS: LogOptions = {
  segmentBytes: 1 << 30,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  jitterSeed: 0,
  indexIntervalBytes: 4096,
  indexMaxBytes: 10 << 20,
  maxMessageBytes: 1_048_588,
  flushMessages: Number.MAX_SAFE_INTEGER,
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
};

export interface PlacedBatches {
  readonly offset: number;
  readonly length: number;
  readonly copies: number;
}

export class ScratchExchange {
  readonly native: NativeExchange;
  readonly commands: Commands;
  readonly jobs: Jobs;
  readonly #dir = mkdtempSync(join(tmpdir(), 'odradek-micro-'));
  #wake: () => void = () => {};
  #appending = 0;
  #refused = 0;

  constructor() {
    this.native = new (loadAddon().Exchange)({
      networkThreads: 1,
      logThreads: 1,
      arenaBytes: 64 << 20,
      maxRequestBytes: 100 << 20,
      queuedMaxBytes: 32 << 20,
      maxInFlight: 4096,
      maxQueuedResponseBytes: 1 << 20,
      connectionsMaxIdleMs: 600_000,
      maxConnections: 100,
      sendBufferBytes: 100 << 10,
      receiveBufferBytes: 100 << 10,
      onWake: () => this.#wake(),
    });
    this.commands = new Commands(this.native);
    this.jobs = new Jobs(this.native);
  }

  /** An empty log; its index. */
  async openLog(): Promise<number> {
    let log = -1;
    await this.job('open', (native, cookie) => {
      log = native.openLog(cookie, mkdtempSync(join(this.#dir, 'log-')), LOG_OPTIONS, 0, 0, true);
    });
    return log;
  }

  /** Copies of a batch, side by side in the arena: a log thread writes the offsets into each. */
  place(batch: Uint8Array, copies: number): PlacedBatches {
    const offset = this.native.lease(batch.length * copies);
    if (offset < 0) throw new Error('the arena has no room');
    const arena = new Uint8Array(this.native.arena, offset, batch.length * copies);
    for (let i = 0; i < copies; i += 1) arena.set(batch, i * batch.length);
    return { offset, length: batch.length, copies };
  }

  /** Appends each of them in one flush, and waits until all of it is done. */
  async append(log: number, batches: PlacedBatches): Promise<void> {
    // A leader refuses batches that claim an offset, and these still have the ones they were given last time.
    const arena = new Uint8Array(this.native.arena);
    for (let i = 0; i < batches.copies; i += 1) {
      const at = batches.offset + i * batches.length;
      arena.fill(0, at, at + BASE_OFFSET_BYTES);
    }
    this.#appending = batches.copies;
    this.#refused = 0;
    for (let i = 0; i < batches.copies; i += 1) {
      this.commands.append(log, batches.offset + i * batches.length, batches.length, 0, AppendFlag.notify, 0, 0);
    }
    this.commands.flush();
    while (this.#appending > 0) await this.#turn();
    if (this.#refused > 0) throw new Error(`${this.#refused} appends were refused`);
  }

  endOffset(log: number): number {
    const facts = new Float64Array(LogFact.size);
    if (!this.native.logFacts(log, facts)) throw new Error('the log is not open');
    return facts[LogFact.endOffset]!;
  }

  /** One asynchronous native call, to its end. */
  async job(what: string, begin: (native: NativeExchange, cookie: number) => void): Promise<JobResult> {
    const ended: JobResult[] = [];
    this.jobs.start(begin, result => ended.push(result));
    while (ended.length === 0) await this.#turn();
    const result = ended[0]!;
    if (result.code !== 0) throw new NativeError(what, result.code);
    return result;
  }

  close(): void {
    this.native.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Takes what there is, then sleeps until native code says there is more. */
  async #turn(): Promise<void> {
    const woken = new Promise<void>(resolve => { this.#wake = resolve; });
    const counts = this.native.poll();
    const completions = Math.floor(counts / COMPLETIONS);
    for (let i = 0; i < completions; i += 1) this.#complete(i * CompletionField.size);
    if (completions === 0) await woken;
  }

  #complete(at: number): void {
    const { completions } = this.native;
    const kind = completions[at + CompletionField.kind]!;
    if (kind === CompletionKind.job) this.jobs.settle(completions, at);
    if (kind !== CompletionKind.appended) return;
    this.#appending -= 1;
    if (completions[at + CompletionField.code] !== 0) this.#refused += 1;
  }
}

/** A batch built from a seed. */
export function seededBatch(records: number, valueBytes: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const builder = new BatchBuilder();
  for (let i = 0; i < records; i += 1) {
    builder.append({ timestamp: 1_700_000_000_000, key: null, value: Buffer.from(Array.from({ length: valueBytes }, () => random.int(256))), headers: [] });
  }
  return builder.build();
}
