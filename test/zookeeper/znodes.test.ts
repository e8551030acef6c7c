// What other versions of Kafka left in ZooKeeper reads too, and what no Kafka writes is refused by name. That our bytes
// are Kafka's is shown in test/interop/zookeeper; a few of them stand here, so that a slip is seen without Java.
import { describe, expect, test } from 'vitest';
import { decodeBrokerRegistration, encodeBrokerRegistration } from '../../src/zookeeper/znodes/broker.js';
import { decodeClusterId, encodeClusterId } from '../../src/zookeeper/znodes/cluster.js';
import { decodeConfig, decodeConfigChange, encodeConfig, encodeConfigChange } from '../../src/zookeeper/znodes/config.js';
import { decodeController, decodeControllerEpoch, encodeController, encodeControllerEpoch } from '../../src/zookeeper/znodes/controller.js';
import { decodeFeature, encodeFeature } from '../../src/zookeeper/znodes/feature.js';
import { ZnodeFormatError } from '../../src/zookeeper/znodes/json.js';
import { decodeIsrChange, decodeLogDirEvent, decodePreferredElection, encodeIsrChange, encodeLogDirEvent, encodePreferredElection } from '../../src/zookeeper/znodes/notifications.js';
import { decodePartitionState, encodePartitionState } from '../../src/zookeeper/znodes/partition.js';
import { desanitize, partitionStatePath, sanitize } from '../../src/zookeeper/znodes/paths.js';
import { decodeProducerIdBlock, encodeProducerIdBlock } from '../../src/zookeeper/znodes/producer-ids.js';
import { decodeReassignment, encodeReassignment } from '../../src/zookeeper/znodes/reassignment.js';
import { decodeTopic, encodeTopic } from '../../src/zookeeper/znodes/topic.js';
import { named } from '../support/names.js';

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('a topic', () => {
  const topic = { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: new Map([[0, [1, 2]], [11, [2]]]), addingReplicas: new Map([[0, [2]]]), removingReplicas: new Map() };

  test('is written as Kafka writes it', () => {
    expect(encodeTopic(topic).toString()).toBe('{"partitions":{"0":[1,2],"11":[2]},"topic_id":"AAAAAAAAAAAAAAAAAAAAAQ","adding_replicas":{"0":[2]},"removing_replicas":{},"version":3}');
  });

  test('of twelve partitions has its last one first, as the hash table had it', () => {
    const partitions = new Map(Array.from({ length: 12 }, (_, n) => [n, [1]]));
    expect(encodeTopic({ partitions }).toString()).toMatch(/^\{"partitions":\{"11":\[1\],"0":\[1\],"1":/);
  });

  test('reads back', () => {
    expect(decodeTopic(encodeTopic(topic))).toEqual(topic);
  });

  test('of version 1 has no id and nothing moves', () => {
    expect(decodeTopic(json({ version: 1, partitions: { 0: [1] } }))).toEqual({ topicId: undefined, partitions: new Map([[0, [1]]]), addingReplicas: new Map(), removingReplicas: new Map() });
  });

  test('with replicas that are no numbers is refused', () => {
    expect(() => decodeTopic(json({ version: 1, partitions: { 0: ['x'] } }))).toThrow(ZnodeFormatError);
  });
});

describe('a partition state', () => {
  const state = { leader: 1, leaderEpoch: 7, isr: [1, 2], controllerEpoch: 9, leaderRecoveryState: 0 };

  test('is written as Kafka writes it', () => {
    expect(encodePartitionState(state).toString()).toBe('{"controller_epoch":9,"leader":1,"version":1,"leader_epoch":7,"isr":[1,2]}');
  });

  test('names its recovery only while it lasts', () => {
    expect(decodePartitionState(encodePartitionState(state))).toEqual(state);
    expect(decodePartitionState(encodePartitionState({ ...state, leaderRecoveryState: 1 }))).toEqual({ ...state, leaderRecoveryState: 1 });
  });
});

describe('a broker', () => {
  const endpoints = [{ listener: 'INSIDE', host: '::1', port: 9093, securityProtocol: 3 }, { listener: 'PLAINTEXT', host: 'example.org', port: 9092, securityProtocol: 0 }];
  const features = new Map([['some.feature', { min: 1, max: 3 }]]);

  test('reads back, and old clients find its plaintext endpoint', () => {
    const bytes = encodeBrokerRegistration({ endpoints, rack: 'r1', timestamp: 5, features });
    expect(JSON.parse(bytes.toString())).toMatchObject({ version: 5, host: 'example.org', port: 9092, jmx_port: -1, timestamp: '5' });
    expect(decodeBrokerRegistration(bytes)).toEqual({ endpoints, rack: 'r1', jmxPort: -1, timestamp: 5, features });
  });

  test('of version 1 has one endpoint', () => {
    expect(decodeBrokerRegistration(json({ version: 1, host: 'h', port: 9092, jmx_port: 1, timestamp: '2' })))
      .toEqual({ endpoints: [{ listener: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }], rack: null, jmxPort: 1, timestamp: 2, features: new Map() });
  });

  test('of version 3 names its listeners after their protocols', () => {
    const broker = decodeBrokerRegistration(json({ version: 3, host: 'h', port: 9092, jmx_port: -1, timestamp: '2', endpoints: ['SASL_SSL://h:9093'], rack: 'x' }));
    expect(broker).toMatchObject({ endpoints: [{ listener: 'SASL_SSL', host: 'h', port: 9093, securityProtocol: 3 }], rack: 'x' });
  });

  test.each([
    { version: 0, jmx_port: -1 },
    { version: 5, jmx_port: -1, endpoints: ['no endpoint'] },
    { version: 5, jmx_port: -1, endpoints: ['NAMED://h:1'] },
    { version: 5, jmx_port: -1 },
  ])('that nobody can have written is refused: %j', value => {
    expect(() => decodeBrokerRegistration(json(value))).toThrow(ZnodeFormatError);
  });
});

describe('a configuration', () => {
  test('reads back, keys like numbers included', () => {
    const config = { 'retention.ms': '1', 10: 'x', 2: 'y', __proto__key: 'z' };
    expect(decodeConfig(encodeConfig(config))).toEqual(config);
  });

  test('that is not there is empty', () => {
    expect(decodeConfig(null)).toEqual({});
    expect(decodeConfig(Buffer.alloc(0))).toEqual({});
    expect(decodeConfig(json({ version: 1 }))).toEqual({});
  });

  test('change is announced with its path, in either version', () => {
    expect(decodeConfigChange(encodeConfigChange('topics/orders'))).toBe('topics/orders');
    expect(decodeConfigChange(json({ version: 1, entity_type: 'clients', entity_name: 'c' }))).toBe('clients/c');
    expect(() => decodeConfigChange(json({ version: 3, entity_path: 'x' }))).toThrow(ZnodeFormatError);
  });
});

test('the controller', () => {
  expect(decodeController(encodeController({ brokerId: 3, timestamp: 5 }))).toEqual({ brokerId: 3, timestamp: 5, kraftControllerEpoch: -1 });
  expect(decodeController(json({ version: 1, brokerid: 4, timestamp: '9' }))).toEqual({ brokerId: 4, timestamp: 9, kraftControllerEpoch: -1 });
  expect(decodeControllerEpoch(encodeControllerEpoch(42))).toBe(42);
  expect(() => decodeControllerEpoch(Buffer.from('x'))).toThrow(ZnodeFormatError);
});

test('features', () => {
  const features = { status: 1, features: { a: 1, b: 2 } };
  expect(decodeFeature(encodeFeature(features))).toEqual(features);
  expect(decodeFeature(json({ version: 1, status: 0, features: { a: { min_version_level: 1, max_version_level: 2 } } }))).toEqual({ status: 0, features: { a: 2 } });
  for (const bad of [{ version: 3, status: 1, features: {} }, { version: 2, status: 7, features: {} }, { version: 2, status: 1 }, { version: 2, status: 1, features: { a: {} } }]) {
    expect(() => decodeFeature(json(bad))).toThrow(ZnodeFormatError);
  }
});

test('producer ids', () => {
  const block = { brokerId: 1, first: 1000, last: 1999 };
  expect(decodeProducerIdBlock(encodeProducerIdBlock(block))).toEqual(block);
  expect(decodeProducerIdBlock(null)).toBeUndefined();
});

test('notifications', () => {
  const partitions = [{ topic: 'orders', partition: 0 }, { topic: 'a.b', partition: 17 }];
  expect(decodeIsrChange(encodeIsrChange(partitions))).toEqual(partitions);
  expect(decodePreferredElection(encodePreferredElection(partitions))).toEqual(partitions);
  expect(decodeLogDirEvent(encodeLogDirEvent(4))).toBe(4);
  const moves = [{ topic: 'orders', partition: 0, replicas: [1, 2] }];
  expect(decodeReassignment(encodeReassignment(moves))).toEqual(moves);
  expect(decodeClusterId(encodeClusterId('4PS4LEnzTFyT4aG46Oau9g'))).toBe('4PS4LEnzTFyT4aG46Oau9g');
});

test.each(['', 'x', '[]', '"text"', 'null', '{"partitions":7}'])('%j is no list of partitions', text => {
  expect(() => decodeIsrChange(Buffer.from(text))).toThrow(ZnodeFormatError);
});

test('names become parts of paths and come back', () => {
  // As Sanitizer.java: java.net.URLEncoder, with * and + replaced.
  expect(sanitize("user name*+/é!~'()")).toBe('user%20name%2A%2B%2F%C3%A9%21%7E%27%28%29');
  expect(desanitize(sanitize('CN=a, O="b"/*'))).toBe('CN=a, O="b"/*');
  expect(partitionStatePath(named('orders'), 3)).toBe('/brokers/topics/orders/partitions/3/state');
});
