// Reads a history and says what must not be, in the manner of Jepsen's workload for Kafka. Pure: no broker, no clock.
import { account, type Account, type Sent } from './account.js';
import type { Entry } from './history.js';

export type Kind =
  | 'lost' | 'doubled' | 'out of order' | 'two values at one offset' | 'misplaced' | 'vanished'
  | 'never sent' | 'refused but written' | 'skipped' | 'offset went back' | 'commit went back' | 'complaint' | 'not read in the end'
  /** Not from the history, but from the cluster when all has healed. */
  | 'replicas differ' | 'left out' | 'stuck' | 'ended by itself';

export interface Finding {
  readonly kind: Kind;
  readonly partition: string;
  readonly text: string;
}

type Check = (account: Account) => Iterable<Finding>;

export function check(history: readonly Entry[]): Finding[] {
  const known = account(history);
  return checks.flatMap(look => [...look(known)]);
}

/** Findings of one kind are mostly one fault: so many, and the first few of them. */
export function summary(findings: readonly Finding[], shown = 5): string {
  const byKind = new Map<Kind, Finding[]>();
  for (const finding of findings) byKind.set(finding.kind, [...(byKind.get(finding.kind) ?? []), finding]);
  return [...byKind].map(([kind, all]) => [
    `${kind}: ${all.length}`,
    ...all.slice(0, shown).map(({ partition, text }) => `  ${partition}: ${text}`),
    ...(all.length > shown ? ['  ...'] : []),
  ].join('\n')).join('\n');
}

const withFate = ({ sends }: Account, fate: Sent['fate']): Sent[] => sends.filter(sent => sent.fate === fate);

/** Acknowledged, and not in the log in the end. */
function* lost(known: Account): Iterable<Finding> {
  for (const { partition, values, offset } of withFate(known, 'acknowledged')) {
    const places = known.places.get(partition);
    if (places === undefined) {
      yield { kind: 'not read in the end', partition, text: `${values[0]} was acknowledged there` };
      continue;
    }
    for (const value of values) if (!places.has(value)) yield { kind: 'lost', partition, text: `${value}, acknowledged at ${offset ?? 'an offset not told'}` };
  }
}

function* doubled({ places }: Account): Iterable<Finding> {
  for (const [partition, values] of places) {
    for (const [value, offsets] of values) if (offsets.length > 1) yield { kind: 'doubled', partition, text: `${value} at ${offsets.join(' and ')}` };
  }
}

/** A writer's values stand in the order in which it sent them. */
function* outOfOrder({ logs }: Account): Iterable<Finding> {
  for (const [partition, log] of logs) {
    const last = new Map<string, number>();
    for (const [offset, value] of [...log].toSorted(([a], [b]) => a - b)) {
      const [, writer = '', n = ''] = /^(.*)[#.](\d+)$/.exec(value) ?? [];
      const before = last.get(writer) ?? -1;
      if (Number(n) < before) yield { kind: 'out of order', partition, text: `${value} at ${offset} behind ${writer}#${before}` };
      last.set(writer, Math.max(before, Number(n)));
    }
  }
}

/** Whoever read an offset, or was acknowledged at it, saw the same value there. */
function* twoValues({ logs, reads }: Account): Iterable<Finding> {
  const seen = new Map<string, Map<number, string>>([...logs].map(([partition, log]) => [partition, new Map(log)]));
  for (const { partition, records, by } of reads) {
    const log = seen.get(partition) ?? new Map<number, string>();
    seen.set(partition, log);
    for (const [offset, value] of records) {
      const other = log.get(offset);
      if (other === undefined) log.set(offset, value);
      else if (other !== value) yield { kind: 'two values at one offset', partition, text: `${by} read ${value} at ${offset}, where ${other} stands` };
    }
  }
}

function* misplaced(known: Account): Iterable<Finding> {
  for (const { partition, values, offset } of withFate(known, 'acknowledged')) {
    if (offset === undefined) continue;
    const log = known.logs.get(partition);
    for (const [index, value] of values.entries()) {
      const there = log?.get(offset + index);
      if (there !== undefined && there !== value) yield { kind: 'misplaced', partition, text: `${value} was acknowledged at ${offset + index}, where ${there} stands` };
    }
  }
}

/** Read by somebody, so below the watermark, and not there any more. */
function* vanished({ logs, reads }: Account): Iterable<Finding> {
  const told = new Set<string>();
  for (const { partition, records, by } of reads) {
    const log = logs.get(partition);
    if (log === undefined) continue;
    for (const [offset, value] of records) {
      if (log.has(offset) || told.has(`${partition}@${offset}`)) continue;
      told.add(`${partition}@${offset}`);
      yield { kind: 'vanished', partition, text: `${by} read ${value} at ${offset}` };
    }
  }
}

function* fromNowhere(known: Account): Iterable<Finding> {
  const sent = new Set(known.sends.flatMap(({ partition, values }) => values.map(value => `${partition}@${value}`)));
  const refused = new Set(withFate(known, 'refused').flatMap(({ partition, values }) => values.map(value => `${partition}@${value}`)));
  for (const [partition, log] of known.logs) {
    if (known.foreign.has(partition.slice(0, partition.lastIndexOf('-')))) continue;
    for (const [offset, value] of log) {
      const name = `${partition}@${value}`;
      if (!sent.has(name)) yield { kind: 'never sent', partition, text: `${value} at ${offset}` };
      else if (refused.has(name)) yield { kind: 'refused but written', partition, text: `${value} at ${offset}` };
    }
  }
}

/** Every offset holds a record (nothing is compacted, nobody uses transactions): one fetch brings them without a gap, upwards. */
function* readsInOrder({ history }: Account): Iterable<Finding> {
  for (const entry of history) {
    if (entry.did !== 'read') continue;
    let due = entry.from;
    for (const [offset] of entry.records) {
      if (offset < due) yield { kind: 'offset went back', partition: entry.partition, text: `${entry.by} asked from ${entry.from} and got ${offset} where ${due} was due` };
      if (offset > due) yield { kind: 'skipped', partition: entry.partition, text: `${entry.by} asked from ${entry.from} and got ${offset} where ${due} was due` };
      due = offset + 1;
    }
  }
}

/**
 * A committed offset that is told is no lower than any that was acknowledged before it was asked for. (Members go forward from
 * what they were told, so no commit is meant to go back.)
 */
function* commitsGoForward({ history }: Account): Iterable<Finding> {
  const commits = new Map<number, { readonly of: string; readonly offset: number }>();
  const asked = new Map<number, { readonly of: string; readonly partition: string; readonly by: string; readonly atLeast: number }>();
  const highest = new Map<string, number>();
  for (const entry of history) {
    if (entry.did === 'commit') commits.set(entry.op, { of: `${entry.group}/${entry.partition}`, offset: entry.offset });
    if (entry.did === 'committed') {
      const { of, offset } = commits.get(entry.op)!;
      highest.set(of, Math.max(offset, highest.get(of) ?? -1));
    }
    if (entry.did === 'ask-committed') {
      const of = `${entry.group}/${entry.partition}`;
      asked.set(entry.op, { of, partition: entry.partition, by: entry.by, atLeast: highest.get(of) ?? -1 });
    }
    if (entry.did === 'told-committed') {
      const { of, partition, by, atLeast } = asked.get(entry.op)!;
      if (entry.offset < atLeast) yield { kind: 'commit went back', partition, text: `${by} was told ${entry.offset} of ${of}, where ${atLeast} had been committed` };
    }
  }
}

function* complaints({ complaints: all }: Account): Iterable<Finding> {
  for (const { partition, by, what } of all) yield { kind: 'complaint', partition, text: `${by}: ${what}` };
}

const checks: readonly Check[] = [lost, doubled, outOfOrder, twoValues, misplaced, vanished, fromNowhere, readsInOrder, commitsGoForward, complaints];
