import type { ErrorCode } from '../../../src/protocol/errors.js';
import { BatchView, readRecords, walkBatches } from '../../../src/protocol/records/index.js';
import { CoordinatorLogError } from '../../../src/coordinator/log.js';
import type { CoordinatorLog } from '../../../src/coordinator/log.js';
import { decodeRecord } from '../../../src/coordinator/group/records.js';
import type { GroupRecord } from '../../../src/coordinator/group/records.js';
import { settled } from './manual-time.js';

interface Waiting {
  readonly partition: number;
  readonly batch: Buffer;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: Error) => void;
}

/** An internal topic in memory. It commits at once, or when told to. */
export class MemoryLog implements CoordinatorLog {
  readonly #partitions = new Map<number, Buffer[]>();
  #waiting: Waiting[] = [];
  #holding = false;
  /** Batches given to append(), whatever became of them. */
  appends = 0;
  /** While set, reads wait. */
  #readGate: { readonly open: () => void; readonly opened: Promise<void> } | null = null;
  #commitGate: { readonly open: () => void; readonly opened: Promise<void> } | null = null;

  append(partition: number, batch: Uint8Array): Promise<number> {
    this.appends++;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ partition, batch: Buffer.from(batch), resolve, reject });
      if (!this.#holding) this.#commit(this.#waiting.shift()!);
    });
  }

  async read(partition: number, offset: number, maxBytes: number): Promise<{ bytes: Uint8Array; nextOffset: number }> {
    await this.#readGate?.opened;
    const chosen: Buffer[] = [];
    let size = 0;
    let nextOffset = offset;
    for (const batch of this.#partitions.get(partition) ?? []) {
      const view = new BatchView(batch);
      if (view.lastOffset < offset) continue;
      if (chosen.length > 0 && size + batch.length > maxBytes) break;
      chosen.push(batch);
      size += batch.length;
      nextOffset = view.lastOffset + 1;
    }
    return { bytes: Buffer.concat(chosen), nextOffset };
  }

  logStartOffset(partition: number): number {
    const first = this.#partitions.get(partition)?.[0];
    return first === undefined ? 0 : new BatchView(first).baseOffset;
  }

  async committed(): Promise<void> {
    await this.#commitGate?.opened;
  }

  /** While set, nothing that was read is known to be committed. */
  holdCommitted(): void {
    let open!: () => void;
    const opened = new Promise<void>(resolve => { open = resolve; });
    this.#commitGate = { open, opened };
  }

  async releaseCommitted(): Promise<void> {
    this.#commitGate?.open();
    this.#commitGate = null;
    await settled();
  }

  /** Puts a batch there that somebody else has written. */
  plant(partition: number, batch: Uint8Array): void {
    this.#store(partition, Buffer.from(batch));
  }

  hold(): void {
    this.#holding = true;
  }

  get held(): number {
    return this.#waiting.length;
  }

  /** The oldest `count`. */
  async commitHeld(count = Infinity): Promise<void> {
    for (const waiting of this.#waiting.splice(0, count)) this.#commit(waiting);
    await settled();
  }

  /** The verdict on a held append other than the oldest arrives first. */
  async commitHeldOutOfOrder(): Promise<void> {
    // Offsets follow the order of the calls; only the news travels the other way round.
    const offsets = this.#waiting.map(({ partition, batch }) => this.#store(partition, batch));
    for (const [i, waiting] of [...this.#waiting.entries()].reverse()) {
      waiting.resolve(offsets[i]!);
      await settled();
    }
    this.#waiting = [];
  }

  async refuseHeld(code: ErrorCode): Promise<void> {
    for (const { reject } of this.#waiting.splice(0)) reject(new CoordinatorLogError(code));
    await settled();
  }

  release(): void {
    this.#holding = false;
  }

  holdReads(): void {
    let open!: () => void;
    const opened = new Promise<void>(resolve => { open = resolve; });
    this.#readGate = { open, opened };
  }

  async releaseReads(): Promise<void> {
    this.#readGate?.open();
    this.#readGate = null;
    await settled();
  }

  /** What the records of a partition say, in order. */
  records(partition: number): GroupRecord[] {
    const batches = this.#partitions.get(partition) ?? [];
    return batches.flatMap(bytes => [...walkBatches(bytes)].flatMap(batch => readRecords(batch).flatMap(({ key, value }) => {
      const record = decodeRecord({ key: key!, value, batchOffset: batch.baseOffset, transaction: null });
      return record === undefined ? [] : [record];
    })));
  }

  rawRecords(partition: number): { key: Buffer; value: Buffer | null; timestamp: number }[] {
    const batches = this.#partitions.get(partition) ?? [];
    return batches.flatMap(bytes => readRecords(new BatchView(bytes)).map(({ key, value, timestamp }) => ({ key: key!, value, timestamp })));
  }

  batchCount(partition: number): number {
    return this.#partitions.get(partition)?.length ?? 0;
  }

  #commit({ partition, batch, resolve }: Waiting): void {
    resolve(this.#store(partition, batch));
  }

  #store(partition: number, batch: Buffer): number {
    let batches = this.#partitions.get(partition);
    if (batches === undefined) this.#partitions.set(partition, batches = []);
    const last = batches.at(-1);
    const baseOffset = last === undefined ? 0 : new BatchView(last).lastOffset + 1;
    batch.writeBigInt64BE(BigInt(baseOffset), 0);
    batches.push(batch);
    return baseOffset;
  }
}
