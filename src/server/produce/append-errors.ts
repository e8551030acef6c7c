// What a client is told of an append that failed.

import { NativeCode } from '../../native/codes.js';
import type { AppendOutcome } from '../../native/exchange.js';
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

/** What the client reads of a refused batch, and which record is to blame, as LogValidator words them. */
export function appendRefusal(outcome: Pick<AppendOutcome, 'code' | 'recordIndex' | 'recordErrors'>): { readonly message: string | undefined; readonly record: RecordBlame | undefined } {
  const { code, recordIndex: index, recordErrors } = outcome;
  if (code === NativeCode.invalidTimestamp) {
    const record = index < 0 ? undefined : { index, message: 'Timestamp of message is out of range.' };
    return { message: 'One or more records have been rejected due to invalid timestamp', record };
  }
  if (code === NativeCode.invalidRecord && index >= 0) {
    return {
      message: `One or more records have been rejected due to ${recordErrors} record errors in total`,
      record: { index, message: 'Compacted topic cannot accept message without key in topic partition.' },
    };
  }
  return { message: undefined, record: undefined };
}
