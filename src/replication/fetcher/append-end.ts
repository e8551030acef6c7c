// What a follower makes of how its append ended.

import { NativeCode } from '../../native/codes.js';

/**
 * `appended`: or nothing was refused, at least. `retry`: nothing of it was kept, and the same is asked for again after a while: corrupt batches (they
 * may be so on their way, or at the leader for a moment), a full disk, a leader epoch of the past. `misplaced`: it begins before
 * our end. `lost`: the log takes nothing more.
 */
export type AppendReaction = 'appended' | 'retry' | 'misplaced' | 'lost';

/** A closed log is one whose directory failed, or whose replica goes: somebody else sees to that, and removes it here. */
const LOST: ReadonlySet<number> = new Set([NativeCode.closed, NativeCode.ioError, NativeCode.notFound, NativeCode.permission, NativeCode.corruptFile]);

export function reactionTo(code: number): AppendReaction {
  if (code === NativeCode.ok) return 'appended';
  if (code === NativeCode.unexpectedOffset) return 'misplaced';
  return LOST.has(code) ? 'lost' : 'retry';
}
