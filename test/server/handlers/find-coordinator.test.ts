import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import type { FindCoordinatorResponse } from '../../../src/protocol/messages.js';
import { MetadataCache } from '../../../src/replication/metadata-cache.js';
import { findCoordinator } from '../../../src/server/handlers/find-coordinator.js';
import type { BrokerServices } from '../../../src/server/services.js';
import { PARTITIONS, Story } from '../../coordinator/support/story.js';
import { ask, versions } from './support.js';
import { named } from '../../support/names.js';

const PORTS = [9_092, 9_093];

/** Two brokers that share the partitions of __consumer_offsets; the odd ones are broker 1's. */
function cluster(options: { readonly topics?: readonly string[]; readonly listener?: string; readonly leaderless?: boolean } = {}): { broker: Partial<BrokerServices>; created: string[] } {
  const { topics = ['__consumer_offsets'], listener = 'PLAINTEXT', leaderless = false } = options;
  const metadata = new MetadataCache();
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition, leader: leaderless ? -1 : partition % 2, leaderEpoch: 0, isr: [0], replicas: [0], offlineReplicas: [], zkVersion: 0, controllerEpoch: 1,
  }));
  metadata.update({
    controllerId: 0,
    brokers: PORTS.map((port, id) => ({ id, rack: null, endpoints: [{ listener, host: `broker-${id}`, port, securityProtocol: 0 }] })),
    topics: topics.map(name => ({ name: named(name), id: 'AAAAAAAAAAAAAAAAAAAAAA', partitions })),
  });
  const created: string[] = [];
  const internalTopics = { create: (name: string) => { created.push(name); } } as unknown as BrokerServices['internalTopics'];
  const { coordinator: groups, time } = new Story();
  return { broker: { metadata, internalTopics, groups, clock: time, timers: time }, created };
}

/** One key in every version: v4 put it into a list. */
async function find(version: number, key: string, broker: Partial<BrokerServices>, keyType = 0): Promise<{ errorCode: number; nodeId: number; host: string; port: number }> {
  const request = version >= 4 ? { keyType, coordinatorKeys: [key] } : version >= 1 ? { keyType, key } : { key };
  const answer = await ask<FindCoordinatorResponse>(findCoordinator, version, request, broker);
  if (version < 4) return answer;
  expect(answer.coordinators.map(each => each.key)).toEqual([key]);
  return answer.coordinators[0]!;
}

test.each(versions(0, 6))('v%i names the leader of the group\'s partition', async version => {
  const { broker, created } = cluster();
  for (const group of ['g', 'h', 'a', 'b', 'orders']) {
    const leader = broker.groups!.partitionFor(group) % 2;
    expect(await find(version, group, broker)).toMatchObject({ errorCode: 0, nodeId: leader, host: `broker-${leader}`, port: PORTS[leader] });
  }
  expect(created).toEqual([]);
});

test.each(versions(0, 6))('v%i has the topic made when nobody has asked before', async version => {
  const { broker, created } = cluster({ topics: [] });
  expect(await find(version, 'g', broker)).toMatchObject({ errorCode: ErrorCode.CoordinatorNotAvailable, nodeId: -1, host: '', port: -1 });
  expect(created).toEqual(['__consumer_offsets']);
});

test.each(versions(1, 6))('v%i tells who looks for a transaction coordinator that there is none and will be none, and makes no topic', async version => {
  for (const topics of [[], ['__transaction_state']]) {
    const { broker, created } = cluster({ topics });
    const answer = await find(version, 'tx', broker, 1);
    expect(answer).toMatchObject({ errorCode: ErrorCode.UnsupportedVersion, errorMessage: 'This broker serves no transactions.', nodeId: -1, host: '', port: -1 });
    expect(created).toEqual([]);
  }
});

test('without a leader, or one that this listener reaches, there is no coordinator at present', async () => {
  for (const options of [{ leaderless: true }, { listener: 'SSL' }]) {
    expect((await find(3, 'g', cluster(options).broker)).errorCode).toBe(ErrorCode.CoordinatorNotAvailable);
  }
});

const MALFORMED = /^This most likely occurs because of a request being malformed/;

test.each(versions(1, 6))('v%i refuses a kind that nobody knows, and says so', async version => {
  for (const keyType of [3, -1]) {
    expect(await find(version, 'g', cluster().broker, keyType)).toMatchObject({ errorCode: ErrorCode.InvalidRequest, errorMessage: expect.stringMatching(MALFORMED), nodeId: -1, host: '', port: -1 });
  }
});

test('share groups are a kind since v6, and have no coordinator', async () => {
  const share = (version: number) => find(version, 'g', cluster().broker, 2);
  expect(await share(3)).toMatchObject({ errorCode: ErrorCode.InvalidRequest, errorMessage: expect.stringMatching(MALFORMED) });
  expect(await share(5)).toMatchObject({ errorCode: ErrorCode.InvalidRequest, errorMessage: '' });
  expect(await share(6)).toMatchObject({ errorCode: ErrorCode.CoordinatorNotAvailable, errorMessage: '' });
});

test('v1 to v3 carry a message, NONE when all is well', async () => {
  const { broker } = cluster();
  const request = { keyType: 0, key: 'g' };
  const message = async (from: Partial<BrokerServices>, version: number) => (await ask<FindCoordinatorResponse>(findCoordinator, version, request, from)).errorMessage;
  for (const version of [1, 2, 3]) {
    expect(await message(broker, version)).toBe('NONE');
    expect(await message(cluster({ leaderless: true }).broker, version)).toBe('The coordinator is not available.');
  }
});
