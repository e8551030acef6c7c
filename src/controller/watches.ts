// Watchers of one term as controller. Each is one and the same whenever it is armed, because a client tells a watcher once
// however often it was armed; and none outlives its term, or each would arm itself again for good.

import type { WatchEvent } from '../zookeeper/types.js';
import type { EventQueue } from './event-queue.js';

export class Watches {
  readonly #events: EventQueue;
  /** The epoch of the present term; undefined while somebody else is controller. */
  readonly #term: () => number | undefined;
  readonly #watchers = new Map<string, (event?: WatchEvent) => void>();

  constructor(events: EventQueue, term: () => number | undefined) {
    this.#events = events;
    this.#term = term;
  }

  /** Queues `handle` as an event. Two of one name are the same. */
  of(name: string, handle: () => Promise<void>, concerns: (event: WatchEvent) => boolean = () => true): (event?: WatchEvent) => void {
    let watcher = this.#watchers.get(name);
    if (watcher === undefined) {
      const queue = this.within(name, handle);
      watcher = event => {
        if (event === undefined || concerns(event)) queue();
      };
      this.#watchers.set(name, watcher);
    }
    return watcher;
  }

  /** What queues `handle` while this term lasts. */
  within(name: string, handle: () => Promise<void>): () => void {
    const term = this.#term();
    const current = (): boolean => term !== undefined && this.#term() === term;
    return () => {
      if (current()) void this.#events.put(name, async () => (current() ? handle() : undefined));
    };
  }

  forget(name: string): void {
    this.#watchers.delete(name);
  }

  clear(): void {
    this.#watchers.clear();
  }
}
