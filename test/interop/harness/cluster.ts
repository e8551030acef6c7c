// Several brokers on one Apache ZooKeeper. INTEROP_CLUSTER names their kinds (kafka,odradek,kafka); three of ours if not given.
import { Broker, type BrokerKind } from './broker.js';
import { ZooKeeper } from './zookeeper.js';

export const clusterUnderTest: readonly BrokerKind[] = (process.env['INTEROP_CLUSTER'] ?? 'odradek,odradek,odradek').split(',').map(kind => {
  if (kind !== 'odradek' && kind !== 'kafka') throw new Error(`INTEROP_CLUSTER: there is no broker '${kind}'`);
  return kind;
});

export class BrokerCluster {
  readonly zookeeper: ZooKeeper;
  readonly brokers: readonly Broker[];

  private constructor(zookeeper: ZooKeeper, brokers: readonly Broker[]) {
    this.zookeeper = zookeeper;
    this.brokers = brokers;
  }

  /** Ids count from 1. */
  static async start(kinds = clusterUnderTest, properties: Readonly<Record<string, string | number>> = {}): Promise<BrokerCluster> {
    const zookeeper = await ZooKeeper.start();
    const brokers: Broker[] = [];
    try {
      for (const [index, kind] of kinds.entries()) {
        brokers.push(await Broker.start({
          kind, zookeeper, properties: {
            'broker.id': index + 1, 'offsets.topic.replication.factor': Math.min(3, kinds.length), 'offsets.topic.num.partitions': 3, 'replica.lag.time.max.ms': 4_000,
            'auto.leader.rebalance.enable': 'false', ...properties,
          },
        }));
      }
    } catch (error) {
      await Promise.all(brokers.map(broker => broker.destroy()));
      await zookeeper.destroy();
      throw error;
    }
    return new BrokerCluster(zookeeper, brokers);
  }

  /** By id. */
  broker(id: number): Broker { return this.brokers[id - 1]!; }
  get bootstrap(): string { return this.brokers.map(({ bootstrap }) => bootstrap).join(','); }

  async destroy(): Promise<void> {
    await Promise.all(this.brokers.map(broker => broker.destroy()));
    await this.zookeeper.destroy();
  }
}
