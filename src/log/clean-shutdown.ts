// .kafka_cleanshutdown: present in a log directory whose logs were closed in order, and need no recovery
// (CleanShutdownFileHandler.java).
import { join } from 'node:path';
import { removeDurably, writeAtomically, type Storage } from './storage.js';

export const CLEAN_SHUTDOWN = '.kafka_cleanshutdown';

/** A broker epoch is known to KRaft only. */
const ZOOKEEPER_MODE_EPOCH = -1;

export async function wasCleanlyShutDown(storage: Storage, logDir: string): Promise<boolean> {
  // Before 3.8 the file was empty; its presence is all that counts.
  return (await storage.readFile(join(logDir, CLEAN_SHUTDOWN))) !== null;
}

export function markCleanShutdown(storage: Storage, logDir: string): Promise<void> {
  return writeAtomically(storage, join(logDir, CLEAN_SHUTDOWN), JSON.stringify({ version: 0, brokerEpoch: ZOOKEEPER_MODE_EPOCH }));
}

/** Before any log is opened: from then on a crash is a crash, and the mark must not outlive it. */
export function forgetCleanShutdown(storage: Storage, logDir: string): Promise<void> {
  return removeDurably(storage, join(logDir, CLEAN_SHUTDOWN));
}
