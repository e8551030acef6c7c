// What an error says of the disk it came from.

import { NativeCode } from '../native/codes.js';

const PASSING: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', NativeCode.noSpace, NativeCode.tooManyFiles, NativeCode.outOfMemory]);
const FAILING: ReadonlySet<unknown> = new Set([NativeCode.ioError, NativeCode.notFound, NativeCode.exists, NativeCode.permission]);

/**
 * 'passes': the disk is full or descriptors ran out, and a later attempt may succeed. 'failed': the disk does not do what
 * it is asked. 'none': the fault is not the disk's (what was read makes no sense, a log was closed).
 */
export function diskTrouble(error: unknown): 'passes' | 'failed' | 'none' {
  if (!(error instanceof Error) || !('code' in error)) return 'none';
  const { code } = error;
  if (PASSING.has(code)) return 'passes';
  // A topic with a long name and many partitions outgrows what a file may be called: the disk is as it was.
  if (code === 'ENAMETOOLONG') return 'none';
  return FAILING.has(code) || 'errno' in error || 'syscall' in error || /^E[A-Z]+$/.test(String(code)) ? 'failed' : 'none';
}
