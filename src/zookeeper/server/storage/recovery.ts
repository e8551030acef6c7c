import { JuteError } from '../../jute/reader.js';
import { decodeTransaction } from '../transaction.js';
import { Tree } from '../tree.js';
import { holdsTransactions, readLog, zxidOf } from './log-file.js';
import { readSnapshot } from './snapshot.js';
import type { Storage } from './storage.js';

export interface Recovered {
  readonly tree: Tree;
  /** Sessions that were never ended, and their timeouts. */
  readonly sessions: Map<bigint, number>;
  readonly lastZxid: number;
  /** 0: the directory is new. */
  readonly dbid: bigint;
  readonly snapshotZxid: number;
  /** Without one Apache's server refuses the directory, whatever the log says. */
  readonly hasSnapshot: boolean;
  /** Bytes of log read, which a snapshot would spare the next start. */
  readonly replayedBytes: number;
}

/** The directory says something that no crash of ours can have left behind. Nobody should serve from it. */
export class DamagedStorageError extends Error {
  override readonly name = 'DamagedStorageError';
}

export const TEMPORARY = 'unfinished.';

/** The newest whole snapshot and everything logged after it, cut at the first entry that is not whole. */
export async function recover(storage: Storage): Promise<Recovered> {
  const names = await storage.list();
  await Promise.all(names.filter(name => name.startsWith(TEMPORARY)).map(name => storage.remove(name)));
  const base = await newestSnapshot(storage, names);
  const state = { ...base, lastZxid: base.snapshotZxid, replayedBytes: 0 };
  const logs = logsAfter(names, base.snapshotZxid);
  for (const [index, name] of logs.entries()) await replay(storage, name, index === logs.length - 1, state);
  return state;
}

async function newestSnapshot(storage: Storage, names: readonly string[]): Promise<Omit<Recovered, 'lastZxid' | 'replayedBytes'>> {
  const zxids = names.map(name => zxidOf(name, 'snapshot')).filter(zxid => zxid !== undefined).sort((a, b) => b - a);
  for (const zxid of zxids) {
    const snapshot = readSnapshot(await storage.read(`snapshot.${zxid.toString(16)}`));
    if (snapshot !== undefined) return { ...snapshot, snapshotZxid: zxid, hasSnapshot: true };
  }
  if (zxids.length > 0) throw new DamagedStorageError('no snapshot is whole');
  return { tree: Tree.initial(), sessions: new Map(), dbid: 0n, snapshotZxid: 0, hasSnapshot: false };
}

/** Log files in order, from the one that may hold the transaction after `zxid`. */
function logsAfter(names: readonly string[], zxid: number): string[] {
  const starts = names.map(name => zxidOf(name, 'log')).filter(start => start !== undefined).sort((a, b) => a - b);
  const first = Math.max(starts.findLastIndex(start => start <= zxid + 1), 0);
  return starts.slice(first).map(start => `log.${start.toString(16)}`);
}

interface Replaying {
  readonly tree: Tree;
  readonly sessions: Map<bigint, number>;
  lastZxid: number;
  dbid: bigint;
  replayedBytes: number;
}

async function replay(storage: Storage, name: string, isLast: boolean, state: Replaying): Promise<void> {
  const bytes = await storage.read(name);
  const log = readLog(bytes);
  if (log === undefined) {
    // Header and first batch are synced together: without the header nobody was told of what follows. Unless it is whole.
    if (!isLast || holdsTransactions(bytes)) throw new DamagedStorageError(`${name} is no log`);
    return storage.remove(name);
  }
  if (state.dbid === 0n) state.dbid = log.dbid;
  for (const entry of log.transactions) applyEntry(name, entry, state);
  state.replayedBytes += log.end;
  if (!log.torn) return;
  // A later file was begun only after this one was whole on disk.
  if (!isLast) throw new DamagedStorageError(`${name} is damaged at ${log.end}`);
  await storage.truncate(name, log.end);
}

function applyEntry(name: string, entry: Buffer, state: Replaying): void {
  const { header, transaction } = decoded(name, entry);
  if (header.zxid <= state.lastZxid) return;
  if (header.zxid !== state.lastZxid + 1 && sameEpoch(header.zxid, state.lastZxid)) {
    throw new DamagedStorageError(`${name} goes on at ${header.zxid.toString(16)}, but ${state.lastZxid.toString(16)} is the last before it`);
  }
  state.tree.apply(header, transaction, () => {});
  if (transaction.type === 'createSession') state.sessions.set(header.sessionId, transaction.timeoutMs);
  else if (transaction.type === 'closeSession') state.sessions.delete(header.sessionId);
  state.lastZxid = header.zxid;
}

function decoded(name: string, entry: Buffer): ReturnType<typeof decodeTransaction> {
  try {
    return decodeTransaction(entry);
  } catch (error) {
    // The checksum was right, so this is how it was written.
    if (error instanceof JuteError) throw new DamagedStorageError(`${name} holds ${error.message}`);
    throw error;
  }
}

/** An ensemble's new leader starts counting anew in the lower half. */
const sameEpoch = (a: number, b: number): boolean => Math.floor(a / 0x1_0000_0000) === Math.floor(b / 0x1_0000_0000);
