// What a client is told of an append that failed.

import { NativeCode } from '../../native/codes.js';
import type { AppendOutcome } from '../../native/exchange.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { ProducePartitionDetails } from '../../protocol/hot/produce.js';

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

/** RecordErrors and message as LogValidator words them. */
export function appendErrorDetails(outcome: AppendOutcome): ProducePartitionDetails | undefined {
  if (outcome.code === NativeCode.invalidTimestamp || (outcome.code === NativeCode.invalidRecord && outcome.recordIndex >= 0)) {
    const timestamp = outcome.code === NativeCode.invalidTimestamp;
    return {
      errorMessage: timestamp ? 'One or more records have been rejected due to invalid timestamp' : `One or more records have been rejected due to ${outcome.recordErrors} record errors in total`,
      recordErrors: [{ batchIndex: outcome.recordIndex, batchIndexErrorMessage: timestamp ? 'Timestamp of message is out of range.' : 'Compacted topic cannot accept message without key in topic partition.' }],
    };
  }
  return undefined;
}
