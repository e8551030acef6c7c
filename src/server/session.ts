// Life with a ZooKeeper session: registered while it lasts, and again when it had expired. The data path does not care
// which: it serves what it knows.

import type { Logger } from '../base/logger.js';
import type { Timers } from '../base/timers.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';

export interface SessionOptions {
  readonly zookeeper: ZooKeeper;
  readonly logger: Logger;
  readonly timers: Timers;
  /** Registers and answers the new broker epoch. */
  readonly register: () => Promise<number>;
  readonly expired: () => void;
  /** Registered again, in a new session. */
  readonly restored: (brokerEpoch: number) => Promise<void>;
}

const RETRY_MS = 1000;

export class BrokerSession {
  readonly #options: SessionOptions;
  #stop: (() => void) | undefined;
  #restoring = false;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stop = this.#options.zookeeper.onState(state => {
      if (state === 'expired' && !this.#restoring && !this.#closed) void this.#restore();
    });
  }

  close(): void {
    this.#closed = true;
    this.#stop?.();
  }

  async #restore(): Promise<void> {
    const { zookeeper, logger, expired, register, restored, timers } = this.#options;
    this.#restoring = true;
    logger.warn({}, 'the ZooKeeper session has expired: registering again');
    expired();
    while (!this.#closed) {
      try {
        if (zookeeper.state === 'expired') await zookeeper.reopen();
        const epoch = await register();
        await restored(epoch);
        logger.info({ epoch }, 'registered again');
        break;
      } catch (error) {
        if (this.#closed || isZkError(error, 'CLOSED')) break;
        // This session may have expired as well: around again.
        logger.warn({ error: String(error) }, 'registering again failed');
        await new Promise<void>(resolve => timers.after(RETRY_MS, resolve));
      }
    }
    this.#restoring = false;
  }
}
