// A history brought into the order in which the checks ask for it.
import { FINAL_READER, type Entry } from './history.js';

export interface Sent {
  readonly by: string;
  readonly partition: string;
  readonly values: readonly string[];
  fate: 'acknowledged' | 'refused' | 'unknown';
  offset?: number;
}

export type Read = Extract<Entry, { did: 'read' }>;
export type Complaint = Extract<Entry, { did: 'complain' }>;

export interface Account {
  readonly sends: readonly Sent[];
  /** All but the final ones. */
  readonly reads: readonly Read[];
  readonly complaints: readonly Complaint[];
  /** Topics with writers that do not tell of everything they send. */
  readonly foreign: ReadonlySet<string>;
  /** By partition, what the log held in the end: value by offset, in order. */
  readonly logs: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** By partition, where each value stood in the end. */
  readonly places: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;
  readonly history: readonly Entry[];
}

export function account(history: readonly Entry[]): Account {
  const sends = new Map<number, Sent>();
  const reads: Read[] = [];
  const complaints: Complaint[] = [];
  const foreign = new Set<string>();
  const logs = new Map<string, Map<number, string>>();
  for (const entry of history) {
    switch (entry.did) {
      case 'send': sends.set(entry.op, { ...entry, fate: 'unknown' }); break;
      case 'sent': Object.assign(sends.get(entry.op)!, { fate: 'acknowledged', offset: entry.offset }); break;
      case 'refused': sends.get(entry.op)!.fate = 'refused'; break;
      case 'complain': complaints.push(entry); break;
      case 'foreign': foreign.add(entry.topic); break;
      case 'read':
        if (entry.by === FINAL_READER) enter(logs, entry);
        else reads.push(entry);
        break;
      default:
    }
  }
  return { sends: [...sends.values()], reads, complaints, foreign, logs, places: placesIn(logs), history };
}

function enter(logs: Map<string, Map<number, string>>, { partition, records }: Read): void {
  const log = logs.get(partition) ?? new Map<number, string>();
  logs.set(partition, log);
  for (const [offset, value] of records) log.set(offset, value);
}

function placesIn(logs: ReadonlyMap<string, ReadonlyMap<number, string>>): Map<string, Map<string, number[]>> {
  return new Map([...logs].map(([partition, log]) => {
    const places = new Map<string, number[]>();
    for (const [offset, value] of log) {
      const known = places.get(value);
      if (known === undefined) places.set(value, [offset]);
      else known.push(offset);
    }
    return [partition, places];
  }));
}
