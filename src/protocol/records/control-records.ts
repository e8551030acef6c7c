// Control records: the key says which kind (version, type), the value is the kind's own message.

import { ProtocolError } from '../protocol-error.js';
import { Reader } from '../reader.js';
import { Writer } from '../writer.js';
import { BatchBuilder } from './batch-builder.js';
import type { LogRecord } from './record.js';

export const ControlRecordType = { abort: 0, commit: 1, leaderChange: 2, snapshotHeader: 3, snapshotFooter: 4, kraftVersion: 5, kraftVoters: 6 } as const;
export type ControlRecordType = (typeof ControlRecordType)[keyof typeof ControlRecordType];

export interface EndTxnMarker {
  type: 'commit' | 'abort';
  producerId: number;
  producerEpoch: number;
  coordinatorEpoch: number;
  timestamp: number;
  baseOffset?: number;
  partitionLeaderEpoch?: number;
}

/** The batch that ends a transaction in a partition: one control record, always 78 bytes (EndTransactionMarker.java). */
export function endTxnMarkerBatch(marker: EndTxnMarker): Buffer {
  const key = new Writer(16);
  key.writeInt16(0);
  key.writeInt16(ControlRecordType[marker.type]);
  const value = new Writer(16);
  value.writeInt16(0);
  value.writeInt32(marker.coordinatorEpoch);
  const { producerId, producerEpoch, timestamp, baseOffset = 0, partitionLeaderEpoch = -1 } = marker;
  return new BatchBuilder({ baseOffset, partitionLeaderEpoch, producerId, producerEpoch, transactional: true, control: true })
    .append({ timestamp, key: key.finish(), value: value.finish() })
    .build();
}

/** The type of a control record; an unknown one (a later Kafka's) is given as its number and is to be skipped. */
export function controlRecordType(record: Pick<LogRecord, 'key'>): number {
  if (record.key === null) throw new ProtocolError('a control record without a key');
  const reader = new Reader(record.key);
  const version = reader.readInt16();
  if (version < 0) throw new ProtocolError(`a control record key of version ${version}`);
  return reader.readInt16();
}

/** The coordinator epoch in the value of an abort or commit record. */
export function endTxnCoordinatorEpoch(record: Pick<LogRecord, 'value'>): number {
  if (record.value === null) throw new ProtocolError('a transaction marker without a value');
  const reader = new Reader(record.value);
  reader.skip(2); // later versions only add
  return reader.readInt32();
}
