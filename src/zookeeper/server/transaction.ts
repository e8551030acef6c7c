// What changes the tree, and how it is written down: ZooKeeper's own records (module txn of zookeeper.jute), so that
// Apache's server can take over an embedded server's directory, and the other way round.
import { JuteError, JuteReader } from '../jute/reader.js';
import { OpCode, readAcl, writeAcl } from '../jute/records.js';
import { JuteWriter } from '../jute/writer.js';
import type { Acl } from '../types.js';

/** A change that was found possible. Applying it cannot fail. */
export type Change =
  | { readonly type: 'create'; readonly path: string; readonly data: Buffer | null; readonly acl: readonly Acl[]; readonly ephemeral: boolean;
      /** How many children the parent has ever had, this one included; -1 in old logs: one more than before. */
      readonly parentCversion: number }
  | { readonly type: 'delete'; readonly path: string }
  | { readonly type: 'setData'; readonly path: string; readonly data: Buffer | null; readonly version: number }
  | { readonly type: 'setAcl'; readonly path: string; readonly acl: readonly Acl[]; readonly version: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number };

export type Transaction =
  | Change
  | { readonly type: 'multi'; readonly changes: readonly Change[] }
  | { readonly type: 'createSession'; readonly timeoutMs: number }
  | { readonly type: 'closeSession' }
  /** A request that failed. Apache's server logs those; ours does not. */
  | { readonly type: 'nothing' };

export interface TransactionHeader {
  readonly sessionId: bigint;
  readonly cxid: number;
  readonly zxid: number;
  readonly time: number;
}

const TYPES = { create: OpCode.create, delete: OpCode.delete, setData: OpCode.setData, setAcl: OpCode.setAcl, check: OpCode.check, multi: OpCode.multi,
  createSession: OpCode.createSession, closeSession: OpCode.closeSession, nothing: OpCode.error } as const;

export function encodeTransaction(header: TransactionHeader, transaction: Transaction, ephemerals: readonly string[] = []): Buffer {
  const writer = new JuteWriter();
  writer.long(header.sessionId).int32(header.cxid).int64(header.zxid).int64(header.time).int32(TYPES[transaction.type]);
  if (transaction.type === 'multi') writer.vector(transaction.changes, change => writeNested(writer, change));
  else if (transaction.type === 'createSession') writer.int32(transaction.timeoutMs);
  else if (transaction.type === 'closeSession') writer.vector(ephemerals, path => writer.string(path));
  else if (transaction.type === 'nothing') writer.int32(0);
  else writeChange(writer, transaction);
  return writer.finish();
}

function writeNested(writer: JuteWriter, change: Change): void {
  const nested = new JuteWriter();
  writeChange(nested, change);
  writer.int32(TYPES[change.type]).buffer(nested.finish());
}

function writeChange(writer: JuteWriter, change: Change): void {
  writer.string(change.path);
  switch (change.type) {
    case 'create':
      writer.buffer(change.data);
      writeAcl(writer, change.acl);
      writer.bool(change.ephemeral).int32(change.parentCversion);
      break;
    case 'setData':
      writer.buffer(change.data).int32(change.version);
      break;
    case 'setAcl':
      writeAcl(writer, change.acl);
      writer.int32(change.version);
      break;
    case 'check':
      writer.int32(change.version);
      break;
    case 'delete':
  }
}

export function decodeTransaction(bytes: Buffer): { header: TransactionHeader; transaction: Transaction } {
  const reader = new JuteReader(bytes);
  const header = { sessionId: reader.long(), cxid: reader.int32(), zxid: reader.int64(), time: reader.int64() };
  // What follows the record, a digest of Apache's, is of no use here.
  return { header, transaction: readTransaction(reader, reader.int32()) };
}

function readTransaction(reader: JuteReader, type: number): Transaction {
  switch (type) {
    case OpCode.createSession: return { type: 'createSession', timeoutMs: reader.int32() };
    // The paths that may follow are those of the session's ephemerals, which the tree knows itself.
    case OpCode.closeSession: return { type: 'closeSession' };
    case OpCode.error: return { type: 'nothing' };
    case OpCode.multi: {
      const changes = reader.vector(8, () => readNested(reader));
      // One failed: none was done.
      return changes.some(change => change.type === 'nothing') ? { type: 'nothing' } : { type: 'multi', changes: changes as Change[] };
    }
    default: return readChange(reader, type);
  }
}

function readNested(reader: JuteReader): Transaction {
  const type = reader.int32();
  return readTransaction(new JuteReader(reader.buffer() ?? Buffer.alloc(0)), type);
}

function readChange(reader: JuteReader, type: number): Change {
  const path = reader.string();
  switch (type) {
    case OpCode.create:
    case OpCode.create2: return { type: 'create', path, data: copy(reader), acl: readAcl(reader), ephemeral: reader.bool(), parentCversion: reader.remaining >= 4 ? reader.int32() : -1 };
    // Containers and nodes with a time to live are kept as plain persistent nodes: nothing here would ever remove them.
    case OpCode.createContainer:
    case OpCode.createTtl: return { type: 'create', path, data: copy(reader), acl: readAcl(reader), ephemeral: false, parentCversion: reader.int32() };
    case OpCode.delete:
    case OpCode.deleteContainer: return { type: 'delete', path };
    case OpCode.setData:
    case OpCode.reconfig: return { type: 'setData', path, data: copy(reader), version: reader.int32() };
    case OpCode.setAcl: return { type: 'setAcl', path, acl: readAcl(reader), version: reader.int32() };
    case OpCode.check: return { type: 'check', path, version: reader.int32() };
    default: throw new JuteError(`a transaction of type ${type}`);
  }
}

function copy(reader: JuteReader): Buffer | null {
  const view = reader.buffer();
  return view === null ? null : Buffer.from(view);
}
