/** What is told again, in rows, all in all. Clients name nothing twice. */
const MOST_ROWS = 1000;

/**
 * Names that a request lists more than once. Kafka answers each time, so we do; but only up to a limit, so that an answer
 * is bounded by what there is and not by what is asked.
 */
export class Repeats {
  readonly #named = new Set<string>();
  #rows = 0;

  /** Whether to answer for this name. */
  admit(name: string): boolean {
    return !this.#named.has(name) || this.#rows < MOST_ROWS;
  }

  /** It was answered for, with so many rows. */
  answered(name: string, rows: number): void {
    if (this.#named.has(name)) this.#rows += rows + 1;
    else this.#named.add(name);
  }
}
