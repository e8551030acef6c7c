// How a run ended, in a few lines.

import { allowedDifferences } from './differences.js';
import { grammars } from './grammars.js';
import type { Twin } from './twin.js';

/** Below this a run is too short to have met everything. */
const LONG_RUN = 1000;

export function summary(twin: Twin, elapsedMs: number, api: string | undefined): { readonly text: string; readonly ok: boolean } {
  const { coverage, conversations, found, fleeting, allowed } = twin;
  const lines = [
    `${conversations} conversations, ${coverage.requests} requests in ${coverage.versions} versions of ${grammars.length} apis, ${Math.round(elapsedMs / 1000)} s`,
    `${found.length} differences, ${fleeting} that did not show again`,
  ];
  for (const [id, count] of allowed) lines.push(`meant: ${id} ${count} times`);
  const missing = coverage.missing(api);
  if (missing.length > 0) lines.push(`not reached: ${missing.join(', ')}`);
  const idle = api === undefined && conversations >= LONG_RUN ? allowedDifferences.filter(({ id }) => !allowed.has(id)) : [];
  for (const { id } of idle) lines.push(`meant, but it no longer occurs: ${id}`);
  return { text: lines.join('\n'), ok: found.length === 0 && (missing.length === 0 || conversations < LONG_RUN) };
}
