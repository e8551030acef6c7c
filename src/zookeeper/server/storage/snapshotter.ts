import { TEMPORARY } from './recovery.js';
import { snapshotName, zxidOf } from './log-file.js';
import { snapshotSlices, type SnapshotSource } from './snapshot.js';
import type { Storage } from './storage.js';

/** The newest may turn out unreadable; then the one before and a longer log will do. */
const SNAPSHOTS_KEPT = 2;

/**
 * Writes a snapshot beside the running server: to a name that recovery ignores, and under its own only when it is whole
 * and its transactions are on disk too (`durable`). Then removes what it makes superfluous.
 */
export async function takeSnapshot(storage: Storage, zxid: number, source: SnapshotSource, durable: Promise<boolean>): Promise<void> {
  const unfinished = `${TEMPORARY}${snapshotName(zxid)}`;
  try {
    await writeWhole(storage, unfinished, source);
  } catch (error) {
    // On a full disk it would take the room that the log needs.
    await storage.remove(unfinished).catch(() => {});
    throw error;
  }
  if (!(await durable)) return storage.remove(unfinished);
  await storage.rename(unfinished, snapshotName(zxid));
  await storage.syncDirectory();
  await purge(storage);
}

async function writeWhole(storage: Storage, name: string, source: SnapshotSource): Promise<void> {
  const file = await storage.create(name);
  try {
    for (const slice of snapshotSlices(source)) await file.append(slice);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function purge(storage: Storage): Promise<void> {
  const names = await storage.list();
  const zxids = (kind: 'log' | 'snapshot'): number[] => names.map(name => zxidOf(name, kind)).filter(zxid => zxid !== undefined).sort((a, b) => a - b);
  const snapshots = zxids('snapshot');
  const oldestKept = snapshots.at(-SNAPSHOTS_KEPT);
  if (oldestKept === undefined) return;
  const logs = zxids('log');
  // A log is superfluous when the next one begins no later than right after the oldest snapshot.
  const oldLogs = logs.filter((_, index) => (logs[index + 1] ?? Infinity) <= oldestKept + 1);
  for (const zxid of snapshots.slice(0, -SNAPSHOTS_KEPT)) await storage.remove(snapshotName(zxid));
  for (const zxid of oldLogs) await storage.remove(`log.${zxid.toString(16)}`);
}
