// Changes of settings, as every broker hears of them: numbered notes under /config/changes that say what to read again
// (ZkNodeChangeNotificationListener.scala).

import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { decodeConfigChange } from '../zookeeper/znodes/config.js';
import { ZnodeFormatError } from '../zookeeper/znodes/json.js';
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

  /** What is new first: somebody waits for it to take effect. */
  async #readNew(): Promise<void> {
    const { children } = await this.#zk.getChildren(ZnodePath.configChanges, () => void this.#look());
    const names = children.sort();
    for (const name of names) {
      if (name <= this.#seen) continue;
      const note = await this.#read(name);
      const entityPath = note === undefined ? undefined : this.#entityOf(name, note.data);
      if (entityPath !== undefined) await this.#changed(entityPath);
      this.#seen = name;
    }
    await this.#forgetOld(names);
  }

  /** One that somebody spoilt by hand must not keep the next from being read. */
  #entityOf(name: string, data: Buffer | null): string | undefined {
    try {
      return data === null ? undefined : decodeConfigChange(data);
    } catch (error) {
      if (!(error instanceof ZnodeFormatError)) throw error;
      this.#logger.warn({ name, error: String(error) }, 'a note of changed settings cannot be read: passed over');
      return undefined;
    }
  }

  /** Notes are numbered as they come, so behind one that is kept all are. */
  async #forgetOld(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const note = await this.#read(name);
      if (note === undefined) continue;
      if (this.#clock.now() - note.stat.ctime <= KEPT_MS) return;
      await this.#zk.delete(pathOf(name)).catch((error: unknown) => {
        if (!isZkError(error, 'NONODE')) throw error;
      });
    }
  }

  /** Undefined: another broker found it old. */
  async #read(name: string): Promise<Awaited<ReturnType<ZooKeeper['getData']>> | undefined> {
    try {
      return await this.#zk.getData(pathOf(name));
    } catch (error) {
      if (isZkError(error, 'NONODE')) return undefined;
      throw error;
    }
  }
}

function pathOf(name: string): string {
  return `${ZnodePath.configChanges}/${name}`;
}
