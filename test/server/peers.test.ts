// Two brokers of one cluster, and what they say to each other.
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger, type Logger } from '../../src/base/logger.js';
import { seededRandom } from '../../src/base/random.js';
import type { Resolver } from '../../src/base/resolver.js';
import { systemTimers } from '../../src/base/timers.js';
import { loadAddon } from '../../src/native/addon.js';
import { Commands } from '../../src/native/commands.js';
import { EventField, EventKind } from '../../src/native/exchange.js';
import { PeerDisconnected } from '../../src/network/peer-channel.js';
import { PeerClient } from '../../src/network/peer-client.js';
import type { PeerEndpoint } from '../../src/network/peer-wire.js';
import { ResponseSpace } from '../../src/network/response-space.js';
import { SocketWire } from '../../src/network/socket-wire.js';
import { ApiVersionsRequest, FetchRequest, MetadataRequest, type MetadataResponse } from '../../src/protocol/messages.js';
import { TestBroker, until } from '../support/broker.js';
import { batch } from '../support/batches.js';
import { embedded } from '../zookeeper/support/kit.js';

/** A channel over real sockets, by an exchange that nobody else uses. */
function caller(endpoint: () => PeerEndpoint, resolve: Resolver = () => Promise.reject(new Error('no name server here')), logger: Logger = silentLogger): { channel: PeerClient; arena: Buffer } {
  const { Exchange } = loadAddon();
  let wire: SocketWire | undefined;
  const native = new Exchange({
    networkThreads: 1, logThreads: 1, arenaBytes: 64 << 20, maxRequestBytes: 1 << 20, queuedMaxBytes: 1 << 20, maxInFlight: 10, maxQueuedResponseBytes: 1 << 20,
    connectionsMaxIdleMs: -1, maxConnections: 10, sendBufferBytes: -1, receiveBufferBytes: -1,
    onWake: () => {
      const events = native.poll() & 0xffff;
      for (let at = 0; at < events * EventField.size; at += EventField.size) {
        const event = (field: number): number => native.events[at + field]!;
        const connection = event(EventField.connection);
        if (event(EventField.kind) === EventKind.connected) wire!.connected(connection);
        else if (event(EventField.kind) === EventKind.answer) wire!.answered(connection, event(EventField.slot), event(EventField.offset), event(EventField.length));
        else wire!.closed(connection, event(EventField.reason), event(EventField.errno));
      }
    },
  });
  const commands = new Commands(native);
  const space = new ResponseSpace(native, commands);
  wire = new SocketWire({ native, commands, space, resolve, flush: () => commands.flush() });
  const channel = new PeerClient({
    wire, endpoint, clientId: 'caller', name: 'a broker', newestVersion: () => undefined, requestTimeoutMs: 10_000, connectTimeoutMs: 10_000, backoffMs: 1, backoffMaxMs: 10,
    maxFrameBytes: 32 << 20, receiveBufferBytes: -1, clock: systemClock, timers: systemTimers, random: seededRandom(1), logger,
  });
  onTestFinished(() => {
    channel.close();
    commands.close();
    native.close();
  });
  return { channel, arena: space.bytes };
}

const at = (port: number, host = '127.0.0.1'): PeerEndpoint => ({ host, port, securityProtocol: 0 });

test('a broker is called by its address, asked in order, and called again after it was away', async () => {
  const broker = await TestBroker.start();
  const { channel } = caller(() => at(broker.port));
  const answers = await Promise.all(Array.from({ length: 50 }, () => channel.send<MetadataResponse>(MetadataRequest, { topics: [] })));
  expect(new Set(answers.map(({ clusterId }) => clusterId))).toEqual(new Set([broker.clusterId]));
  expect(channel.versionOf(ApiVersionsRequest.apiKey)).toBe(4);
  const { dir, port } = broker;
  await broker.close();
  await expect(channel.send(MetadataRequest, {})).rejects.toThrow(PeerDisconnected);
  const again = await TestBroker.start({ dir, settings: { listeners: `PLAINTEXT://127.0.0.1:${port}` } });
  await until(() => channel.send<MetadataResponse>(MetadataRequest, {}).then(({ clusterId }) => clusterId === again.clusterId, () => false), 'it answers again');
});

test('a name becomes addresses, which are tried one after the other', async () => {
  const broker = await TestBroker.start();
  const asked: string[] = [];
  const { channel } = caller(() => at(broker.port, 'broker-7'), host => {
    asked.push(host);
    return Promise.resolve(['127.0.0.9', '::1', '127.0.0.1']);
  });
  await channel.send(MetadataRequest, {});
  expect(asked).toEqual(['broker-7']);
});

test('a name that nobody knows, a port where nobody listens, and a protocol that is not there yet', async () => {
  const broker = await TestBroker.start();
  await broker.close();
  for (const [endpoint, why] of [[at(broker.port, 'nowhere'), /nowhere cannot be resolved: no name server/], [at(broker.port), /unreachable, ECONNREFUSED/], [{ ...at(broker.port), securityProtocol: 1 }, /not supported yet/]] as const) {
    await expect(caller(() => endpoint).channel.send(MetadataRequest, {})).rejects.toThrow(why);
  }
});

test('a fetch answer of megabytes lies in the arena as the leader wrote it, until it is given back', async () => {
  const broker = await TestBroker.start({ settings: { 'message.max.bytes': 8 << 20 } });
  const client = await broker.client();
  const topicId = await client.createTopic('large');
  const value = Buffer.alloc(5 << 20, 'x');
  await client.produce('large', batch([{ value }]));
  const { channel, arena } = caller(() => at(broker.port));
  for (let round = 0; round < 20; round++) {
    const length = await new Promise<number>((resolve, reject) => channel.sendRaw(
      FetchRequest, { maxBytes: 16 << 20, minBytes: 1, maxWaitMs: 1000, topics: [{ topicId, topic: 'large', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 16 << 20 }] }] },
      answer => {
        expect(answer.bytes).toBe(arena);
        expect(arena.subarray(answer.offset, answer.offset + answer.length).includes(value.subarray(0, 1 << 20))).toBe(true);
        resolve(answer.length);
        answer.release();
      }, reject,
    ));
    expect(length).toBeGreaterThan(value.length);
  }
});

test.each(['3.9', '3.0', '2.7', '2.4'])('two brokers on one ZooKeeper know each other, and each knows a topic that has a replica on both, at protocol %s', async protocol => {
  const zookeeper = await embedded();
  const settings = { 'zookeeper.connect': zookeeper.connect, 'offsets.topic.replication.factor': 1, 'inter.broker.protocol.version': protocol, 'controlled.shutdown.retry.backoff.ms': 10 };
  const one = await TestBroker.start({ settings: { ...settings, 'broker.id': 1 } });
  const two = await TestBroker.start({ settings: { ...settings, 'broker.id': 2 } });
  const clients = await Promise.all([one.client(), two.client()]);
  for (const client of clients) {
    await until(async () => (await client.metadata({ topics: [] })).brokers.length === 2, 'both appear');
    const { brokers } = await client.metadata({ topics: [] });
    expect(brokers.map(({ nodeId, port }) => [nodeId, port]).sort()).toEqual([[1, one.port], [2, two.port]].sort());
  }
  const [client, other] = clients;
  const { topics: [made] } = await client.createTopics({ topics: [{ name: 'on-both', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }, { partitionIndex: 1, brokerIds: [2, 1] }] }] });
  expect(made).toMatchObject({ errorCode: 0 });
  for (const each of clients) {
    await until(async () => (await each.metadata({ topics: [{ name: 'on-both' }] })).topics[0]!.partitions.length === 2, 'the topic is known');
    const { topics: [topic] } = await each.metadata({ topics: [{ name: 'on-both' }] });
    expect(topic!.partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => [partitionIndex, leaderId, replicaNodes, isrNodes]).sort()).toEqual([[0, 1, [1, 2], [1, 2]], [1, 2, [2, 1], [2, 1]]]);
  }
  // And one that the other leads is led there: LeaderAndIsr came through a socket.
  await until(async () => (await other.produce('on-both', batch([{ value: Buffer.from('to the other') }]), { partition: 1, acks: 1 })).errorCode === 0, 'the second broker leads');
});

test.each([
  ['the controller calls by the listener set apart for it', { 'control.plane.listener.name': 'CALLED' }],
  ['where none is, by the one between brokers', { 'inter.broker.listener.name': 'CALLED' }],
])('%s', async (_story, named) => {
  const zookeeper = await embedded();
  const settings = {
    'zookeeper.connect': zookeeper.connect, 'offsets.topic.replication.factor': 1, ...named,
    listeners: 'PLAINTEXT://127.0.0.1:0,CALLED://127.0.0.1:0', 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CALLED:PLAINTEXT',
  };
  await TestBroker.start({ settings: { ...settings, 'broker.id': 1 } });
  // It starts only when the controller has told it of the cluster, and where others are sent nobody listens.
  const two = await TestBroker.start({ settings: { ...settings, 'broker.id': 2, 'advertised.listeners': 'PLAINTEXT://127.0.0.1:1,CALLED://127.0.0.1:0' } });
  const client = await two.client();
  expect((await client.metadata({ topics: [] })).brokers.map(({ nodeId }) => nodeId).sort()).toEqual([1, 2]);
});
