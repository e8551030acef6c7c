// acks=all where others have to have the records: the answer waits, and nothing else does.
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { LeaderAndIsrRequest, ProduceRequest, UpdateMetadataRequest, type LeaderAndIsrResponse, type ProduceResponse } from '../../../src/protocol/messages.js';
import { batch, tampered } from '../../support/batches.js';
import { TestBroker, until } from '../../support/broker.js';
import { produceOne, type TestClient } from '../../support/client.js';

const FOLLOWER = 7;
const { CorruptMessage, None, NotLeaderOrFollower, RequestTimedOut } = ErrorCode;

interface Scene {
  readonly broker: TestBroker;
  readonly client: TestClient;
  /** This broker leads partition 0 with a follower in sync, and partition 1 alone. */
  readonly told: (leader: number, leaderEpoch: number) => Promise<void>;
  /** The follower has everything below `offset`. */
  readonly fetched: (offset: number) => Promise<void>;
  readonly appended: (count: number) => Promise<void>;
}

async function scene(): Promise<Scene> {
  const broker = await TestBroker.start();
  const client = await broker.client();
  const topicId = await client.createTopic('orders', { partitions: 2 });
  const told = async (leader: number, leaderEpoch: number): Promise<void> => {
    const replicas = [broker.id, FOLLOWER];
    const { errorCode } = await client.ask<LeaderAndIsrResponse>(LeaderAndIsrRequest, {
      controllerId: broker.id, controllerEpoch: 100, brokerEpoch: -1,
      topicStates: [{ topicName: 'orders', topicId, partitionStates: [{ partitionIndex: 0, controllerEpoch: 100, leader, leaderEpoch, isr: replicas, replicas, partitionEpoch: leaderEpoch, isNew: false }] }],
      liveLeaders: [],
    }, 7);
    expect(errorCode).toBe(None);
  };
  const fetched = async (offset: number): Promise<void> => {
    await client.fetchAll({ replicaId: FOLLOWER, topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20 }] }] }, 12);
  };
  const endIs = async (count: number): Promise<boolean> => (await client.listOffsetsAll({ replicaId: FOLLOWER, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] })).topics[0]!.partitions[0]!.offset === count;
  // A leader that is not alive would not be followed.
  const alive = (id: number): object => ({ id, endpoints: [{ port: broker.port, host: '127.0.0.1', listener: 'PLAINTEXT', securityProtocol: 0 }], rack: null });
  await client.ask(UpdateMetadataRequest, { controllerId: broker.id, controllerEpoch: 100, brokerEpoch: -1, topicStates: [], liveBrokers: [alive(broker.id), alive(FOLLOWER)] }, 7);
  await told(broker.id, 1);
  return { broker, client, told, fetched, appended: count => until(() => endIs(count), `${count} are in the log`) };
}

const one = ({ responses }: ProduceResponse): ProduceResponse['responses'][number]['partitionResponses'][number] => responses[0]!.partitionResponses[0]!;
const toBoth = (first: Uint8Array, second: Uint8Array, timeoutMs = 30_000): object => ({
  acks: -1, timeoutMs, topicData: [{ name: 'orders', partitionData: [{ index: 0, records: first }, { index: 1, records: second }] }],
});

test('requests of one connection wait side by side, and keep no memory of what they brought', async () => {
  const { broker, fetched, appended } = await scene();
  const producer = await broker.client();
  const value = 'x'.repeat(200_000);
  const idle = broker.stat('queuedBytes');
  const waiting = Array.from({ length: 5 }, (_, n) => producer.produce('orders', batch([`${n}`, value])));
  await appended(10);
  await until(() => broker.stat('queuedBytes') === idle, 'their frames are given back');
  await fetched(4);
  expect((await Promise.all(waiting.slice(0, 2))).map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual([[None, 0], [None, 2]]);
  await fetched(10);
  expect((await Promise.all(waiting)).map(({ baseOffset }) => baseOffset)).toEqual([0, 2, 4, 6, 8]);
});

test('each partition of a request is answered for itself: one was committed, the other not in time', async () => {
  const { client } = await scene();
  const answer = await client.ask<ProduceResponse>(ProduceRequest, toBoth(batch(['a', 'b']), batch(['c']), 50), 11);
  const rows = answer.responses[0]!.partitionResponses.map(({ index, errorCode, baseOffset, logStartOffset }) => [index, errorCode, baseOffset, logStartOffset]);
  expect(rows).toEqual([[0, RequestTimedOut, 0, 0], [1, None, 0, 0]]);
});

test('a batch that is refused is told when the one beside it is committed', async () => {
  const { broker, fetched, appended } = await scene();
  const producer = await broker.client();
  const answer = producer.ask<ProduceResponse>(ProduceRequest, toBoth(batch(['a']), tampered(batch(['b']), bytes => { bytes[bytes.length - 1]! ^= 1; }, false)), 11);
  await appended(1);
  await fetched(1);
  expect((await answer).responses[0]!.partitionResponses.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual([[None, 0], [CorruptMessage, -1]]);
});

test('a batch that is said again is acknowledged when it is committed, and not before', async () => {
  const { broker, client, told, fetched, appended } = await scene();
  const said = batch(['a', 'b'], { producerId: 4711, producerEpoch: 0, baseSequence: 0 });
  const ask = async (to: TestClient, timeoutMs = 30_000): Promise<[number, number]> => {
    const { errorCode, baseOffset } = one(await to.produceAll({ ...produceOne('orders', 0, said), timeoutMs }, 11));
    return [errorCode, baseOffset];
  };
  const [first, again, late] = await Promise.all([broker.client(), broker.client(), broker.client()]);
  const waiting = [ask(first)];
  await appended(2);
  expect(await ask(late, 50)).toEqual([RequestTimedOut, 0]);
  waiting.push(ask(again));
  await fetched(2);
  expect(await Promise.all(waiting)).toEqual([[None, 0], [None, 0]]);
  // Nobody has these, and somebody else leads.
  const more = batch(['c'], { producerId: 4711, producerEpoch: 0, baseSequence: 2 });
  const twice = [first, again].map(each => each.produceAll(produceOne('orders', 0, more), 11));
  await appended(3);
  await told(FOLLOWER, 2);
  expect((await Promise.all(twice)).map(answer => one(answer).errorCode)).toEqual([NotLeaderOrFollower, NotLeaderOrFollower]);
  client.destroy();
});

test('who waits hears that leadership is lost, where its records are all the same, and who leads', async () => {
  const { broker, told, appended } = await scene();
  const producer = await broker.client();
  const waiting = producer.produceAll(produceOne('orders', 0, batch(['a', 'b'])), 11);
  await appended(2);
  await told(FOLLOWER, 2);
  const { errorCode, baseOffset, currentLeader } = one(await waiting);
  expect([errorCode, baseOffset, currentLeader.leaderId, currentLeader.leaderEpoch]).toEqual([NotLeaderOrFollower, 0, FOLLOWER, 2]);
});

test('a new epoch of the same leader goes on with those who wait', async () => {
  const { broker, told, fetched, appended } = await scene();
  const producer = await broker.client();
  const waiting = producer.produce('orders', batch(['a']));
  await appended(1);
  await told(broker.id, 2);
  await fetched(1);
  expect((await waiting).errorCode).toBe(None);
});

test('a connection that ends while it waits is no trouble to others', async () => {
  const { broker, fetched, appended } = await scene();
  const producer = await broker.client();
  const waiting = producer.produce('orders', batch(['a']));
  await appended(1);
  producer.destroy();
  await waiting.catch(() => {});
  await fetched(1);
  const other = await broker.client();
  expect((await other.produce('orders', batch(['b']), { acks: 1 })).baseOffset).toBe(1);
});
