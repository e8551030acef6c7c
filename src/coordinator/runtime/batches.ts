import { invariant } from '../../base/invariant.js';
import { BatchBuilder, controlRecordType, ControlRecordType, readRecords } from '../../protocol/records/index.js';
import type { BatchView } from '../../protocol/records/index.js';
import type { EncodedRecord } from './state-machine.js';

/** Inflates the records of a compressed batch. */
export type Inflate = (codec: number, records: Uint8Array) => Promise<Uint8Array>;

/** A record that was read back. Its bytes are the log's: copy what must last. */
export interface LoggedRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
  /** The base offset of its batch, which is what appends resolve with. */
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

/** What a batch says; `inflated` are its records if it is compressed. */
export function entriesOf(batch: BatchView, inflated?: Uint8Array): LogEntry[] {
  const records = readRecords(batch, inflated);
  if (batch.isControl) return records.flatMap(record => marker(batch.producerId, controlRecordType(record)));
  const batchOffset = batch.baseOffset;
  const transaction = batch.isTransactional ? batch.producerId : null;
  return records.map(({ key, value }) => {
    invariant(key !== null, `a coordinator record without a key in the batch at ${batchOffset}`);
    return { kind: 'record', record: { key, value, batchOffset, transaction } };
  });
}

function marker(producerId: number, type: number): LogEntry[] {
  if (type !== ControlRecordType.commit && type !== ControlRecordType.abort) return [];
  return [{ kind: 'marker', producerId, committed: type === ControlRecordType.commit }];
}
