import { expect, test } from 'vitest';
import { BrokerConfig } from '../../../src/config/broker-config.js';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { RequestError } from '../../../src/server/request-error.js';
import { GROUP_OFFSETS_TOPIC, InternalTopics, TRANSACTION_STATE_TOPIC } from '../../../src/server/topics/internal-topics.js';
import type { NewTopic, TopicAdmin } from '../../../src/server/topics/topic-admin.js';
import { settled } from '../../coordinator/support/manual-time.js';

const config = BrokerConfig.from(new Map([['zookeeper.connect', 'localhost:2181'], ['offsets.topic.num.partitions', '7'], ['offsets.topic.replication.factor', '2']]), 'localhost');

function begin(): { internal: InternalTopics; asked: NewTopic[]; warned: string[]; end: (error?: Error) => Promise<void> } {
  const asked: NewTopic[] = [];
  const warned: string[] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const topics = { create: (topic: NewTopic) => new Promise<void>((resolve, reject) => { asked.push(topic); waiting.push({ resolve, reject }); }) } as unknown as TopicAdmin;
  const logger = { debug: () => {}, info: () => {}, error: () => {}, warn: (_fields: object, message: string) => { warned.push(message); } };
  const end = async (error?: Error): Promise<void> => {
    const { resolve, reject } = waiting.shift()!;
    if (error === undefined) resolve();
    else reject(error);
    await settled();
  };
  return { internal: new InternalTopics(topics, config, logger), asked, warned, end };
}

test('however many look for a coordinator, the topic is made once, with the settings it needs', async () => {
  const { internal, asked, end } = begin();
  for (let i = 0; i < 3; i++) internal.create(GROUP_OFFSETS_TOPIC);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ name: '__consumer_offsets', partitions: 7, replicationFactor: 2 });
  expect(Object.fromEntries(asked[0]!.configs)).toEqual({ 'cleanup.policy': 'compact', 'compression.type': 'producer', 'segment.bytes': '104857600' });
  internal.create(TRANSACTION_STATE_TOPIC);
  expect(Object.fromEntries(asked[1]!.configs)).toEqual({
    'cleanup.policy': 'compact', 'compression.type': 'uncompressed', 'min.insync.replicas': '2', 'segment.bytes': '104857600', 'unclean.leader.election.enable': 'false',
  });
  await end();
  internal.create(GROUP_OFFSETS_TOPIC);
  expect(asked).toHaveLength(3);
});

test('a failure is told and can be tried again; that the topic is there already is none', async () => {
  const { internal, asked, warned, end } = begin();
  internal.create(GROUP_OFFSETS_TOPIC);
  await end(new RequestError(ErrorCode.InvalidReplicationFactor, 'too few brokers'));
  expect(warned).toHaveLength(1);
  internal.create(GROUP_OFFSETS_TOPIC);
  expect(asked).toHaveLength(2);
  await end(new RequestError(ErrorCode.TopicAlreadyExists, 'there it is'));
  expect(warned).toHaveLength(1);
});
