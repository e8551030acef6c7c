// The quotas of a broker's replication, as its settings and its topics' say them (BrokerConfigHandler and
// TopicConfigHandler of ConfigHandler.scala).

import type { Clock } from '../base/clock.js';
import type { BrokerConfig } from '../config/broker-config.js';
import type { TopicConfig } from '../config/topic-config.js';
import { ReplicationQuota, type ThrottledPartitions } from './replication-quota.js';

export class ReplicationQuotas {
  /** Of what this broker gives to followers. */
  readonly leader: ReplicationQuota;
  /** Of what it takes from leaders. */
  readonly follower: ReplicationQuota;
  readonly #brokerId: number;

  constructor(config: BrokerConfig, clock: Clock, brokerId: number) {
    this.#brokerId = brokerId;
    const replication = { clock, windows: config.number('replication.quota.window.num'), windowMs: config.number('replication.quota.window.size.seconds') * 1000 };
    this.leader = new ReplicationQuota(replication);
    this.follower = new ReplicationQuota(replication);
    this.#applyRates(config);
    config.onChange(changed => this.#applyRates(changed));
  }

  /** What a topic's settings say of its replicas on this broker. */
  applyTopic(topic: string, { leaderThrottledReplicas, followerThrottledReplicas }: TopicConfig): void {
    this.leader.throttle(topic, this.#mine(leaderThrottledReplicas));
    this.follower.throttle(topic, this.#mine(followerThrottledReplicas));
  }

  #applyRates({ settings }: BrokerConfig): void {
    this.leader.bytesPerSecond = settings.dynamicNumber('leader.replication.throttled.rate') ?? Infinity;
    this.follower.bytesPerSecond = settings.dynamicNumber('follower.replication.throttled.rate') ?? Infinity;
  }

  /** `partition:broker` each, or `*`. */
  #mine(replicas: readonly string[]): ThrottledPartitions | undefined {
    if (replicas.length === 0) return undefined;
    if (replicas.join('') === '*') return 'all';
    const mine = replicas.map(each => each.split(':').map(Number)).filter(([, broker]) => broker === this.#brokerId);
    return new Set(mine.map(([partition]) => partition!));
  }
}
