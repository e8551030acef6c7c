// The records every client family writes and reads: record i goes to partition i % partitions, so that the bytes of each
// partition are known here without asking any client. Each side hashes what it saw, in order.

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Broker } from './broker.js';
import { asks, type Client } from './clients.js';
import type { Codec } from './commands.js';
import { scratch } from './places.js';

/** Timestamps count from here, one millisecond a record: an hour ago, so that retention leaves them alone. */
export const startTime = Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000;

export interface Workload {
  readonly topic: string;
  readonly partitions: number;
  /** One producer after the other, each with its codec. */
  readonly runs: readonly { readonly codec: Codec; readonly count: number }[];
  /** Record i holds the i-th of these, and so on from the first again. By default it holds a short line. */
  readonly values?: readonly string[];
}

export type Contents = Record<number, { count: number; digest: string }>;

const valueOf = ({ values }: Workload, i: number): string => values?.[i % values.length] ?? `value-${i}-${'x'.repeat(i % 100)}`;

export const total = ({ runs }: Workload): number => runs.reduce((sum, { count }) => sum + count, 0);

/** What each partition of a fresh topic must hold: its records in order, offsets from 0. */
export function contents(workload: Workload, count = total(workload)): Contents {
  const found: Contents = {};
  for (let partition = 0; partition < workload.partitions; partition += 1) {
    const hash = createHash('sha256');
    let offset = 0;
    for (let i = partition; i < count; i += workload.partitions, offset += 1) {
      hash.update(`${offset} ${startTime + i} key-${i} ${valueOf(workload, i)} ${i % 10 === 0 ? i : '-'}\n`);
    }
    found[partition] = { count: offset, digest: hash.digest('hex') };
  }
  return found;
}

/** Writes the workload, all of it acknowledged; `first` continues an earlier one. */
export async function produced(client: Client, broker: Broker, workload: Workload, first = 0): Promise<void> {
  let next = first;
  const runs = workload.runs.map(({ codec, count }) => ({ codec, count, first: (next += count) - count }));
  const { topic, partitions, values } = workload;
  const file = values === undefined ? {} : { values: join(scratch('values'), 'values.json') };
  if (file.values !== undefined) writeFileSync(file.values, JSON.stringify(values));
  expect(await asks(client, broker, { do: 'produce', topic, partitions, startTime, runs, ...file })).toEqual({ produced: total(workload) });
}

/** Reads `count` records from the beginning of every partition. */
export async function consumed(client: Client, broker: Broker, workload: Workload, count = total(workload)): Promise<Contents> {
  const { topic, partitions } = workload;
  const answer = await asks(client, broker, { do: 'consume', topic, partitions, count }) as { partitions: Contents };
  return answer.partitions;
}
