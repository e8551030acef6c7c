// A whole run of the twin: conversations for so many minutes, and then the exchange of data directories.

import { converse } from './converse.js';
import { sortOut } from './differences.js';
import { endgame } from './endgame.js';
import type { Pair } from './pair.js';
import { prepare } from './prepare.js';
import { onceFailed } from './stories.js';
import { summary } from './summary.js';
import { Twin, type Found } from './twin.js';

export interface Run {
  readonly seed: number;
  readonly minutes: number;
  readonly lanes: number;
  /** Ends after so many conversations, if that comes first. */
  readonly most?: number;
  readonly api?: string | undefined;
  /** Begins with the conversations that once failed. */
  readonly stories?: boolean;
  readonly log: (line: string) => void;
  /** Called with each difference as it is found. */
  readonly keep?: (found: Found) => void;
}

export interface Report {
  readonly text: string;
  readonly ok: boolean;
}

/** Conversations whose topics stay, for the exchange of data directories; their seeds are none of the run's. */
const KEPT = 30;
const KEPT_SEEDS = 500_000;

export async function runTwin(pair: Pair, { seed, minutes, lanes, most, api, stories = false, log, keep }: Run): Promise<Report> {
  const twin = new Twin(pair, await prepare(pair));
  if (stories) for (const each of onceFailed()) await twin.again(each, log);
  const began = performance.now();
  await twin.run({
    seed, untilMs: began + minutes * 60_000, lanes, log: line => log(`\n${line}`), ...(keep === undefined ? {} : { keep }), ...(most === undefined ? {} : { most }), ...(api === undefined ? {} : { api }),
  });
  const elapsedMs = performance.now() - began;
  const kept = [];
  for (let index = 0; index < KEPT; index++) {
    const each = await twin.keep(converse(seed + KEPT_SEEDS + index, api), line => log(`\n${line}`));
    if (each !== undefined) kept.push(each);
  }
  const { text, ok } = summary(twin, elapsedMs, api, sortOut(await endgame(pair, kept)));
  return { text, ok };
}
