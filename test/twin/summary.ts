// How a run ended, in a few lines.

import type { Difference } from './compare.js';
import { allowedDifferences, type Sorted } from './differences.js';
import { grammars } from './grammars.js';
import { kindOf, type Twin } from './twin.js';

/** Below this a run is too short to have met everything. */
const LONG_RUN = 1000;
/** So often is no chance. */
const RACE = 3;

export function summary(twin: Twin, elapsedMs: number, api: string | undefined, end: Sorted): { readonly text: string; readonly ok: boolean } {
  const { coverage, conversations, found, fleeting, allowed } = twin;
  const lines = [
    `${conversations} conversations, ${coverage.requests} requests in ${coverage.versions} versions of ${grammars.length} apis, ${Math.round(elapsedMs / 1000)} s`,
    `${found.length} differences, ${[...fleeting.values()].reduce((sum, count) => sum + count, 0)} that did not show again`,
  ];
  // Once is a machine that was busy elsewhere; the same again and again is a race of ours.
  const races = [...fleeting].filter(([, count]) => count >= RACE);
  for (const [kind, count] of races) lines.push(`shows now and then, ${count} times: ${kind}`);
  lines.push(`${end.faults.length} differences in files at rest and on each other's data directories`);
  for (const { first, count } of byKind(end.faults)) {
    lines.push(`  ${first.at}: ${first.path}`, `    Odradek: ${JSON.stringify(first.ours)}`, `    Kafka:   ${JSON.stringify(first.kafka)}`, `    ${count} of the kind`);
  }
  for (const [id, count] of allowed) lines.push(`meant: ${id} ${count} times`);
  const missing = coverage.missing(api);
  if (missing.length > 0) lines.push(`not reached: ${missing.join(', ')}`);
  const idle = api === undefined && conversations >= LONG_RUN ? allowedDifferences.filter(({ id }) => !allowed.has(id)) : [];
  for (const { id } of idle) lines.push(`meant, but it no longer occurs: ${id}`);
  return { text: lines.join('\n'), ok: found.length === 0 && races.length === 0 && end.faults.length === 0 && (missing.length === 0 || conversations < LONG_RUN) };
}

function byKind(differences: readonly Difference[]): Iterable<{ readonly first: Difference; readonly count: number }> {
  const kinds = new Map<string, { first: Difference; count: number }>();
  for (const first of differences) {
    const known = kinds.get(kindOf(first));
    if (known === undefined) kinds.set(kindOf(first), { first, count: 1 });
    else known.count++;
  }
  return kinds.values();
}
