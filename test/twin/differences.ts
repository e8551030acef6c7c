// The differences that are meant: docs/differences.md says the same in a table, and the two are held against each other
// (differences.test.ts). Whatever else differs is a fault.

import type { Difference } from './compare.js';
import { fetchDifferences } from './fetch-differences.js';
import { groupDifferences } from './group-differences.js';

export interface Allowed {
  /** As in the table. */
  readonly id: string;
  readonly reason: string;
  /** What follows in the conversation differs because of it: nothing behind it is compared. */
  readonly ends?: true;
  matches(difference: Difference): boolean;
}

export const allowedDifferences: readonly Allowed[] = [
  {
    id: 'apis',
    reason: 'APIs that are not served yet are not advertised',
    matches: ({ step, path }) => step?.api === 'ApiVersions' && path.startsWith('answer.apiKeys'),
  },
  ...fetchDifferences,
  ...groupDifferences,
];

export interface Sorted {
  readonly faults: readonly Difference[];
  readonly allowed: ReadonlyMap<string, number>;
}

/** Tells faults from what is meant. */
export function sortOut(differences: readonly Difference[]): Sorted {
  const faults: Difference[] = [];
  const allowed = new Map<string, number>();
  for (const difference of differences) {
    const meant = allowedDifferences.find(each => each.matches(difference));
    if (meant === undefined) {
      faults.push(difference);
      continue;
    }
    allowed.set(meant.id, (allowed.get(meant.id) ?? 0) + 1);
    if (meant.ends === true) break;
  }
  return { faults, allowed };
}
