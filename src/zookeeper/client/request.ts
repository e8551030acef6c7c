// What each operation writes and how its answer reads. Paths here are the server's, chroot included.
import { JuteReader } from '../jute/reader.js';
import { OpCode, createFlags, readAcl, readStat, writeAcl } from '../jute/records.js';
import { frame, type JuteWriter } from '../jute/writer.js';
import { OPEN_ACL, ZkError, zkCodeName, type Acl, type CreateOptions, type Op, type OpResult, type Stat, type Watcher } from '../types.js';

export interface Watch {
  readonly kind: 'data' | 'exists' | 'children';
  readonly path: string;
  readonly watcher: Watcher;
}

/** One request from its making to its answer. */
export interface Request {
  readonly path: string;
  /** The whole packet. The xid is filled in each time it is sent. */
  readonly packet: Buffer;
  /** A read may be sent again after a lost connection; of a write nobody knows whether it was done. */
  readonly read: boolean;
  readonly watch: Watch | undefined;
  /** Settles the caller's promise. `reader` stands after the reply header. */
  readonly answer: (reader: JuteReader) => void;
  readonly reject: (error: ZkError) => void;
}

/** Operation and decoder, before anybody waits for it. */
export interface Call<T> {
  readonly path: string;
  readonly packet: Buffer;
  readonly read: boolean;
  readonly decode: (reader: JuteReader) => T;
  /** The answer where NONODE is no failure. */
  readonly absent?: T;
}

const XID_AT = 4;
export const setXid = (packet: Buffer, xid: number): void => void packet.writeInt32BE(xid, XID_AT);

export function packet(op: number, body: (writer: JuteWriter) => void): Buffer {
  return frame(writer => {
    writer.int32(0).int32(op);
    body(writer);
  });
}

function call<T>(op: number, path: string, read: boolean, body: (writer: JuteWriter) => void, decode: (reader: JuteReader) => T): Call<T> {
  return { path, packet: packet(op, body), read, decode };
}

const copied = (view: Buffer | null): Buffer | null => (view === null ? null : Buffer.from(view));

export const getData = (path: string, watch: boolean): Call<{ data: Buffer | null; stat: Stat }> =>
  call(OpCode.getData, path, true, w => w.string(path).bool(watch), r => ({ data: copied(r.buffer()), stat: readStat(r) }));

export const exists = (path: string, watch: boolean): Call<Stat | null> =>
  ({ ...call<Stat | null>(OpCode.exists, path, true, w => w.string(path).bool(watch), readStat), absent: null });

export const getChildren = (path: string, watch: boolean): Call<{ children: string[]; stat: Stat }> =>
  call(OpCode.getChildren2, path, true, w => w.string(path).bool(watch), r => ({ children: r.strings(), stat: readStat(r) }));

export const getAcl = (path: string): Call<{ acl: Acl[]; stat: Stat }> =>
  call(OpCode.getAcl, path, true, w => w.string(path), r => ({ acl: readAcl(r), stat: readStat(r) }));

export const sync = (path: string): Call<void> => call(OpCode.sync, path, true, w => w.string(path), () => {});

export const create = (path: string, data: Uint8Array | null, options: CreateOptions): Call<{ path: string; stat: Stat }> =>
  call(OpCode.create2, path, false, w => writeCreate(w, path, data, options), r => ({ path: r.string(), stat: readStat(r) }));

function writeCreate(writer: JuteWriter, path: string, data: Uint8Array | null, { mode = 'persistent', acl = OPEN_ACL }: CreateOptions): void {
  writer.string(path).buffer(data);
  writeAcl(writer, acl);
  writer.int32(createFlags(mode));
}

export const setData = (path: string, data: Uint8Array | null, version: number): Call<Stat> =>
  call(OpCode.setData, path, false, w => w.string(path).buffer(data).int32(version), readStat);

export const remove = (path: string, version: number): Call<void> =>
  call(OpCode.delete, path, false, w => w.string(path).int32(version), () => {});

export function setAcl(path: string, acl: readonly Acl[], version: number): Call<Stat> {
  return call(OpCode.setAcl, path, false, w => {
    w.string(path);
    writeAcl(w, acl);
    w.int32(version);
  }, readStat);
}

const MULTI_CODES = { create: OpCode.create, setData: OpCode.setData, delete: OpCode.delete, check: OpCode.check } as const;

export function multi(ops: readonly Op[]): Call<OpResult[]> {
  return call(OpCode.multi, '', false, writer => {
    for (const op of ops) {
      // create, not create2: a server that meets create2 inside a multi cannot read its own log again.
      writer.int32(MULTI_CODES[op.type]).bool(false).int32(-1);
      if (op.type === 'create') writeCreate(writer, op.path, op.data, op);
      else if (op.type === 'setData') writer.string(op.path).buffer(op.data).int32(op.version ?? -1);
      else writer.string(op.path).int32(op.version ?? -1);
    }
    writer.int32(-1).bool(true).int32(-1);
  }, reader => readMulti(reader, ops));
}

function readMulti(reader: JuteReader, ops: readonly Op[]): OpResult[] {
  const results: OpResult[] = [];
  let failed: ZkError | undefined;
  for (;;) {
    const type = reader.int32();
    const done = reader.bool();
    reader.int32();
    if (done) break;
    if (type === OpCode.create) results.push({ type: 'create', path: reader.string() });
    else if (type === OpCode.setData) results.push({ type: 'setData', stat: readStat(reader) });
    else if (type === OpCode.delete) results.push({ type: 'delete' });
    else if (type === OpCode.check) results.push({ type: 'check' });
    else {
      const code = reader.int32();
      const name = code === 0 ? 'OK' : zkCodeName(code);
      // Operations after the failing one are told RUNTIMEINCONSISTENCY, those before it OK.
      if (name !== 'OK') failed ??= new ZkError(name, ops[results.length]?.path ?? '', results);
      results.push({ type: 'error', code: name });
    }
  }
  if (failed !== undefined) throw failed;
  return results;
}
