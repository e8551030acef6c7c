// Want of room is a state that passes, unlike a disk that fails.
import { TEMPORARY } from './recovery.js';
import type { Storage } from './storage.js';

/** Space, quota, descriptors, memory: whoever lacks one of them has a disk that is as good as before. */
const SHORTAGES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM']);

export function isShortage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && SHORTAGES.has(error.code);
}

const PROBE = `${TEMPORARY}probe`;
/** Enough for some hundred transactions. With less, writes would be taken only to be undone a moment later. */
const ROOM_BYTES = 64 * 1024;

/** Rejects where there is no room for a file of some size. Nothing but writing tells: free space counts no quota. */
export async function probeRoom(storage: Storage): Promise<void> {
  try {
    const file = await storage.create(PROBE);
    try {
      await file.append(Buffer.alloc(ROOM_BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await storage.remove(PROBE);
  }
}
