// Every topic's overrides, as /config/topics has them, and what they add up to with the broker's settings.

import { isDeepStrictEqual } from 'node:util';
import { topicNames, type TopicName } from '../../base/topic-name.js';
import type { BrokerConfig } from '../../config/broker-config.js';
import type { Texts } from '../../config/settings.js';
import { topicConfig, type TopicConfig } from '../../config/topic-config.js';
import { ZkError, type ZooKeeper } from '../../zookeeper/types.js';
import { decodeConfig } from '../../zookeeper/znodes/config.js';
import { topicConfigPath, ZnodePath } from '../../zookeeper/znodes/paths.js';

const NONE: Texts = new Map();

export class TopicConfigs {
  readonly #zk: ZooKeeper;
  readonly #config: BrokerConfig;
  readonly #overrides = new Map<string, Texts>();
  readonly #effective = new Map<string, TopicConfig>();
  /** Many topics have no override of their own: they share one. */
  #plain: TopicConfig;
  readonly #changed: (topic: TopicName) => void;

  /** `changed` hears of a topic whose settings were read again; `allChanged` of other defaults, which hold for every topic. */
  constructor(zk: ZooKeeper, config: BrokerConfig, changed: (topic: TopicName) => void, allChanged: () => void) {
    this.#zk = zk;
    this.#config = config;
    this.#changed = changed;
    this.#plain = topicConfig(NONE, config.settings);
    config.onChange(() => {
      const before = this.#plain;
      this.#plain = topicConfig(NONE, config.settings);
      if (isDeepStrictEqual(before, this.#plain)) return;
      this.#effective.clear();
      allChanged();
    });
  }

  overrides(topic: string): Texts {
    return this.#overrides.get(topic) ?? NONE;
  }

  of(topic: string): TopicConfig {
    const overrides = this.#overrides.get(topic);
    if (overrides === undefined || overrides.size === 0) return this.#plain;
    let effective = this.#effective.get(topic);
    if (effective === undefined) this.#effective.set(topic, (effective = topicConfig(overrides, this.#config.settings)));
    return effective;
  }

  /** Reads one topic's node again, or for the first time. */
  async reload(topic: TopicName): Promise<void> {
    const overrides = await this.read(topic);
    if (overrides.size === 0) this.#overrides.delete(topic);
    else this.#overrides.set(topic, overrides);
    this.#effective.delete(topic);
    this.#changed(topic);
  }

  async reloadAll(): Promise<void> {
    const { children } = await this.#zk.getChildren(ZnodePath.topicConfigs);
    await Promise.all(topicNames(children).map(topic => this.reload(topic)));
  }

  forget(topic: string): void {
    this.#overrides.delete(topic);
    this.#effective.delete(topic);
  }

  /** What ZooKeeper says now. */
  async read(topic: TopicName): Promise<Texts> {
    try {
      const { data } = await this.#zk.getData(topicConfigPath(topic));
      return data === null ? NONE : new Map(Object.entries(decodeConfig(data)));
    } catch (error) {
      if (error instanceof ZkError && error.code === 'NONODE') return NONE;
      throw error;
    }
  }
}
