// The cluster's finalized features, as /feature has them (FinalizedFeatureChangeListener.scala). Their epoch is the
// znode's version.

import type { Logger } from '../base/logger.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { decodeFeature } from '../zookeeper/znodes/feature.js';
import { ZnodePath } from '../zookeeper/znodes/paths.js';

const ENABLED = 1;

export class FinalizedFeatures {
  readonly #zk: ZooKeeper;
  readonly #logger: Logger;
  /** -1: there are none. */
  epoch = -1;
  features: Readonly<Record<string, number>> = {};

  constructor(zk: ZooKeeper, logger: Logger) {
    this.#zk = zk;
    this.#logger = logger;
  }

  /** Reads them now and after every change, until the session ends; call it again in a new one. */
  async watch(): Promise<void> {
    const changed = (): void => {
      this.watch().catch((error: unknown) => {
        if (!isZkError(error, 'CLOSED', 'SESSIONEXPIRED')) this.#logger.warn({ error: String(error) }, 'finalized features could not be read');
      });
    };
    // exists() arms the watch even where there is no node yet.
    if ((await this.#zk.exists(ZnodePath.feature, changed)) === null) return this.#set(-1, {});
    try {
      const { data, stat } = await this.#zk.getData(ZnodePath.feature);
      const decoded = data === null ? undefined : decodeFeature(data);
      if (decoded?.status === ENABLED) this.#set(stat.version, decoded.features);
      else this.#set(-1, {});
    } catch (error) {
      if (!isZkError(error, 'NONODE')) throw error;
      this.#set(-1, {});
    }
  }

  #set(epoch: number, features: Readonly<Record<string, number>>): void {
    this.epoch = epoch;
    this.features = features;
  }
}
