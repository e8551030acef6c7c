import { BatchBuilder, Compression, controlRecordType, ControlRecordType, readRecords, walkBatches } from '../../protocol/records/index.js';
import type { EncodedRecord } from './state-machine.js';

/** Inflates the records of a compressed batch. */
export type Inflate = (codec: number, records: Uint8Array) => Promise<Uint8Array>;

/** A record that was read back. Its bytes are the log's: copy what must last. */
export interface LoggedRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
  /** The first offset of its batch, which is what appends resolve with. */
  readonly batchOffset: number;
  /** The producer whose transaction it belongs to. */
  readonly transaction: number | null;
}

export type LogEntry =
  | { readonly kind: 'record'; readonly record: LoggedRecord }
  | { readonly kind: 'marker'; readonly producerId: number; readonly committed: boolean };

/** One uncompressed batch, stamped with the time of its making as all coordinator records are. */
export function buildBatch(records: readonly EncodedRecord[], timestamp: number): Uint8Array {
  const builder = new BatchBuilder();
  for (const { key, value } of records) builder.append({ timestamp, key, value });
  return builder.build();
}

/** What whole batches say, in order. */
export async function* readLogged(bytes: Uint8Array, inflate: Inflate): AsyncGenerator<LogEntry, void, void> {
  for (const batch of walkBatches(bytes)) {
    const { compression, isControl, isTransactional, producerId } = batch;
    const records = readRecords(batch, compression === Compression.none ? undefined : await inflate(compression, batch.records));
    if (isControl) {
      for (const record of records) {
        const type = controlRecordType(record);
        if (type === ControlRecordType.commit || type === ControlRecordType.abort) yield { kind: 'marker', producerId, committed: type === ControlRecordType.commit };
      }
      continue;
    }
    // Offsets of a compacted batch begin later than the batch, but batches stay in order, and only that counts.
    const batchOffset = batch.baseOffset;
    for (const { key, value } of records) {
      if (key === null) throw new Error(`a coordinator record without a key in the batch at ${batchOffset}`);
      yield { kind: 'record', record: { key, value, batchOffset, transaction: isTransactional ? producerId : null } };
    }
  }
}
