// A file of transactions, in ZooKeeper's form (FileTxnLog.java):
//
//   file   := magic "ZKLG" int32, version 2 int32, dbid int64, entry*, zero bytes*
//   entry  := adler32 int64, length int32, transaction, 'B'
//
// named `log.` and the zxid of its first transaction in hex.
import { JuteReader } from '../../jute/reader.js';
import { JuteWriter } from '../../jute/writer.js';
import { adler32 } from './adler.js';

const LOG_MAGIC = 0x5a4b4c47;
const FORMAT_VERSION = 2;
export const LOG_HEADER_BYTES = 16;
const ENTRY_HEADER_BYTES = 12;
const ENTRY_END = 0x42;

export const logName = (zxid: number): string => `log.${zxid.toString(16)}`;
export const snapshotName = (zxid: number): string => `snapshot.${zxid.toString(16)}`;

/** The zxid in a file's name. Undefined: it is another kind of file. */
export function zxidOf(name: string, kind: 'log' | 'snapshot'): number | undefined {
  const match = /^(log|snapshot)\.([0-9a-f]{1,13})$/.exec(name);
  return match?.[1] === kind ? Number.parseInt(match[2]!, 16) : undefined;
}

export function fileHeader(magic: number, dbid: bigint): Buffer {
  return new JuteWriter(LOG_HEADER_BYTES).int32(magic).int32(FORMAT_VERSION).long(dbid).finish();
}

export const logHeader = (dbid: bigint): Buffer => fileHeader(LOG_MAGIC, dbid);

export function readFileHeader(bytes: Buffer, magic: number): bigint | undefined {
  if (bytes.length < LOG_HEADER_BYTES) return undefined;
  const reader = new JuteReader(bytes);
  return reader.int32() === magic && reader.int32() === FORMAT_VERSION ? reader.long() : undefined;
}

export function logEntry(transaction: Buffer): Buffer {
  const writer = new JuteWriter(ENTRY_HEADER_BYTES + transaction.length + 1);
  writer.int64(adler32(transaction)).buffer(transaction);
  return Buffer.concat([writer.finish(), Buffer.of(ENTRY_END)]);
}

export interface LogContents {
  readonly dbid: bigint;
  readonly transactions: Buffer[];
  /** Where the last whole entry ends. */
  readonly end: number;
  /** What follows is neither nothing nor padding: a write that was cut off, or damage. */
  readonly torn: boolean;
}

/** Undefined: not even the header is whole. */
export function readLog(bytes: Buffer): LogContents | undefined {
  const dbid = readFileHeader(bytes, LOG_MAGIC);
  if (dbid === undefined) return undefined;
  const transactions: Buffer[] = [];
  let at = LOG_HEADER_BYTES;
  for (;;) {
    const entry = entryAt(bytes, at);
    if (entry === undefined) break;
    transactions.push(entry);
    at += ENTRY_HEADER_BYTES + entry.length + 1;
  }
  return { dbid, transactions, end: at, torn: bytes.subarray(at).some(byte => byte !== 0) };
}

/** Whether there is a transaction behind the header, whatever the header is. */
export const holdsTransactions = (bytes: Buffer): boolean => entryAt(bytes, LOG_HEADER_BYTES) !== undefined;

function entryAt(bytes: Buffer, at: number): Buffer | undefined {
  if (bytes.length - at < ENTRY_HEADER_BYTES + 1) return undefined;
  const reader = new JuteReader(bytes, at);
  const checksum = reader.int64();
  const length = reader.int32();
  const start = at + ENTRY_HEADER_BYTES;
  if (length <= 0 || length > bytes.length - start - 1 || bytes[start + length] !== ENTRY_END) return undefined;
  const entry = bytes.subarray(start, start + length);
  return adler32(entry) === checksum ? entry : undefined;
}
