// What a follower learns of batches that it has appended: the leader epochs in them, and what their producers may append next.
// Their headers are read where the fetch answer was received: the log thread checked them, and appended them as they are.

import type { LeaderEpochCache } from './leader-epoch-cache.js';
import { sequenceAfter } from './producer-entry.js';
import type { ProducerStateManager } from './producer-state.js';

const LENGTH_AT = 8;
const LENGTH_END = 12;
const LEADER_EPOCH_AT = 12;
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const RECORD_COUNT_AT = 57;
const HEADER_BYTES = 61;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

/** A batch of a producer, or a marker of one, that is in the log. */
export interface ProducerBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly attributes: number;
  readonly baseSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  /** Of markers: 0 aborts, 1 commits. -1 where compaction has taken the marker out of its batch. */
  readonly controlType: number;
  readonly coordinatorEpoch: number;
}

/** Whole batches from `at` on, up to the one that ends with `lastOffset`. */
export function learnBatches(bytes: DataView, at: number, lastOffset: number, epochs: LeaderEpochCache, producers: ProducerStateManager): void {
  let latest = epochs.latestEpoch;
  for (let last = -1; last < lastOffset; at += LENGTH_END + bytes.getInt32(at + LENGTH_AT)) {
    const baseOffset = int64(bytes, at);
    last = baseOffset + bytes.getInt32(at + LAST_DELTA_AT);
    const epoch = bytes.getInt32(at + LEADER_EPOCH_AT);
    if (epoch !== latest && epoch >= 0) {
      epochs.assign(epoch, baseOffset);
      latest = epoch;
    }
    if (bytes.getInt32(at + PRODUCER_ID_AT) < 0) continue;
    const attributes = bytes.getInt16(at + ATTRIBUTES_AT);
    const marker = (attributes & CONTROL) !== 0 && bytes.getInt32(at + RECORD_COUNT_AT) > 0 ? readMarker(bytes, at + HEADER_BYTES) : NO_MARKER;
    learnProducer(producers, {
      producerId: int64(bytes, at + PRODUCER_ID_AT), producerEpoch: bytes.getInt16(at + PRODUCER_EPOCH_AT), attributes,
      baseSequence: bytes.getInt32(at + BASE_SEQUENCE_AT), baseOffset, lastOffset: last, maxTimestamp: int64(bytes, at + MAX_TIMESTAMP_AT),
      controlType: marker.controlType, coordinatorEpoch: marker.coordinatorEpoch,
    });
  }
}

/** Adds a batch that is in the log to what is known of its producer, whether or not a client could have sent it. */
export function learnProducer(producers: ProducerStateManager, batch: ProducerBatch): void {
  const { producerId, producerEpoch, attributes, baseOffset, lastOffset, maxTimestamp } = batch;
  if ((attributes & CONTROL) !== 0) {
    if (batch.controlType === ABORT || batch.controlType === COMMIT) producers.endTransaction(producerId, producerEpoch, batch.coordinatorEpoch, lastOffset, maxTimestamp, batch.controlType === ABORT);
    return;
  }
  const lastSequence = sequenceAfter(batch.baseSequence, lastOffset - baseOffset);
  producers.replay(producerId, producerEpoch, lastSequence, baseOffset, lastOffset, maxTimestamp, (attributes & TRANSACTIONAL) !== 0);
}

const ABORT = 0;
const COMMIT = 1;
const NO_MARKER = { controlType: -1, coordinatorEpoch: -1 };

/** The one record of a control batch, which is never compressed: key is version and type, value is version and coordinator epoch. */
function readMarker(bytes: DataView, record: number): { controlType: number; coordinatorEpoch: number } {
  let at = record;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.getUint8(at++);
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
  };
  varint();
  at += 1;
  varint();
  varint();
  const keyBytes = varint();
  const controlType = keyBytes >= 4 ? bytes.getInt16(at + 2) : -1;
  at += Math.max(0, keyBytes);
  const valueBytes = varint();
  return { controlType, coordinatorEpoch: valueBytes >= 6 ? bytes.getInt32(at + 2) : -1 };
}

function int64(bytes: DataView, at: number): number {
  return bytes.getInt32(at) * 4294967296 + bytes.getUint32(at + 4);
}
