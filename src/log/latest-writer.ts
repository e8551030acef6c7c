/**
 * Writes the newest state of something, one write at a time. States that were overtaken while a write ran are never
 * written: of a thousand changes in a moment the disk sees two.
 */
export class LatestWriter<T> {
  readonly #write: (state: T) => Promise<void>;
  #next: { readonly state: T } | undefined;
  #running: Promise<void> | undefined;

  constructor(write: (state: T) => Promise<void>) {
    this.#write = write;
  }

  /** Settles once this state, or one that overtook it, is written. Rejects as the write did. */
  write(state: T): Promise<void> {
    this.#next = { state };
    // While a write runs, the state waits for its turn; whoever was overtaken waits for the same turn.
    if (this.#running === undefined) return this.#run();
    return this.#running.then(() => this.#run(), () => this.#run());
  }

  /** Settles when nothing is being written. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => {});
  }

  #run(): Promise<void> {
    if (this.#next === undefined) return this.#running ?? Promise.resolve();
    const { state } = this.#next;
    this.#next = undefined;
    const writing = this.#write(state).finally(() => {
      if (this.#running === writing) this.#running = undefined;
    });
    this.#running = writing;
    return writing;
  }
}
