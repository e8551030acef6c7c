import { ZkError } from './types.js';

// Control characters, and what lies beyond them that ZooKeeper refuses: surrogates, private use and specials.
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

/** As PathUtils.validatePath. The server refuses the same; here the caller is told which path and why. */
export function validatePath(path: string): void {
  const fault = pathFault(path);
  if (fault !== undefined) throw new ZkError('BADARGUMENTS', path, [], fault);
}

export function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'a path starts with /';
  if (path === '/') return undefined;
  if (path.endsWith('/')) return 'a path does not end with /';
  if (FORBIDDEN.test(path)) return 'a character that paths cannot have';
  for (const name of path.slice(1).split('/')) {
    if (name === '') return 'an empty name';
    if (name === '.' || name === '..') return 'relative names are not allowed';
  }
  return undefined;
}

/** `/` for what lies directly under it. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
