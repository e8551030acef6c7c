// Our payloads against Kafka's own encoders (ZnodeJson.java beside this file): byte for byte, keys in the same order.
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { encodeBrokerRegistration } from '../../../src/zookeeper/znodes/broker.js';
import { encodeClusterId } from '../../../src/zookeeper/znodes/cluster.js';
import { encodeConfig, encodeConfigChange } from '../../../src/zookeeper/znodes/config.js';
import { encodeController, encodeControllerEpoch } from '../../../src/zookeeper/znodes/controller.js';
import { encodeFeature } from '../../../src/zookeeper/znodes/feature.js';
import { encodeIsrChange, encodeLogDirEvent, encodePreferredElection } from '../../../src/zookeeper/znodes/notifications.js';
import { encodePartitionState } from '../../../src/zookeeper/znodes/partition.js';
import { encodeProducerIdBlock } from '../../../src/zookeeper/znodes/producer-ids.js';
import { encodeReassignment } from '../../../src/zookeeper/znodes/reassignment.js';
import { encodeTopic } from '../../../src/zookeeper/znodes/topic.js';
import { interop } from '../harness/places.js';
import { runWell } from '../harness/processes.js';
import { javaClassPath } from '../harness/provision.js';

const kafka = new Map<string, string>();

beforeAll(async () => {
  const { stdout } = await runWell('java', ['-cp', javaClassPath(), join(interop, 'zookeeper/ZnodeJson.java')]);
  for (const line of stdout.trimEnd().split('\n')) kafka.set(line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1));
});

function same(name: string, ours: Buffer): void {
  expect(ours.toString(), name).toBe(kafka.get(name));
}

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test('topics', () => {
  for (const count of [1, 2, 3, 5, 11, 12, 13, 50, 200]) {
    const moving = range(count).filter(p => p % 7 === 3);
    const topic = {
      partitions: new Map(range(count).map(p => [p, [p % 3, p % 3 + 1]])),
      addingReplicas: new Map(moving.map(p => [p, [p % 3 + 1]])),
      removingReplicas: new Map(moving.map(p => [p, [p % 3]])),
    };
    same(`topic ${count}`, encodeTopic({ ...topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }));
    same(`topic without id ${count}`, encodeTopic(topic));
  }
});

test('partition states', () => {
  for (const leaderRecoveryState of [0, 1]) {
    same(`state ${leaderRecoveryState}`, encodePartitionState({ leader: 1, leaderEpoch: 7, isr: [1, 2, 3], controllerEpoch: 9, leaderRecoveryState }));
  }
});

test('brokers', () => {
  for (const count of range(9).map(n => n + 1)) {
    for (const rack of [null, 'rack "é']) {
      const endpoints = range(count).map(l => ({ listener: `LISTENER${l}`, host: l % 3 === 2 ? '::1' : `host${l}`, port: 9000 + l, securityProtocol: (l + count) % 4 }));
      same(`broker ${count} ${rack !== null}`, encodeBrokerRegistration({ endpoints, rack, timestamp: 123 }));
    }
  }
});

test('configurations', () => {
  for (const count of [0, 1, 2, 3, 6, 7, 11, 12, 13, 23, 24, 25, 40]) {
    same(`config ${count}`, encodeConfig(Object.fromEntries(range(count).map(k => [`some.${k * 7919 % 1000}.config.ms`, `value${k}`]))));
  }
  same('config change', encodeConfigChange('users/a%20b/clients/<default>'));
});

test('the rest', () => {
  same('controller', encodeController({ brokerId: 3, timestamp: 1234567890123 }));
  same('controller epoch', encodeControllerEpoch(42));
  same('cluster id', encodeClusterId('4PS4LEnzTFyT4aG46Oau9g'));
  for (const count of range(8)) same(`feature ${count}`, encodeFeature({ status: 1, features: Object.fromEntries(range(count).map(f => [`feature.${f}`, f + 1])) }));
  same('producer ids', encodeProducerIdBlock({ brokerId: 2, first: 9007199254000, last: 9007199254999 }));
  same('log dir event', encodeLogDirEvent(4));
  const partitions = [{ topic: 'orders', partition: 0 }, { topic: 'a.b_c-d', partition: 17 }];
  same('isr change', encodeIsrChange(partitions));
  same('preferred', encodePreferredElection(partitions));
  same('reassign', encodeReassignment([{ topic: 'orders', partition: 0, replicas: [1, 2] }, { topic: 'orders', partition: 1, replicas: [3] }]));
});
