// Settings of brokers that are changed while they run: those of this broker and those of every broker, as /config/brokers has
// them (ZkConfigManager.scala, AdminZkClient.scala).

import type { Logger } from '../base/logger.js';
import type { BrokerConfig } from '../config/broker-config.js';
import type { Texts } from '../config/settings.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { decodeConfig } from '../zookeeper/znodes/config.js';
import { brokerConfigPath, BROKER_ENTITIES, DEFAULT_ENTITY } from '../zookeeper/znodes/paths.js';
import { writeEntityConfig } from './entity-config.js';

const NONE: Texts = new Map();

/** Whose settings: this broker's, or everybody's where it has none of its own. */
export type Whose = 'mine' | 'everybodys';

export class BrokerConfigs {
  readonly #zk: ZooKeeper;
  readonly #config: BrokerConfig;
  readonly #logger: Logger;
  readonly #brokerId: number;

  constructor(zk: ZooKeeper, config: BrokerConfig, logger: Logger, brokerId: number) {
    this.#zk = zk;
    this.#config = config;
    this.#logger = logger;
    this.#brokerId = brokerId;
  }

  /** Whether a change of this entity is news here. */
  concerns(entityPath: string): boolean {
    return entityPath === `${BROKER_ENTITIES}${DEFAULT_ENTITY}` || entityPath === `${BROKER_ENTITIES}${this.#brokerId}`;
  }

  /** Reads both again, or for the first time, and puts them in force. ZooKeeper answers in order, so the last one in force is the last one read. */
  async reload(): Promise<void> {
    const [mine, everybodys] = await Promise.all([this.read('mine'), this.read('everybodys')]);
    for (const { key, message } of this.#config.applyDynamic(mine, everybodys)) this.#logger.error({ key, problem: message }, 'a dynamic setting cannot be used');
  }

  /** What ZooKeeper says now. */
  async read(whose: Whose): Promise<Texts> {
    try {
      const { data } = await this.#zk.getData(brokerConfigPath(this.#entity(whose)));
      return data === null ? NONE : new Map(Object.entries(decodeConfig(data)));
    } catch (error) {
      if (isZkError(error, 'NONODE')) return NONE;
      throw error;
    }
  }

  /** Replaces them, tells every broker, and returns when they are in force here: whoever asks next sees what was written. */
  async write(whose: Whose, texts: Texts): Promise<void> {
    const entity = this.#entity(whose);
    await writeEntityConfig(this.#zk, brokerConfigPath(entity), `${BROKER_ENTITIES}${entity}`, texts);
    await this.reload();
  }

  #entity(whose: Whose): number | typeof DEFAULT_ENTITY {
    return whose === 'mine' ? this.#brokerId : DEFAULT_ENTITY;
  }
}
