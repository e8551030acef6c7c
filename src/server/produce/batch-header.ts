// The header of a produced batch, looked at where it was received. Nothing below is verified yet: the log thread checks
// CRC, header and records, and a batch that lies fails there.

import { ErrorCode } from '../../protocol/errors.js';

const HEADER_BYTES = 61;
const LENGTH_AT = 8;
/** What the length counts from. */
const LENGTH_END = 12;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const CURRENT_MAGIC = 2;
/** The least that a message of the oldest format takes (LegacyRecord.java). */
const LEAST_LENGTH = 14;
const ZSTD = 4;
const COMPRESSION_MASK = 7;
const TRANSACTIONAL = 1 << 4;

/** Frames that are none. */
const PARTIAL = 0;
const CORRUPT = -1;

/** One object, filled again for each batch. */
export class BatchHeader {
  /** Bytes of the batch; what lies behind it is no batch and is dropped. 0: there is none (versions 0-2 take that). */
  size = 0;
  compression = 0;
  transactional = false;
  /** -1 also where there is no sequence to go with it: the log thread refuses that. */
  producerId = -1;
  producerEpoch = -1;
  firstSequence = -1;
  lastSequence = -1;
  /** The error is not for this partition but for all of the request, with this message. */
  refusesRequest = false;
  /** The same, unless the partition is unknown: of such a one Kafka reads no more than the first batch. */
  refusesRequestIfKnown = false;
  message: string | undefined;

  /**
   * Reads the one batch that should begin `view[start, start + length)` and answers the error for it, if any, in the order of
   * KafkaApis.handleProduceRequest and ProduceRequest.validateRecords.
   */
  read(view: DataView, start: number, length: number, apiVersion: number): number {
    this.refusesRequest = false;
    this.refusesRequestIfKnown = false;
    this.transactional = false;
    this.producerId = -1;
    this.compression = 0;
    this.message = undefined;
    const size = this.#frame(view, start, length);
    this.size = Math.max(0, size);
    if (size === CORRUPT) {
      this.refusesRequest = true;
      return ErrorCode.CorruptMessage;
    }
    const strict = apiVersion >= 3;
    if (size === PARTIAL) return strict || length < 0 ? ErrorCode.InvalidRecord : ErrorCode.None;
    if (view.getInt8(start + MAGIC_AT) !== CURRENT_MAGIC) return strict ? ErrorCode.InvalidRecord : ErrorCode.UnsupportedForMessageFormat;
    const attributes = view.getInt16(start + ATTRIBUTES_AT);
    this.compression = attributes & COMPRESSION_MASK;
    this.transactional = (attributes & TRANSACTIONAL) !== 0;
    if (this.compression === ZSTD && strict && apiVersion < 7) return ErrorCode.UnsupportedCompressionType;
    if (size < length) {
      const next = this.#frame(view, start + size, length - size);
      this.message = undefined;
      // Versions 0-2 find this where it can only be told of the whole request.
      if (next === CORRUPT) this.refusesRequestIfKnown = !strict;
      if (next !== PARTIAL) return next === CORRUPT ? ErrorCode.CorruptMessage : ErrorCode.InvalidRecord;
    }
    if (size < HEADER_BYTES) return ErrorCode.CorruptMessage;
    this.#readProducer(view, start);
    return this.producerId > Number.MAX_SAFE_INTEGER ? ErrorCode.InvalidRecord : ErrorCode.None;
  }

  #readProducer(view: DataView, start: number): void {
    const producerHigh = view.getInt32(start + PRODUCER_ID_AT);
    this.firstSequence = view.getInt32(start + BASE_SEQUENCE_AT);
    if (producerHigh >= 0 && this.firstSequence >= 0) this.producerId = producerHigh * 4294967296 + view.getUint32(start + PRODUCER_ID_AT + 4);
    this.producerEpoch = view.getInt16(start + PRODUCER_EPOCH_AT);
    // After 2147483647 comes 0 (DefaultRecordBatch.incrementSequence).
    this.lastSequence = (this.firstSequence + view.getInt32(start + LAST_DELTA_AT)) & 0x7fffffff;
  }

  /** The size of the batch that begins there, PARTIAL where it does not end there, or CORRUPT (ByteBufferLogInputStream.java). */
  #frame(view: DataView, start: number, length: number): number {
    if (length < LENGTH_END) return PARTIAL;
    const bytes = view.getInt32(start + LENGTH_AT);
    if (bytes < LEAST_LENGTH) {
      this.message = `Record size ${bytes} is less than the minimum record overhead (${LEAST_LENGTH})`;
      return CORRUPT;
    }
    if (length <= MAGIC_AT) return PARTIAL;
    const magic = view.getInt8(start + MAGIC_AT);
    if (magic < 0 || magic > CURRENT_MAGIC) {
      this.message = `Invalid magic found in record: ${magic}`;
      return CORRUPT;
    }
    return bytes + LENGTH_END > length ? PARTIAL : bytes + LENGTH_END;
  }
}
