// The header of a produced batch, looked at where it was received. Nothing below is verified yet: the log thread checks
// lengths, CRC and records, and a batch that lies fails there.

import { ErrorCode } from '../../protocol/errors.js';

const HEADER_BYTES = 61;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const ZSTD = 4;
const COMPRESSION_MASK = 7;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

/** One object, filled again for each batch. */
export class BatchHeader {
  compression = 0;
  transactional = false;
  producerId = -1;
  producerEpoch = -1;
  firstSequence = -1;
  lastSequence = -1;
  problem = '';

  /**
   * Reads the one batch that `view[start, start + length)` must be and answers the error for it, if any, in the order of
   * ProduceRequest.validateRecords. `problem` tells what was wrong.
   */
  read(view: DataView, start: number, length: number, apiVersion: number): number {
    if (length < HEADER_BYTES) return this.#refuse(ErrorCode.InvalidRecord, `Produce requests with version ${apiVersion} must have at least one record batch`);
    if (view.getInt8(start + MAGIC_AT) !== 2) return this.#wrongMagic(apiVersion);
    const size = view.getInt32(start + LENGTH_AT) + 12;
    if (size > length) return this.#refuse(ErrorCode.InvalidRecord, `Produce requests with version ${apiVersion} must have at least one record batch`);
    if (size < length) return this.#refuse(ErrorCode.InvalidRecord, `Produce requests with version ${apiVersion} are only allowed to contain exactly one record batch`);
    const attributes = view.getInt16(start + ATTRIBUTES_AT);
    this.compression = attributes & COMPRESSION_MASK;
    if (this.compression > ZSTD) return this.#refuse(ErrorCode.CorruptMessage, `Unknown compression type ${this.compression}`);
    if (this.compression === ZSTD && apiVersion < 7) return this.#refuse(ErrorCode.UnsupportedCompressionType, 'Produce requests before version 7 cannot carry zstd');
    if ((attributes & CONTROL) !== 0) return this.#refuse(ErrorCode.InvalidRecord, 'Clients are not allowed to write control records');
    this.transactional = (attributes & TRANSACTIONAL) !== 0;
    const producerHigh = view.getInt32(start + PRODUCER_ID_AT);
    this.producerId = producerHigh < 0 ? -1 : producerHigh * 4294967296 + view.getUint32(start + PRODUCER_ID_AT + 4);
    this.producerEpoch = view.getInt16(start + PRODUCER_EPOCH_AT);
    this.firstSequence = view.getInt32(start + BASE_SEQUENCE_AT);
    const lastDelta = view.getInt32(start + LAST_DELTA_AT);
    if (this.producerId >= 0) {
      if (this.firstSequence < 0 || this.producerEpoch < 0) return this.#refuse(ErrorCode.InvalidRecord, 'Invalid sequence number or epoch of a batch with a producer id');
      if (this.producerId > Number.MAX_SAFE_INTEGER) return this.#refuse(ErrorCode.InvalidRecord, 'No producer id is that large');
    }
    // After 2147483647 comes 0 (DefaultRecordBatch.incrementSequence).
    this.lastSequence = (this.firstSequence + lastDelta) & 0x7fffffff;
    return ErrorCode.None;
  }

  #wrongMagic(apiVersion: number): number {
    if (apiVersion >= 3) return this.#refuse(ErrorCode.InvalidRecord, `Produce requests with version ${apiVersion} are only allowed to contain record batches with magic version 2`);
    return this.#refuse(ErrorCode.UnsupportedForMessageFormat, 'Message formats 0 and 1 are not taken');
  }

  #refuse(code: number, problem: string): number {
    this.problem = problem;
    return code;
  }
}
