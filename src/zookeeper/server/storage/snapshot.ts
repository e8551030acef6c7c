// A whole tree in a file, in ZooKeeper's form (FileSnap.java, DataTree.serialize):
//
//   file := magic "ZKSN" int32, version 2 int32, dbid int64, sessions, acls, nodes, seal
//
// named `snapshot.` and the zxid of the last transaction in it, in hex. Parents stand before their children; the root's
// path is written empty, and "/" ends the list.
import { JuteReader } from '../../jute/reader.js';
import { readAcl, writeAcl } from '../../jute/records.js';
import { JuteWriter } from '../../jute/writer.js';
import { OPEN_ACL, type Acl } from '../../types.js';
import type { Znode } from '../tree.js';
import { Tree } from '../tree.js';
import { adler32 } from './adler.js';
import { LOG_HEADER_BYTES, fileHeader, readFileHeader } from './log-file.js';

const SNAPSHOT_MAGIC = 0x5a4b534e;
/** ZooKeeper's number for OPEN_ACL, which is not in its table. */
const OPEN_ACL_ID = -1;
/** Bytes made in one go. The event loop belongs to others in between. */
const SLICE_BYTES = 128 * 1024;

export type SessionTimeouts = ReadonlyMap<bigint, number>;

export interface SnapshotSource {
  readonly dbid: bigint;
  readonly sessions: SessionTimeouts;
  readonly nodes: readonly Znode[];
}

/** The file, a slice at a time. */
export function* snapshotSlices({ dbid, sessions, nodes }: SnapshotSource): Generator<Buffer> {
  let checksum = 1;
  const seal = (bytes: Buffer): Buffer => {
    checksum = adler32(bytes, checksum);
    return bytes;
  };
  yield seal(fileHeader(SNAPSHOT_MAGIC, dbid));
  const acls = new AclTable(nodes);
  let writer = new JuteWriter(SLICE_BYTES);
  writer.int32(sessions.size);
  for (const [id, timeoutMs] of sessions) writer.long(id).int32(timeoutMs);
  acls.write(writer);
  for (const node of nodes) {
    writeNode(writer, node, acls.idOf(node.acl));
    if (writer.length < SLICE_BYTES) continue;
    yield seal(writer.finish());
    writer = new JuteWriter(SLICE_BYTES);
  }
  yield seal(writer.string('/').finish());
  yield new JuteWriter().int64(checksum).string('/').finish();
}

function writeNode(writer: JuteWriter, node: Znode, acl: number): void {
  writer.string(node.path === '/' ? '' : node.path).buffer(node.data).int64(acl);
  writer.int64(node.czxid).int64(node.mzxid).int64(node.ctime).int64(node.mtime);
  writer.int32(node.version).int32(node.cversion).int32(node.aversion).long(node.ephemeralOwner).int64(node.pzxid);
}

/** Undefined: the file is not whole. */
export function readSnapshot(bytes: Buffer): { dbid: bigint; sessions: Map<bigint, number>; tree: Tree } | undefined {
  const dbid = readFileHeader(bytes, SNAPSHOT_MAGIC);
  if (dbid === undefined) return undefined;
  try {
    const reader = new JuteReader(bytes, LOG_HEADER_BYTES);
    const sessions = new Map(reader.vector(12, () => [reader.long(), reader.int32()]));
    const acls = new Map<number, readonly Acl[]>(reader.vector(12, () => [reader.int64(), readAcl(reader)]));
    const tree = new Tree();
    for (let path = reader.string(); path !== '/'; path = reader.string()) tree.load(readNode(reader, path === '' ? '/' : path, acls));
    const checksum = adler32(bytes.subarray(0, reader.position));
    // Apache's server puts a digest behind the seal.
    return reader.int64() === checksum && reader.string() === '/' ? { dbid, sessions, tree } : undefined;
  } catch {
    return undefined;
  }
}

function readNode(reader: JuteReader, path: string, acls: ReadonlyMap<number, readonly Acl[]>): Znode {
  const view = reader.buffer();
  const data = view === null ? null : Buffer.from(view);
  const acl = acls.get(reader.int64()) ?? OPEN_ACL;
  return {
    path, data, acl, czxid: reader.int64(), mzxid: reader.int64(), ctime: reader.int64(), mtime: reader.int64(),
    version: reader.int32(), cversion: reader.int32(), aversion: reader.int32(), ephemeralOwner: reader.long(), pzxid: reader.int64(),
  };
}

/** Few lists, many nodes: the lists are numbered. */
class AclTable {
  readonly #ids = new Map<string, number>();
  readonly #lists: (readonly Acl[])[] = [];

  constructor(nodes: readonly Znode[]) {
    for (const { acl } of nodes) {
      if (acl === OPEN_ACL || this.#ids.has(JSON.stringify(acl))) continue;
      this.#lists.push(acl);
      this.#ids.set(JSON.stringify(acl), this.#lists.length);
    }
  }

  idOf(acl: readonly Acl[]): number {
    return acl === OPEN_ACL ? OPEN_ACL_ID : this.#ids.get(JSON.stringify(acl))!;
  }

  write(writer: JuteWriter): void {
    writer.int32(this.#lists.length);
    for (const [index, acl] of this.#lists.entries()) {
      writer.int64(index + 1);
      writeAcl(writer, acl);
    }
  }
}
