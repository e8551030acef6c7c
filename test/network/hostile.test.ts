import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { CreateTopicsRequest, FetchRequest, JoinGroupRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, ProduceRequest } from '../../src/protocol/messages.js';
import { batch } from '../support/batches.js';
import { TestBroker, until } from '../support/broker.js';
import { produceOne, type TestClient } from '../support/client.js';

/** Sends bytes on a connection of their own; resolves with what came back before the broker ended it. */
function provoke(port: number, bytes: Uint8Array, end = false): Promise<Buffer> {
  return new Promise(resolve => {
    const answers: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => (end ? socket.end(bytes) : socket.write(bytes)));
    socket.on('data', answer => answers.push(answer));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(answers)));
  });
}

/** The broker still serves `bystander`, on the connection it had all along, and gave back what it took for the others. */
async function unharmed(broker: TestBroker, bystander: TestClient, arenaInUse: number): Promise<void> {
  expect((await bystander.metadata({ topics: [] })).brokers).toHaveLength(1);
  await until(() => broker.stat('connections') === 1 && broker.stat('queuedBytes') === 0, 'connections and requests are given back');
  await until(() => broker.stat('arenaInUse') <= arenaInUse + (1 << 20), 'memory is given back');
}

async function stage(): Promise<{ broker: TestBroker; bystander: TestClient; arenaInUse: number }> {
  const broker = await TestBroker.start({ settings: { 'socket.request.max.bytes': 1 << 20 } });
  const bystander = await broker.client();
  await bystander.createTopic('orders');
  await until(() => broker.stat('queuedBytes') === 0);
  return { broker, bystander, arenaInUse: broker.stat('arenaInUse') };
}

const header = (apiKey: number, apiVersion: number, rest: Uint8Array = Buffer.alloc(0)): Buffer => {
  const frame = Buffer.alloc(14 + rest.length);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt16BE(apiKey, 4);
  frame.writeInt16BE(apiVersion, 6);
  frame.writeInt32BE(77, 8);
  frame.writeInt16BE(-1, 12);
  Buffer.from(rest).copy(frame, 14);
  return frame;
};

test('sizes nobody should claim, keys nobody knows and versions nobody speaks end the connection without an answer', async () => {
  const { broker, bystander, arenaInUse } = await stage();
  const size = (bytes: number): Buffer => { const claim = Buffer.alloc(64); claim.writeInt32BE(bytes); return claim; };
  const rude: [string, Buffer][] = [
    ['a negative size', size(-1)], ['the most negative size', size(-0x80000000)], ['the largest size', size(0x7fffffff)],
    ['one byte more than allowed', size((1 << 20) + 1)], ['an empty frame', Buffer.alloc(4)], ['one byte', Buffer.from([0, 0, 0, 1, 0])],
    ['half a header', Buffer.from([0, 0, 0, 7, 0, 3, 0, 0, 0, 0, 0])],
    ['an unknown key', header(9999, 0)], ['a negative key', header(-1, 0)], ['a key of KRaft', header(55, 0)],
    ['Envelope', header(58, 0)], ['a version too new', header(3, 13)], ['a negative version', header(3, -1)],
    ['Produce too new', header(0, 12)], ['Fetch too new', header(1, 18)],
    ['a client id longer than the frame', (() => { const frame = header(3, 0); frame.writeInt16BE(30000, 12); return frame; })()],
    ['a version of ApiVersions too new, without the tagged fields of its header', header(18, 5)],
    ['an array larger than any memory', header(3, 1, Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
    ['tagged fields without end', header(3, 9, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))],
  ];
  for (const [what, bytes] of rude) expect((await provoke(broker.port, bytes)).length, what).toBe(0);
  await unharmed(broker, bystander, arenaInUse);
});

test('requests cut off at every byte end the connection without an answer', async () => {
  const { broker, bystander, arenaInUse } = await stage();
  const make = bystander.frame.bind(bystander);
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 100 };
  const whole: [string, Buffer][] = [
    ['Produce 3', make(ProduceRequest, produceOne('orders', 0, null), 3)],
    ['Produce 9', make(ProduceRequest, produceOne('orders', 0, batch(['x'])), 9)],
    ['Fetch 4', make(FetchRequest, { maxWaitMs: 0, topics: [{ topic: 'orders', partitions: [partition] }] }, 4)],
    ['Fetch 12', make(FetchRequest, { maxWaitMs: 0, topics: [{ topic: 'orders', partitions: [partition] }], forgottenTopicsData: [{ topic: 'orders', partitions: [1] }] }, 12)],
    ['Metadata 9', make(MetadataRequest, { topics: [{ name: 'orders' }] }, 9)],
    ['CreateTopics 5', make(CreateTopicsRequest, { topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, configs: [{ name: 'a', value: 'b' }] }] }, 5)],
    ['ListOffsets 6', make(ListOffsetsRequest, { replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] }, 6)],
    ['JoinGroup 6', make(JoinGroupRequest, { groupId: 'g', sessionTimeoutMs: 10000, protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.from('m') }] }, 6)],
    ['OffsetCommit 8', make(OffsetCommitRequest, { groupId: 'g', topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }] }, 8)],
  ];
  for (const [what, frame] of whole) {
    await Promise.all(Array.from({ length: frame.length - 5 }, async (_, index) => {
      // The frame is as long as it says: what is cut off is the request inside.
      const cut = Buffer.from(frame.subarray(0, frame.length - 1 - index));
      cut.writeInt32BE(cut.length - 4, 0);
      expect((await provoke(broker.port, cut)).length, `${what} cut to ${cut.length} bytes`).toBe(0);
    }));
  }
  const { topics } = await bystander.metadata();
  expect(topics.map(({ name }) => name), 'nothing half understood was done').toEqual(['orders']);
  await unharmed(broker, bystander, arenaInUse);
});

test('requests with nothing in them, as many as a block has room for, take no memory of others with them', async () => {
  const { broker, bystander, arenaInUse } = await stage();
  for (let time = 0; time < 10; time++) await provoke(broker.port, Buffer.alloc(1 << 20));
  await unharmed(broker, bystander, arenaInUse);
});

test('clients that leave in the middle of a frame leave nothing behind', async () => {
  const { broker, bystander, arenaInUse } = await stage();
  const frame = bystander.frame(ProduceRequest, produceOne('orders', 0, batch(['x'.repeat(300_000)])), 9);
  await Promise.all([1, 3, 4, 5, 100, 65_535, 65_536, 200_000, frame.length - 1].map(async at => {
    expect((await provoke(broker.port, frame.subarray(0, at), true)).length).toBe(0);
  }));
  await unharmed(broker, bystander, arenaInUse);
});

test('random bytes, and requests with random changes, disturb nobody else', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const { broker, bystander, arenaInUse } = await stage();
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000 };
  const models = [
    bystander.frame(ProduceRequest, produceOne('orders', 0, batch(['x', 'y', 'z'])), 9),
    bystander.frame(ProduceRequest, produceOne('orders', 0, batch(['x', 'y'], { codec: 'gzip', producerId: 7, producerEpoch: 0, baseSequence: 0 })), 11),
    bystander.frame(FetchRequest, { maxWaitMs: 0, topics: [{ topic: 'orders', partitions: [partition] }] }, 11),
    bystander.frame(FetchRequest, { maxWaitMs: 0, topics: [{ topic: 'orders', partitions: [partition, partition] }] }, 12),
    bystander.frame(MetadataRequest, { topics: [{ name: 'orders' }], allowAutoTopicCreation: false }, 12),
    bystander.frame(ListOffsetsRequest, { replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: 5 }] }] }, 7),
  ];
  for (let round = 0; round < 15; round++) {
    await Promise.all(Array.from({ length: 20 }, () => {
      if (random.int(4) === 0) {
        const noise = Buffer.from(random.bytes(1 + random.int(300)));
        noise.writeInt8(0);
        return provoke(broker.port, noise, true);
      }
      const changed = Buffer.from(models[random.int(models.length)]!);
      for (let changes = 1 + random.int(4); changes > 0; changes--) changed[8 + random.int(changed.length - 8)] = random.int(256);
      return provoke(broker.port, changed, true);
    }));
  }
  await unharmed(broker, bystander, arenaInUse);
});
