// From which replica a consumer is told to read (KIP-392, RackAwareReplicaSelector.java).
import { describe, expect, it } from 'vitest';
import { MetadataCache } from '../../src/replication/metadata-cache.js';
import { replicaSelector } from '../../src/replication/replica-selector.js';
import { partitionWorld } from '../support/partitions.js';

const RACK_AWARE = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';
const rackAware = replicaSelector(RACK_AWARE)!;

/** Brokers 1, in rack a, and 2 and 3, in rack b. */
function racks(): MetadataCache {
  const metadata = new MetadataCache();
  const broker = (id: number, rack: string | null, listener = 'PLAINTEXT') => ({ id, rack, endpoints: [{ listener, host: 'h', port: 1, securityProtocol: 0 }] });
  metadata.update({ controllerId: 1, topics: [], brokers: [broker(1, 'a'), broker(2, 'b'), broker(3, 'b'), broker(4, 'c', 'OTHER'), broker(5, null)] });
  return metadata;
}

interface Circumstances {
  readonly offset?: number;
  readonly isr?: readonly number[];
  readonly starts?: Readonly<Record<number, number>>;
}

/** Broker 1 leads; its replicas have fetched from these offsets, and start at 0 but for what is said. */
function choose(rackId: string, ends: Readonly<Record<number, number>>, { offset = 5, isr = [1, 2, 3, 4], starts = {} }: Circumstances = {}): number | undefined {
  const { partition, log, lead, pass } = partitionWorld();
  lead({ replicas: [1, 2, 3, 4, 5], isr });
  log.append(10);
  for (const [replica, end] of Object.entries(ends)) {
    partition.followerFetched(Number(replica), end, starts[Number(replica)] ?? 0, -1);
    pass(10);
  }
  return rackAware(partition, offset, { rackId, listener: 'PLAINTEXT' }, racks());
}

describe('a consumer reads', () => {
  it.each([
    ['from the leader in its own rack', 'a', { 2: 10, 3: 10 }, undefined],
    ['from the leader where it tells no rack', '', { 2: 10, 3: 10 }, undefined],
    ['from the leader where nobody is in its rack', 'z', { 2: 10, 3: 10 }, undefined],
    ['from the replica of its rack that has more', 'b', { 2: 9, 3: 8 }, 2],
    ['from the one that was caught up last, where both have the same', 'b', { 2: 10, 3: 10 }, 3],
    ['from the leader where no replica of its rack has the offset', 'b', { 2: 4, 3: 4 }, undefined],
    ['from the leader where the replica has no endpoint for its listener', 'c', { 4: 10 }, undefined],
  ] as const)('%s', (_what, rack, ends, expected) => {
    expect(choose(rack, ends)).toBe(expected);
  });

  it('not from a replica that is out of the ISR, nor from one that starts later', () => {
    expect(choose('b', { 2: 9, 3: 8 }, { isr: [1, 3] })).toBe(3);
    expect(choose('b', { 2: 9, 3: 8 }, { starts: { 2: 6 } })).toBe(3);
  });
});

it('a follower sends nobody on', () => {
  const { partition, follow } = partitionWorld();
  follow();
  expect(rackAware(partition, 0, { rackId: 'b', listener: 'PLAINTEXT' }, racks())).toBeUndefined();
});

it('the class is one that there is', () => {
  expect(replicaSelector(null)).toBeUndefined();
  expect(replicaSelector('')).toBeUndefined();
  expect(replicaSelector('org.apache.kafka.common.replica.LeaderSelector')).toBeUndefined();
  expect(() => replicaSelector('com.example.Nearest')).toThrow('there is no com.example.Nearest here');
});
