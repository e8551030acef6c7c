import { expect, test } from 'vitest';
import { BrokerConfig } from '../../src/config/broker-config.js';
import { topicConfig } from '../../src/config/topic-config.js';
import { ReplicationQuotas } from '../../src/replication/replication-quotas.js';

const clock = { now: () => 0, monotonic: () => 0 };
const rate = (value: string): ReadonlyMap<string, string> => new Map([['leader.replication.throttled.rate', value]]);

test('rates follow the settings: a broker\'s own before everybody\'s, and no bound where neither is set', () => {
  const config = BrokerConfig.from(new Map(), 'h');
  const quotas = new ReplicationQuotas(config, clock, 1);
  const rates = (): number[] => [quotas.leader.bytesPerSecond, quotas.follower.bytesPerSecond];
  expect(rates()).toEqual([Infinity, Infinity]);
  config.applyDynamic(new Map(), rate('5'));
  expect(rates()).toEqual([5, Infinity]);
  config.applyDynamic(rate('7'), rate('5'));
  expect(rates()).toEqual([7, Infinity]);
  config.applyDynamic(new Map(), new Map());
  expect(rates()).toEqual([Infinity, Infinity]);
});

test('a topic says which of its replicas on this broker are throttled, as leader and as follower', () => {
  const config = BrokerConfig.from(new Map(), 'h');
  const quotas = new ReplicationQuotas(config, clock, 1);
  const says = (leaders: string, followers: string): void => quotas.applyTopic('t', topicConfig(new Map([
    ['leader.replication.throttled.replicas', leaders], ['follower.replication.throttled.replicas', followers],
  ]), config.settings));
  const throttled = (): number[][] => [quotas.leader, quotas.follower].map(quota => [0, 1, 2].filter(partition => quota.isThrottled('t', partition)));
  says('0:1, 1:2,2:1', '*');
  expect(throttled()).toEqual([[0, 2], [0, 1, 2]]);
  says('', '1:1,,');
  expect(throttled()).toEqual([[], [1]]);
  says('*', '0:2');
  expect(throttled()).toEqual([[0, 1, 2], []]);
  // A mistake that somebody wrote to ZooKeeper throttles nothing.
  says('0:1:2', '0:1');
  expect(throttled()).toEqual([[], [0]]);
});
