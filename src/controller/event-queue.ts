// Events of the controller, carried out one at a time in the order they came (ControllerEventManager.scala).

interface Queued {
  readonly event: string;
  readonly work: () => Promise<void>;
  readonly settled: () => void;
}

export class EventQueue {
  readonly #failed: (event: string, error: unknown) => void;
  #queue: Queued[] = [];
  #running = false;

  constructor(failed: (event: string, error: unknown) => void) {
    this.#failed = failed;
  }

  /** Resolves when the event was carried out, failed (`failed` was told) or dropped. */
  put(event: string, work: () => Promise<void>): Promise<void> {
    return new Promise(resolve => {
      this.#queue.push({ event, work, settled: resolve });
      if (!this.#running) void this.#run();
    });
  }

  /** The same with an answer: `otherwise` where the event was dropped. Rejects where it failed. */
  async ask<Answer>(event: string, work: () => Promise<Answer>, otherwise: Answer): Promise<Answer> {
    let answer: () => Answer = () => otherwise;
    await this.put(event, async () => {
      try {
        const found = await work();
        answer = () => found;
      } catch (error) {
        answer = () => { throw error; };
        throw error;
      }
    });
    return answer();
  }

  /** Drops what has not begun. */
  clear(): void {
    const dropped = this.#queue;
    this.#queue = [];
    for (const each of dropped) each.settled();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        await next.work();
      } catch (error) {
        this.#failed(next.event, error);
      }
      next.settled();
    }
    this.#running = false;
  }
}
