// Long work cut up, so that the main isolate serves others in between (no step longer than a few milliseconds).

import type { Clock } from './clock.js';
import type { Timers } from './timers.js';

const LONGEST_TURN_MS = 2;

/** One piece of long work. Await `next()` between its steps. */
export class Turns {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #longestMs: number;
  #began: number;

  constructor(clock: Clock, timers: Timers, longestMs = LONGEST_TURN_MS) {
    this.#clock = clock;
    this.#timers = timers;
    this.#longestMs = longestMs;
    this.#began = clock.monotonic();
  }

  /** Whether next() would give way: for steps too small to await something behind each. */
  get isOver(): boolean {
    return this.#clock.monotonic() - this.#began >= this.#longestMs;
  }

  /** Gives way when this turn has lasted long enough; otherwise costs a look at the clock. */
  async next(): Promise<void> {
    if (!this.isOver) return;
    await new Promise<void>(resolve => void this.#timers.after(0, resolve));
    this.#began = this.#clock.monotonic();
  }
}

/** So many rows are worked at side by side, and between two looks at the clock. */
const AT_ONCE = 256;

/** Answers all rows, in order: many side by side where they wait for something, and in turns. `answer` does not throw at once. */
export async function eachInTurns<Row, Answer>(rows: Iterable<Row>, turns: Turns, answer: (row: Row) => Answer | Promise<Answer>): Promise<Awaited<Answer>[]> {
  const answers: Awaited<Answer>[] = [];
  let underWay: (Answer | Promise<Answer>)[] = [];
  const settle = async (): Promise<void> => {
    for (const each of await Promise.all(underWay)) answers.push(each);
    underWay = [];
  };
  for (const row of rows) {
    underWay.push(answer(row));
    if (underWay.length < AT_ONCE) continue;
    await settle();
    await turns.next();
  }
  await settle();
  return answers;
}
