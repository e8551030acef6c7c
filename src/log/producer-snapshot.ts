// A snapshot file: the producers of a log as of an offset, which is the file's name. Version 1, big endian:
//
//   int16 version, uint32 CRC-32C of all that follows, int32 count, then for each producer 46 bytes:
//   int64 producer id, int16 epoch, int32 last sequence, int64 last offset, int32 offset delta, int64 timestamp,
//   int32 coordinator epoch, int64 first offset of the open transaction
//
// Of a producer's batches only the last one survives a snapshot (ProducerStateManager.java).
import { crc32c } from '../protocol/records/crc32c.js';
import { NO_OFFSET, ProducerEntry } from './producer-entry.js';

const VERSION = 1;
const CRC_AT = 2;
const CHECKED_FROM = 6;
const HEADER = 10;
const ENTRY = 46;

export const SNAPSHOT_SUFFIX = '.snapshot';

export class CorruptSnapshot extends Error {
  override readonly name = 'CorruptSnapshot';
}

export function encodeSnapshot(producers: Iterable<ProducerEntry>, count: number): Buffer {
  const bytes = Buffer.alloc(HEADER + ENTRY * count);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(count, CHECKED_FROM);
  let at = HEADER;
  for (const producer of producers) {
    writeInt64(bytes, at, producer.producerId);
    bytes.writeInt16BE(producer.epoch, at + 8);
    bytes.writeInt32BE(producer.lastSequence, at + 10);
    writeInt64(bytes, at + 14, producer.lastOffset);
    bytes.writeInt32BE(producer.lastOffsetDelta, at + 22);
    writeInt64(bytes, at + 26, producer.lastTimestamp);
    bytes.writeInt32BE(producer.coordinatorEpoch, at + 34);
    writeInt64(bytes, at + 38, producer.transactionStart);
    at += ENTRY;
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(CHECKED_FROM)), CRC_AT);
  return bytes;
}

/** Throws CorruptSnapshot: the file is then as good as absent. */
export function decodeSnapshot(bytes: Buffer): ProducerEntry[] {
  if (bytes.length < HEADER) throw new CorruptSnapshot(`${bytes.length} bytes are too few`);
  const version = bytes.readInt16BE(0);
  if (version !== VERSION) throw new CorruptSnapshot(`version ${version} is not ${VERSION}`);
  if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes.subarray(CHECKED_FROM))) throw new CorruptSnapshot('the checksum does not match');
  const count = bytes.readInt32BE(CHECKED_FROM);
  if (count < 0 || bytes.length !== HEADER + ENTRY * count) throw new CorruptSnapshot(`${count} producers do not take ${bytes.length} bytes`);
  return Array.from({ length: count }, (_, index) => decodeEntry(bytes, HEADER + ENTRY * index));
}

function decodeEntry(bytes: Buffer, at: number): ProducerEntry {
  const producer = new ProducerEntry(readInt64(bytes, at));
  const epoch = bytes.readInt16BE(at + 8);
  const lastOffset = readInt64(bytes, at + 14);
  const timestamp = readInt64(bytes, at + 26);
  // A producer whose batches are all gone, or who only ended a transaction here, has an epoch and no batch.
  if (lastOffset >= 0) producer.add(epoch, bytes.readInt32BE(at + 10), lastOffset, bytes.readInt32BE(at + 22), timestamp);
  else producer.adoptEpoch(epoch);
  producer.lastTimestamp = timestamp;
  producer.coordinatorEpoch = bytes.readInt32BE(at + 34);
  producer.transactionStart = Math.max(NO_OFFSET, readInt64(bytes, at + 38));
  producer.settle();
  return producer;
}

function writeInt64(bytes: Buffer, at: number, value: number): void {
  bytes.writeInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value < 0 ? (value % 2 ** 32 + 2 ** 32) % 2 ** 32 : value % 2 ** 32, at + 4);
}

function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
