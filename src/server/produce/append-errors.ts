// What a client is told of an append that failed.

import { NativeCode } from '../../native/codes.js';
import { RecordErrorField } from '../../native/exchange.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { RecordBlame } from './produce-rows.js';

const CODES = new Map<number, number>([
  [NativeCode.corruptBatch, ErrorCode.CorruptMessage],
  [NativeCode.unsupportedMagic, ErrorCode.InvalidRecord],
  [NativeCode.invalidRecord, ErrorCode.InvalidRecord],
  [NativeCode.invalidTimestamp, ErrorCode.InvalidTimestamp],
  [NativeCode.messageTooLarge, ErrorCode.MessageTooLarge],
  [NativeCode.recordListTooLarge, ErrorCode.RecordListTooLarge],
  // Kafka's broker dies of a full disk. Ours goes on, and the producer may try again.
  [NativeCode.noSpace, ErrorCode.KafkaStorageError],
  [NativeCode.ioError, ErrorCode.KafkaStorageError],
  [NativeCode.permission, ErrorCode.KafkaStorageError],
  [NativeCode.tooManyFiles, ErrorCode.KafkaStorageError],
  // The log was closed under the request: the replica moved or the topic is being deleted.
  [NativeCode.closed, ErrorCode.NotLeaderOrFollower],
]);

export function appendErrorCode(nativeCode: number): number {
  return CODES.get(nativeCode) ?? ErrorCode.UnknownServerError;
}

/** A batch that was refused, and what its records were held against. */
export interface RefusedBatch {
  readonly code: number;
  /** RecordErrorField of the first refused records. */
  readonly records: Float64Array;
  /** How many were refused. */
  readonly recordErrors: number;
  readonly topic: string;
  readonly partition: number;
  readonly bounds: readonly [oldest: number, newest: number];
  /** The producer says that its times are the broker's. */
  readonly logAppendTime: boolean;
}

/** What the client reads of a refused batch, and which records are to blame, as LogValidator words them. */
export function appendRefusal(batch: RefusedBatch): { readonly message: string | undefined; readonly records: readonly RecordBlame[] } {
  const records = blamed(batch);
  if (batch.code === NativeCode.invalidTimestamp) return { message: 'One or more records have been rejected due to invalid timestamp', records };
  if (batch.code !== NativeCode.invalidRecord || records.length === 0) return { message: undefined, records: [] };
  const some = records.slice(0, SHOWN).map(({ index, message }) => `RecordError(batchIndex=${index}, message='${message}')`);
  return {
    message: `One or more records have been rejected due to ${batch.recordErrors} record errors in total, and only showing the first three errors at most: [${some.join(', ')}]`,
    records,
  };
}

const SHOWN = 3;

/** Where there is no bound, the number stands that says so in a long. */
function written(bound: number): string {
  if (Math.abs(bound) < Number.MAX_VALUE) return String(bound);
  return bound < 0 ? '-9223372036854775808' : '9223372036854775807';
}

function blamed({ records, topic, partition, bounds, logAppendTime }: RefusedBatch): RecordBlame[] {
  const all: RecordBlame[] = [];
  for (let at = 0; at < records.length; at += RecordErrorField.size) {
    const index = records[at + RecordErrorField.index]!;
    let message = `Compacted topic cannot accept message without key in topic partition ${topic}-${partition}`;
    if (records[at + RecordErrorField.code] === NativeCode.invalidTimestamp) {
      message = logAppendTime
        ? 'Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime.'
        : `Timestamp ${records[at + RecordErrorField.timestamp]!} of message with offset ${index} is out of range. The timestamp should be within [${bounds.map(written).join(', ')}]`;
    }
    all.push({ index, message });
  }
  return all;
}
