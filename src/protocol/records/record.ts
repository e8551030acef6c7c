// One record inside a batch of magic 2:
//
//   length varint (bytes behind it) | attributes int8 | timestampDelta varlong | offsetDelta varint |
//   keyLength varint, key | valueLength varint, value | header count varint, headers
//   header: keyLength varint, key utf8 | valueLength varint, value           lengths of -1 are null

import { ProtocolError } from '../protocol-error.js';
import { Reader } from '../reader.js';
import type { Writer } from '../writer.js';
import type { BatchView } from './batch.js';

export interface RecordHeader {
  key: string;
  value: Uint8Array | null;
}

export interface LogRecord {
  offset: number;
  timestamp: number;
  /** Views on the batch. */
  key: Buffer | null;
  value: Buffer | null;
  headers: RecordHeader[];
}

/** What one adds to a batch. */
export interface RecordInput {
  timestamp: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers?: readonly RecordHeader[];
}

// A record's fields take at least a byte each.
const SMALLEST_RECORD = 7;

/**
 * The records of a batch, in order. A compressed batch needs its records handed in, inflated. Throws ProtocolError
 * where they are not what the header says.
 */
export function readRecords(batch: BatchView, inflated?: Uint8Array): LogRecord[] {
  if (batch.compression !== 0 && inflated === undefined) throw new ProtocolError('the batch is compressed');
  const reader = new Reader(inflated ?? batch.records);
  const { baseOffset, baseTimestamp, recordCount } = batch;
  const appendTime = batch.isLogAppendTime ? batch.maxTimestamp : null;
  if (recordCount < 0 || recordCount * SMALLEST_RECORD > reader.remaining) throw new ProtocolError(`a batch claims ${recordCount} records`);

  const records: LogRecord[] = [];
  for (let index = 0; index < recordCount; index++) records.push(readRecord(reader, baseOffset, baseTimestamp, appendTime));
  if (reader.remaining > 0) throw new ProtocolError(`${reader.remaining} bytes stand behind the last record`);
  return records;
}

function readRecord(reader: Reader, baseOffset: number, baseTimestamp: number, appendTime: number | null): LogRecord {
  const length = reader.readVarint();
  const end = reader.position + length;
  if (length < 0 || length > reader.remaining) throw new ProtocolError(`a record claims ${length} bytes`);
  reader.skip(1); // attributes: none are defined
  const timestampDelta = reader.readVarlong();
  const offsetDelta = reader.readVarint();
  const key = readBytes(reader);
  const value = readBytes(reader);
  const headers = readHeaders(reader);
  if (reader.position !== end) throw new ProtocolError('a record does not end where it says');
  const timestamp = appendTime ?? baseTimestamp + timestampDelta;
  return { offset: baseOffset + offsetDelta, timestamp, key, value, headers };
}

function readBytes(reader: Reader): Buffer | null {
  const length = reader.readVarint();
  return length < 0 ? null : reader.readRaw(length);
}

function readHeaders(reader: Reader): RecordHeader[] {
  const count = reader.readVarint();
  // A header takes two bytes at least.
  if (count < 0 || count * 2 > reader.remaining) throw new ProtocolError(`a record claims ${count} headers`);
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index++) {
    const key = reader.readRaw(reader.readVarint()).toString('utf8');
    headers.push({ key, value: readBytes(reader) });
  }
  return headers;
}

/** Appends one record's bytes. */
export function writeRecord(writer: Writer, record: RecordInput, offsetDelta: number, timestampDelta: number): void {
  const headers = record.headers ?? [];
  writer.writeVarint(bodySize(record, headers, offsetDelta, timestampDelta));
  writer.writeInt8(0);
  writer.writeVarlong(timestampDelta);
  writer.writeVarint(offsetDelta);
  writeBytes(writer, record.key);
  writeBytes(writer, record.value);
  writer.writeVarint(headers.length);
  for (const { key, value } of headers) {
    writeBytes(writer, Buffer.from(key, 'utf8'));
    writeBytes(writer, value);
  }
}

function writeBytes(writer: Writer, bytes: Uint8Array | null): void {
  writer.writeVarint(bytes === null ? -1 : bytes.length);
  if (bytes !== null) writer.writeRaw(bytes);
}

function bodySize(record: RecordInput, headers: readonly RecordHeader[], offsetDelta: number, timestampDelta: number): number {
  let size = 1 + varlongSize(timestampDelta) + varlongSize(offsetDelta) + bytesSize(record.key) + bytesSize(record.value) + varlongSize(headers.length);
  for (const { key, value } of headers) {
    const keyLength = Buffer.byteLength(key, 'utf8');
    size += varlongSize(keyLength) + keyLength + bytesSize(value);
  }
  return size;
}

function bytesSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varlongSize(bytes.length) + bytes.length;
}

/** Bytes that a zigzag varint or varlong takes. */
export function varlongSize(value: number): number {
  let rest = Math.floor((value < 0 ? -value - 1 : value) / 64);
  let size = 1;
  for (; rest > 0; size++) rest = Math.floor(rest / 128);
  return size;
}
