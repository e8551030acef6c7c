// What the clients of a run did and were told, in the order in which one process (the test's) learned it. Data only: it is
// written to a file line by line, and checked from there as well as at once.
//
// A value is `writer#n` (a VerifiableProducer writes `prefix.n`): n counts up within a writer, and a writer sends to one partition only, under one producer id.

export type Entry =
  | { readonly did: 'send'; readonly op: number; readonly by: string; readonly partition: string; readonly values: readonly string[] }
  /** Acknowledged. `offset` is the first value's; a duplicate may be acknowledged without one. */
  | { readonly did: 'sent'; readonly op: number; readonly offset?: number }
  /** Refused for good: it was not written, and never will be. */
  | { readonly did: 'refused'; readonly op: number; readonly why: string }
  /** Nobody can say: it may be in the log or not. */
  | { readonly did: 'lost-sight'; readonly op: number; readonly why: string }
  /** What one fetch brought from `from` on, records below it left out. */
  | { readonly did: 'read'; readonly by: string; readonly partition: string; readonly from: number; readonly records: readonly (readonly [number, string])[] }
  | { readonly did: 'commit'; readonly op: number; readonly by: string; readonly group: string; readonly partition: string; readonly offset: number }
  | { readonly did: 'committed'; readonly op: number }
  | { readonly did: 'ask-committed'; readonly op: number; readonly by: string; readonly group: string; readonly partition: string }
  /** -1: nothing was ever committed. */
  | { readonly did: 'told-committed'; readonly op: number; readonly offset: number }
  /** A broker told a client something that it must not. */
  | { readonly did: 'complain'; readonly by: string; readonly partition: string; readonly what: string }
  /** To this topic somebody writes who does not tell of everything sent. */
  | { readonly did: 'foreign'; readonly topic: string }
  | { readonly did: 'fault'; readonly what: string };

/** Who reads everything once more when all has healed. */
export const FINAL_READER = 'final';

export type Noted = Entry & { readonly at: number };

export class History {
  readonly entries: Noted[] = [];
  readonly #clock: () => number;
  readonly #write: (line: string) => void;
  #ops = 0;

  constructor(clock: () => number, write: (line: string) => void = () => {}) {
    this.#clock = clock;
    this.#write = write;
  }

  nextOp(): number {
    this.#ops += 1;
    return this.#ops;
  }

  note(entry: Entry): void {
    const noted = { at: Math.round(this.#clock()), ...entry };
    this.entries.push(noted);
    this.#write(`${JSON.stringify(noted)}\n`);
  }
}

export function parseHistory(text: string): Entry[] {
  return text.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Entry);
}
