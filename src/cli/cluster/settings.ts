// What the brokers of a local cluster are told: addresses and directories of their own, and as many replicas as there can be.
import { join } from 'node:path';

export interface ClusterShape {
  readonly brokers: number;
  /** Of the first broker; 0: any free one for each. */
  readonly port: number;
  readonly dir: string;
  readonly coordinationPort: number;
  /** `key=value`, told to all; they win. */
  readonly overrides: readonly string[];
}

/** Kafka's usual three, or what there is. */
const MOST_REPLICAS = 3;

/** The overrides of broker `id`, counted from 1. The first brings coordination for all. */
export function overridesOf(id: number, { brokers, port, dir, coordinationPort, overrides }: ClusterShape): string[] {
  const replicas = Math.min(MOST_REPLICAS, brokers);
  const inSync = Math.max(1, replicas - 1);
  return [
    `broker.id=${id}`,
    `listeners=PLAINTEXT://localhost:${port === 0 ? 0 : port + id - 1}`,
    `log.dirs=${join(dir, `broker-${id}`)}`,
    ...(id === 1 ? [`odradek.embedded.dir=${join(dir, 'zookeeper')}`, `odradek.embedded.port=${coordinationPort}`] : [`zookeeper.connect=127.0.0.1:${coordinationPort}`]),
    `default.replication.factor=${replicas}`,
    `min.insync.replicas=${inSync}`,
    `offsets.topic.replication.factor=${replicas}`,
    `transaction.state.log.replication.factor=${replicas}`,
    `transaction.state.log.min.isr=${inSync}`,
    'group.initial.rebalance.delay.ms=0',
    // The last ones to leave have nobody to hand their partitions to, and need not ask three times in fifteen seconds.
    'controlled.shutdown.retry.backoff.ms=200',
    ...overrides,
  ];
}
