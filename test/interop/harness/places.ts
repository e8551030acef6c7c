// Where things lie: what is provisioned once stays in build/, what a run writes goes to a directory of its own.

import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const interop = fileURLToPath(new URL('..', import.meta.url));
export const repository = resolve(interop, '../..');
export const provisioned = join(repository, 'build/interop');

/** INTEROP_DIR names where runs leave their logs (CI keeps them); by default the system's temporary directory. */
const runs = process.env['INTEROP_DIR'] ?? join(tmpdir(), 'odradek-interop');

export function scratch(name: string): string {
  mkdirSync(runs, { recursive: true });
  return mkdtempSync(join(runs, `${name}-`));
}
