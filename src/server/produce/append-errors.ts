// What a client is told of an append that failed.

import { NativeCode } from '../../native/codes.js';
import { RecordErrorField } from '../../native/exchange.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { Partition } from '../../replication/partition.js';
import { NO_LOG_START, type RecordBlame } from './produce-rows.js';

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
  // Another leadership had begun before it was its turn.
  [NativeCode.fencedEpoch, ErrorCode.NotLeaderOrFollower],
]);

export function appendErrorCode(nativeCode: number): number {
  return CODES.get(nativeCode) ?? ErrorCode.UnknownServerError;
}

/** Failed appends of which Kafka expects some, and then says nothing of the log (ReplicaManager.appendToLocalLog). */
const EXPECTED = new Set<number>([
  ErrorCode.UnknownTopicOrPartition, ErrorCode.NotLeaderOrFollower, ErrorCode.MessageTooLarge, ErrorCode.RecordListTooLarge, ErrorCode.CorruptMessage,
  ErrorCode.KafkaStorageError,
]);

/** The log start offset that stands beside the error of an append. */
export function logStartBeside(code: number, partition: Partition | undefined): number {
  return EXPECTED.has(code) ? NO_LOG_START : partition?.log?.startOffset ?? NO_LOG_START;
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
  readonly compressed: boolean;
  /** What the topic takes for a create time, from and to; undefined where it stamps batches itself. */
  readonly bounds: readonly [oldest: bigint, newest: bigint] | undefined;
}

/** What the client reads of a refused batch, and which records are to blame, as LogValidator words them. */
export function appendRefusal(batch: RefusedBatch): { readonly message: string | undefined; readonly records: readonly RecordBlame[] } {
  const records = blamed(batch);
  if (records.length === 0) return { message: undefined, records };
  if (batch.code === NativeCode.invalidTimestamp) return { message: 'One or more records have been rejected due to invalid timestamp', records };
  const some = records.slice(0, SHOWN).map(({ index, message }) => `RecordError(batchIndex=${index}, message='${message}')`);
  return {
    message: `One or more records have been rejected due to ${batch.recordErrors} record errors in total, and only showing the first three errors at most: [${some.join(', ')}]`,
    records,
  };
}

const SHOWN = 3;
const NO_TIMESTAMP = -1n;

function blamed(batch: RefusedBatch): RecordBlame[] {
  const { records, topic, partition, bounds } = batch;
  const all: RecordBlame[] = [];
  for (let at = 0; at < records.length; at += RecordErrorField.size) {
    const index = records[at + RecordErrorField.index]!;
    const timestamp = (BigInt(records[at + RecordErrorField.timestampHigh]!) << 32n) | BigInt(records[at + RecordErrorField.timestampLow]!);
    let message = `Compacted topic cannot accept message without key in topic partition ${topic}-${partition}`;
    if (records[at + RecordErrorField.code] === NativeCode.invalidTimestamp) {
      // No timestamp is never out of bounds.
      message = bounds === undefined || timestamp === NO_TIMESTAMP
        ? `Invalid timestamp type in message ${described(batch, at, timestamp)}. Producer should not set timestamp type to LogAppendTime.`
        : `Timestamp ${timestamp} of message with offset ${records[at + RecordErrorField.offset]!} is out of range. The timestamp should be within [${bounds.join(', ')}]`;
    }
    all.push({ index, message });
  }
  return all;
}

/** A record as Kafka prints it: differently where it was not unpacked. */
function described({ records, compressed }: RefusedBatch, at: number, timestamp: bigint): string {
  const size = (field: number): number => compressed ? records[at + field]! : Math.max(0, records[at + field]!);
  const kind = compressed ? 'PartialDefaultRecord' : 'DefaultRecord';
  return `${kind}(offset=${records[at + RecordErrorField.offset]!}, timestamp=${timestamp}, key=${size(RecordErrorField.keySize)} bytes, value=${size(RecordErrorField.valueSize)} bytes)`;
}
