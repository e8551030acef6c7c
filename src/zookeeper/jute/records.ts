// The records and numbers of ZooKeeper's protocol (zookeeper.jute, ZooDefs.java) that both sides share.
import type { Acl, CreateMode, Stat, WatchEvent } from '../types.js';
import type { JuteReader } from './reader.js';
import type { JuteWriter } from './writer.js';

export const OpCode = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTtl: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const;

/** Transaction ids of packets that are no numbered request. */
export const Xid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

export const EventType = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const;
const EVENT_NAMES = new Map<number, WatchEvent['type']>([[1, 'created'], [2, 'deleted'], [3, 'dataChanged'], [4, 'childrenChanged']]);
export const eventName = (type: number): WatchEvent['type'] | undefined => EVENT_NAMES.get(type);

/** KeeperState.SyncConnected, the state that every notification of a node carries. */
export const SYNC_CONNECTED = 3;

const MODES: readonly CreateMode[] = ['persistent', 'ephemeral', 'persistentSequential', 'ephemeralSequential'];
export const createFlags = (mode: CreateMode): number => MODES.indexOf(mode);
export const createMode = (flags: number): CreateMode | undefined => MODES[flags];

export const sessionText = (id: bigint): string => `0x${BigInt.asUintN(64, id).toString(16)}`;

export function writeAcl(writer: JuteWriter, acl: readonly Acl[]): void {
  writer.vector(acl, entry => writer.int32(entry.perms).string(entry.scheme).string(entry.id));
}

export function readAcl(reader: JuteReader): Acl[] {
  return reader.vector(12, () => ({ perms: reader.int32(), scheme: reader.string(), id: reader.string() }));
}

export function readStat(reader: JuteReader): Stat {
  const stat = {
    czxid: reader.int64(), mzxid: reader.int64(), ctime: reader.int64(), mtime: reader.int64(),
    version: reader.int32(), cversion: reader.int32(), aversion: reader.int32(),
    ephemeralOwner: '0x0', dataLength: 0, numChildren: 0, pzxid: 0,
  };
  const owner = reader.long();
  if (owner !== 0n) stat.ephemeralOwner = sessionText(owner);
  stat.dataLength = reader.int32();
  stat.numChildren = reader.int32();
  stat.pzxid = reader.int64();
  return stat;
}

/** A node's own numbers, as a server keeps them: the owner as it travels, the size and count of children elsewhere. */
export interface StatFields {
  readonly czxid: number;
  readonly mzxid: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: bigint;
  readonly pzxid: number;
}

export function writeStat(writer: JuteWriter, node: StatFields, dataLength: number, numChildren: number): void {
  writer.int64(node.czxid).int64(node.mzxid).int64(node.ctime).int64(node.mtime);
  // The tree counts creations of children; clients are shown creations and deletions (DataNode.copyStat).
  writer.int32(node.version).int32(node.cversion * 2 - numChildren).int32(node.aversion);
  writer.long(node.ephemeralOwner).int32(dataLength).int32(numChildren).int64(node.pzxid);
}

export interface ConnectRequest {
  readonly lastZxidSeen: number;
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Buffer;
}

/** A timeout of 0 says that the session is over. */
export interface ConnectResponse {
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Buffer;
}

export const PASSWORD_BYTES = 16;

export function writeConnectRequest(writer: JuteWriter, request: ConnectRequest): void {
  writer.int32(0).int64(request.lastZxidSeen).int32(request.timeoutMs).long(request.sessionId).buffer(request.password).bool(false);
}

export function readConnectRequest(reader: JuteReader): ConnectRequest & { readonly saysReadOnly: boolean } {
  reader.int32();
  const lastZxidSeen = reader.int64();
  const timeoutMs = reader.int32();
  const sessionId = reader.long();
  const password = Buffer.from(reader.buffer() ?? []);
  // Clients older than 3.4 do not send the last byte, and do not expect it in the answer.
  const saysReadOnly = reader.remaining > 0;
  return { lastZxidSeen, timeoutMs, sessionId, password, saysReadOnly };
}

export function writeConnectResponse(writer: JuteWriter, response: ConnectResponse, saysReadOnly: boolean): void {
  writer.int32(0).int32(response.timeoutMs).long(response.sessionId).buffer(response.password);
  if (saysReadOnly) writer.bool(false);
}

export function readConnectResponse(reader: JuteReader): ConnectResponse {
  reader.int32();
  return { timeoutMs: reader.int32(), sessionId: reader.long(), password: Buffer.from(reader.buffer() ?? []) };
}
