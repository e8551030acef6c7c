import type { Logger } from '../base/logger.js';
import type { Storage } from './storage.js';

/** Directories removed at the same time. */
const AT_ONCE = 8;

/** Deleted logs on their way off the disk: a topic's come all at once, and go a few at a time. */
export class Removals {
  readonly #storage: Storage;
  readonly #logger: Logger;
  readonly #waiting: string[] = [];
  #workers = 0;

  constructor(storage: Storage, logger: Logger) {
    this.#storage = storage;
    this.#logger = logger;
  }

  remove(directory: string): void {
    this.#waiting.push(directory);
    if (this.#workers < AT_ONCE) void this.#work();
  }

  async #work(): Promise<void> {
    this.#workers++;
    for (let directory = this.#waiting.pop(); directory !== undefined; directory = this.#waiting.pop()) {
      const doomed = directory;
      await this.#storage.remove(doomed).catch((error: unknown) => this.#logger.warn({ directory: doomed, error: String(error) }, 'cannot remove a deleted log'));
    }
    this.#workers--;
  }
}
