import type { Random } from '../../base/random.js';
import type { Timers } from '../../base/timers.js';
import type { ServerAddress } from './address.js';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;

/** The ensemble in a random order of this client's own, so that a crowd of clients spreads over it. */
export class ServerList {
  readonly #servers: readonly ServerAddress[];
  readonly #random: Random;
  #next = 0;

  constructor(servers: readonly ServerAddress[], random: Random) {
    const shuffled = [...servers];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = random.int(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    this.#servers = shuffled;
    this.#random = random;
  }

  next(): ServerAddress {
    return this.#servers[this.#next++ % this.#servers.length]!;
  }

  /** No pause until each server has been asked once; then longer and longer, never the same for two clients. */
  async pause(failures: number, timers: Timers, signal: AbortSignal): Promise<void> {
    const rounds = Math.floor(failures / this.#servers.length);
    if (rounds === 0) return;
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(rounds, 10), LONGEST_PAUSE_MS);
    await new Promise<void>(resolve => {
      const over = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', over);
        resolve();
      };
      const timer = timers.after(longest / 2 + this.#random.int(longest / 2), over);
      signal.addEventListener('abort', over);
    });
  }
}
