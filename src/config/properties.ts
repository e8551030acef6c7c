import { createRequire } from 'node:module';

/** The pairs of a .properties text (java.util.Properties), in order. */
export function parseProperties(text: string): [string, string][] {
  // Loaded only where there is a file to read: a start without one does not pay for it.
  const { parseLines } = createRequire(import.meta.url)('dot-properties') as typeof import('dot-properties');
  return parseLines(text).flatMap(line => typeof line === 'string' ? [] : [[line[0] ?? '', line[1] ?? '']]);
}
