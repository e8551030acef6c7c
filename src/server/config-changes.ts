// Changes of settings, as every broker hears of them: numbered notes under /config/changes that say what to read again
// (ZkNodeChangeNotificationListener.scala).

import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { decodeConfigChange } from '../zookeeper/znodes/config.js';
import { ZnodePath } from '../zookeeper/znodes/paths.js';

const KEPT_MS = 900_000;

export class ConfigChanges {
  readonly #zk: ZooKeeper;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #changed: (entityPath: string) => Promise<void>;
  #seen = '';
  #looking = false;
  #again = false;
  #closed = false;

  constructor(zk: ZooKeeper, clock: Clock, logger: Logger, changed: (entityPath: string) => Promise<void>) {
    this.#zk = zk;
    this.#clock = clock;
    this.#logger = logger;
    this.#changed = changed;
  }

  /** Listens from now on; what stands there already was read with the entities themselves. */
  async start(): Promise<void> {
    const { children } = await this.#zk.getChildren(ZnodePath.configChanges, () => void this.#look());
    this.#seen = children.sort().at(-1) ?? '';
  }

  /** A new session: watches are gone, and something may have been missed. */
  restart(): void {
    void this.#look();
  }

  close(): void {
    this.#closed = true;
  }

  async #look(): Promise<void> {
    if (this.#closed) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    try {
      do {
        this.#again = false;
        await this.#readNew();
      } while (this.#again);
    } catch (error) {
      if (!isZkError(error, 'SESSIONEXPIRED', 'CLOSED')) this.#logger.warn({ error: String(error) }, 'changes of settings could not be read');
    } finally {
      this.#looking = false;
    }
  }

  async #readNew(): Promise<void> {
    const { children } = await this.#zk.getChildren(ZnodePath.configChanges, () => void this.#look());
    const names = children.sort();
    for (const name of names) {
      const path = `${ZnodePath.configChanges}/${name}`;
      try {
        const { data, stat } = await this.#zk.getData(path);
        if (name > this.#seen && data !== null) await this.#changed(decodeConfigChange(data));
        else if (this.#clock.now() - stat.ctime > KEPT_MS) await this.#zk.delete(path);
      } catch (error) {
        if (!isZkError(error, 'NONODE')) throw error;
      }
    }
    this.#seen = names.at(-1) ?? this.#seen;
  }
}
