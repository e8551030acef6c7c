import { expect, test } from 'vitest';
import { topicName } from '../../src/base/topic-name.js';
import { UpdateMetadataRequest, type UpdateMetadataRequestInput } from '../../src/protocol/messages.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
import { liveBroker } from '../../src/replication/live-broker.js';
import { MetadataCache, type PartitionState } from '../../src/replication/metadata-cache.js';

function told(message: UpdateMetadataRequestInput, version: number): UpdateMetadataRequest {
  const writer = new Writer();
  UpdateMetadataRequest.encode(writer, { controllerId: 1, controllerEpoch: 1, ...message }, version);
  return UpdateMetadataRequest.decode(new Reader(writer.finish()), version);
}

test('a controller of any age tells where a broker listens', () => {
  const plain = { listener: 'PLAINTEXT', host: 'here', port: 9092, securityProtocol: 0 };
  const secret = { listener: 'SASL_SSL', host: 'here', port: 9093, securityProtocol: 3 };
  const brokers = { 0: [{ id: 1, v0Host: 'here', v0Port: 9092 }], 1: [{ id: 1, endpoints: [plain, secret].map(each => ({ ...each, listener: '' })) }], 3: [{ id: 1, endpoints: [plain, secret] }] };
  expect(told({ liveBrokers: brokers[0] }, 0).liveBrokers.map(liveBroker)).toEqual([{ id: 1, rack: '', endpoints: [plain] }]);
  for (const version of [1, 2]) expect(told({ liveBrokers: brokers[1] }, version).liveBrokers.map(liveBroker)).toMatchObject([{ id: 1, endpoints: [plain, secret] }]);
  for (const version of [3, 5, 8]) expect(told({ liveBrokers: brokers[3] }, version).liveBrokers.map(liveBroker)).toMatchObject([{ id: 1, endpoints: [plain, secret] }]);
  expect(told({ liveBrokers: [{ id: 1, endpoints: [] }] }, 8).liveBrokers.map(liveBroker)).toMatchObject([{ id: 1, endpoints: [] }]);
});

test('a topic keeps its id where nothing is said of ids, and loses it where it is said to have none', () => {
  const cache = new MetadataCache();
  const partitions: PartitionState[] = [{ partition: 0, leader: 1, leaderEpoch: 0, isr: [1], replicas: [1], offlineReplicas: [], zkVersion: 0, controllerEpoch: 1 }];
  const say = (id: string | undefined): string | undefined => {
    cache.update({ controllerId: 1, brokers: [], topics: [{ name: topicName('orders')!, id, partitions }] });
    return cache.topicName('b3JkZXJzLWlkLS0tLS0tLQ');
  };
  expect(say('b3JkZXJzLWlkLS0tLS0tLQ')).toBe('orders');
  expect(say(undefined)).toBe('orders');
  expect(say('AAAAAAAAAAAAAAAAAAAAAA')).toBeUndefined();
});
