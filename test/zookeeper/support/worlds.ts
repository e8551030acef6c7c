import type { ZooKeeperClient } from '../../../src/zookeeper/client/client.js';
import { connected, type ClientOptions } from './kit.js';

export interface Target {
  /** `host:port` */
  readonly address: () => string;
  /** A session this short expires when `timePasses`, one of the other length does not. */
  readonly shortSessionMs: number;
  readonly longSessionMs: number;
  readonly timePasses: () => Promise<void> | void;
}

let roots = 0;

/** Clients of one server. */
export class Worlds {
  readonly name: string;
  readonly target: Target;

  constructor(name: string, target: Target) {
    this.name = name;
    this.target = target;
  }

  /** A client whose world is a chroot of its own. */
  readonly inNewWorld = async (options: ClientOptions = {}): Promise<{ zk: ZooKeeperClient; world: string }> => {
    const world = `${this.target.address()}/world-${process.pid}-${roots++}`;
    const zk = await this.anotherIn(world, options);
    await zk.ensureChroot();
    return { zk, world };
  };

  readonly anotherIn = (world: string, options: ClientOptions = {}): Promise<ZooKeeperClient> =>
    connected(world, { sessionTimeoutMs: this.target.longSessionMs, ...options });
}
