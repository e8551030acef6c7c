// The differences that are meant: docs/differences.md says the same in a table, and the two are held against each other
// (differences.test.ts). Whatever else differs is a fault.

import { adminDifferences } from './admin-differences.js';
import type { Difference } from './compare.js';
import type { Step } from './conversation.js';
import { fetchDifferences } from './fetch-differences.js';
import { groupDifferences } from './group-differences.js';
import { produceDifferences } from './produce-differences.js';

export interface Allowed {
  /** As in the table. */
  readonly id: string;
  readonly reason: string;
  /** What follows in the conversation differs because of it: nothing behind it is compared. */
  readonly ends?: true;
  /** `steps` are those of the whole conversation. */
  matches?(difference: Difference, steps: readonly Step[]): boolean;
  /** A step after which nothing is compared, whatever both answer to it: what it does to them is not the same. */
  cuts?(step: Step): boolean;
}

/** By rising id. */
export const allowedDifferences: readonly Allowed[] = [...adminDifferences, ...fetchDifferences, ...groupDifferences, ...produceDifferences]
  .sort((a, b) => (a.id < b.id ? -1 : 1));

export interface Sorted {
  readonly faults: readonly Difference[];
  readonly allowed: ReadonlyMap<string, number>;
  /** The two went apart on purpose: what they hold by now is not the same. */
  readonly parted: boolean;
}

/** The step from which on nothing is compared, and the difference that says so. */
export function cutOf(steps: readonly Step[]): { readonly at: number; readonly id: string } | undefined {
  for (const [at, step] of steps.entries()) {
    const allowed = allowedDifferences.find(each => each.cuts?.(step) === true);
    if (allowed !== undefined) return { at, id: allowed.id };
  }
  return undefined;
}

/** Tells faults from what is meant. `steps` are those of the conversation that showed the differences. */
export function sortOut(differences: readonly Difference[], steps: readonly Step[] = []): Sorted {
  const faults: Difference[] = [];
  const allowed = new Map<string, number>();
  const note = (id: string): void => void allowed.set(id, (allowed.get(id) ?? 0) + 1);
  const cut = cutOf(steps);
  for (const difference of differences) {
    if (cut !== undefined && (typeof difference.at === 'string' || difference.at >= cut.at)) break;
    const meant = allowedDifferences.find(each => each.matches?.(difference, steps) === true);
    if (meant === undefined) {
      faults.push(difference);
      continue;
    }
    note(meant.id);
    if (meant.ends === true) return { faults, allowed, parted: true };
  }
  if (cut !== undefined) note(cut.id);
  return { faults, allowed, parted: cut !== undefined };
}
