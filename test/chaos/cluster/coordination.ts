// What coordinates the brokers: Apache ZooKeeper, or the server that Odradek embeds, here without a broker around it.
import { startZooKeeper, type ZooKeeperServer } from '../../../bench/peer/zookeeper.js';
import { systemClock } from '../../../src/base/clock.js';
import { systemRandom } from '../../../src/base/random.js';
import { systemTimers } from '../../../src/base/timers.js';
import { startEmbeddedZooKeeper, type EmbeddedZooKeeper } from '../../../src/zookeeper/server/embedded.js';

export type CoordinationKind = 'apache' | 'embedded';

type Server = Pick<ZooKeeperServer, 'port' | 'stop'> | EmbeddedZooKeeper;

/** A session lasts two of them at least. */
const TICK_MS = 1_000;

export class Coordination {
  readonly kind: CoordinationKind;
  readonly port: number;
  readonly #dir: string;
  #server: Server | undefined;

  private constructor(kind: CoordinationKind, dir: string, server: Server) {
    this.kind = kind;
    this.#dir = dir;
    this.port = server.port;
    this.#server = server;
  }

  static async start(kind: CoordinationKind, dir: string): Promise<Coordination> {
    return new Coordination(kind, dir, await serve(kind, dir));
  }

  get running(): boolean { return this.#server !== undefined; }

  /** Starts it again, with everything kept; nothing where it runs. */
  async start(): Promise<void> {
    this.#server ??= await serve(this.kind, this.#dir, this.port);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await ('stop' in server ? server.stop() : server.close());
  }
}

function serve(kind: CoordinationKind, dir: string, port?: number): Promise<Server> {
  if (kind === 'apache') return startZooKeeper({ dir, config: { tickTime: String(TICK_MS), forceSync: 'no' }, ...(port === undefined ? {} : { port }) });
  return startEmbeddedZooKeeper({ dataDir: dir, tickTimeMs: TICK_MS, clock: systemClock, timers: systemTimers, random: systemRandom, ...(port === undefined ? {} : { port }) });
}
