import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { FindCoordinatorRequest, ProduceRequest, type FindCoordinatorResponse, type ProduceResponse } from '../../src/protocol/messages.js';
import { BatchOffset } from '../../src/protocol/records/index.js';
import { batch, tampered, type BatchStory } from '../support/batches.js';
import { freshDirectory, TestBroker, until } from '../support/broker.js';
import { produceOne, TestClient, valuesOf } from '../support/client.js';

/** A producer that says its sequence numbers itself: what to send, and how. */
class Producer {
  readonly #client: TestClient;
  readonly id: number;
  readonly #topic: string;

  constructor(client: TestClient, id: number, topic = 'orders') {
    this.#client = client;
    this.id = id;
    this.#topic = topic;
  }

  batch(sequence: number, count = 1, epoch = 0, story: BatchStory = {}): Buffer {
    return batch(Array.from({ length: count }, (_, at) => `e${epoch}s${sequence + at}`), { producerId: this.id, producerEpoch: epoch, baseSequence: sequence, ...story });
  }

  /** Error code and base offset. */
  async send(sequence: number, count = 1, epoch = 0, story: BatchStory = {}): Promise<[number, number]> {
    const { errorCode, baseOffset } = await this.#client.produce(this.#topic, this.batch(sequence, count, epoch, story));
    return [errorCode, baseOffset];
  }

  /** All in one write, on one connection. */
  async pipeline(batches: readonly Buffer[]): Promise<[number, number][]> {
    const requests = batches.map(records => this.#client.prepare<ProduceResponse>(ProduceRequest, produceOne(this.#topic, 0, records), 9));
    this.#client.raw(Buffer.concat(requests.map(({ bytes }) => bytes)));
    return Promise.all(requests.map(async ({ answer }): Promise<[number, number]> => {
      const { errorCode, baseOffset } = (await answer).responses[0]!.partitionResponses[0]!;
      return [errorCode, baseOffset];
    }));
  }
}

const OUT_OF_ORDER: [number, number] = [ErrorCode.OutOfOrderSequenceNumber, -1];
const FENCED: [number, number] = [ErrorCode.InvalidProducerEpoch, -1];

async function story(): Promise<{ broker: TestBroker; client: TestClient; producer: Producer }> {
  const broker = await TestBroker.start();
  const client = await broker.client();
  await client.createTopic('orders');
  const { producerId } = await client.initProducerId();
  return { broker, client, producer: new Producer(client, producerId) };
}

test('a batch sent again is acknowledged again, with its first offset, and stands in the log once', async () => {
  const { client, producer } = await story();
  for (let n = 0; n < 8; n++) expect(await producer.send(2 * n, 2)).toEqual([0, 2 * n]);
  // The last five are remembered (ProducerStateEntry.java); what is older is out of order.
  for (let n = 3; n < 8; n++) expect(await producer.send(2 * n, 2)).toEqual([0, 2 * n]);
  for (let n = 0; n < 3; n++) expect(await producer.send(2 * n, 2)).toEqual(OUT_OF_ORDER);
  expect(await producer.send(14, 1), 'same start, other length').toEqual(OUT_OF_ORDER);
  expect(await producer.send(15, 2), 'across two batches').toEqual(OUT_OF_ORDER);
  expect(await producer.send(17)).toEqual(OUT_OF_ORDER);
  expect(await producer.send(16)).toEqual([0, 16]);
  expect(valuesOf((await client.fetch('orders', 0)).records)).toEqual(Array.from({ length: 17 }, (_, at) => `e0s${at}`));
});

test('the duplicate of a LogAppendTime batch is told the first time', async () => {
  const { client, producer } = await story();
  await client.createTopic('stamped', { configs: { 'message.timestamp.type': 'LogAppendTime' } });
  const records = producer.batch(0);
  const first = await client.produce('stamped', records);
  const again = await client.produce('stamped', records);
  expect([again.errorCode, again.baseOffset, again.logAppendTimeMs]).toEqual([0, 0, first.logAppendTimeMs]);
});

test('epochs: a new one begins at 0, an old one is fenced', async () => {
  const { producer } = await story();
  expect(await producer.send(0, 3, 1)).toEqual([0, 0]);
  expect(await producer.send(3, 1, 2)).toEqual(OUT_OF_ORDER);
  expect(await producer.send(0, 1, 2)).toEqual([0, 3]);
  expect(await producer.send(3, 1, 1)).toEqual(FENCED);
  expect(await producer.send(0, 3, 1)).toEqual(FENCED);
  expect(await producer.send(1, 1, 2)).toEqual([0, 4]);
});

test('an unknown producer may begin anywhere; after 2147483647 comes 0', async () => {
  const { client } = await story();
  const producer = new Producer(client, 4711);
  expect(await producer.send(2147483645, 2)).toEqual([0, 0]);
  expect(await producer.pipeline([producer.batch(2147483647, 3), producer.batch(2), producer.batch(2147483647, 3)])).toEqual([[0, 2], [0, 5], [0, 2]]);
  expect(await producer.send(0)).toEqual(OUT_OF_ORDER);
});

test('duplicates of what is still in flight wait for it, on the same connection and on others', async () => {
  const { broker, client, producer } = await story();
  for (let round = 0; round < 30; round++) {
    const sequence = 4 * round;
    const batches = [0, 1, 2, 3].map(at => producer.batch(sequence + at, 1, 0, { codec: round % 3 === 1 ? 'lz4' : 'none' }));
    const others = await Promise.all([broker.client(), broker.client()]);
    const all = await Promise.all([
      producer.pipeline([...batches, ...batches, batches[3]!]),
      ...others.map(other => new Producer(other, producer.id).pipeline([batches[3]!])),
    ]);
    const expected = [0, 1, 2, 3].map((at): [number, number] => [0, sequence + at]);
    expect(all[0]).toEqual([...expected, ...expected, expected[3]]);
    for (const [answer] of all.slice(1)) expect([JSON.stringify(expected[3]), JSON.stringify(OUT_OF_ORDER)]).toContain(JSON.stringify(answer));
    for (const other of others) other.destroy();
  }
  expect((await client.listOffsets('orders', -1)).offset).toBe(120);
});

test('after a failure in the middle of a pipeline nothing behind it slips in, and the producer goes on from there', async () => {
  const { client, producer } = await story();
  for (let round = 0; round < 20; round++) {
    const start = 10 * round;
    const batches = Array.from({ length: 10 }, (_, at) => producer.batch(start + at));
    const broken = batches.map((records, at) => (at === 4 ? tampered(records, bytes => { bytes[BatchOffset.crc]! ^= 1; }, false) : records));
    const answers = await producer.pipeline(broken);
    expect(answers.slice(0, 4)).toEqual([0, 1, 2, 3].map(at => [0, start + at]));
    expect(answers[4]).toEqual([ErrorCode.CorruptMessage, -1]);
    for (const answer of answers.slice(5)) expect(answer).toEqual(OUT_OF_ORDER);
    expect(await producer.pipeline(batches.slice(4))).toEqual([4, 5, 6, 7, 8, 9].map(at => [0, start + at]));
  }
  expect((await client.listOffsets('orders', -1)).offset).toBe(200);
});

test('a failure of one producer\'s batch costs another producer no record and no order', async () => {
  const { client, producer } = await story();
  const { producerId } = await client.initProducerId();
  const other = new Producer(client, producerId);
  for (let round = 0; round < 20; round++) {
    const bad = tampered(producer.batch(0), bytes => { bytes[BatchOffset.crc]! ^= 1; }, false);
    const own = [0, 1, 2].map(at => other.batch(3 * round + at));
    const answers = await producer.pipeline([own[0]!, bad, own[1]!, bad, own[2]!]);
    expect(answers).toEqual([[0, 3 * round], [ErrorCode.CorruptMessage, -1], [0, 3 * round + 1], [ErrorCode.CorruptMessage, -1], [0, 3 * round + 2]]);
  }
  expect(valuesOf((await client.fetch('orders', 0)).records)).toEqual(Array.from({ length: 60 }, (_, at) => `e0s${at}`));
  expect(await producer.send(0)).toEqual([0, 60]);
});

test('a producer that nobody knows yet keeps its order, whichever of another\'s batches fail around its own', async () => {
  const { broker, client, producer } = await story();
  const second = await broker.client();
  for (let round = 0; round < 30; round++) {
    const { producerId } = await client.initProducerId();
    const fresh = new Producer(client, producerId);
    const bad = tampered(producer.batch(0), bytes => { bytes[BatchOffset.crc]! ^= 1; }, false);
    const own = Array.from({ length: 12 }, (_, at) => fresh.batch(at));
    const elsewhere = Array.from({ length: 8 }, () => second.produce('orders', bad));
    const answers = await producer.pipeline(own.flatMap((each, at) => (at % 3 === 1 ? [bad, each] : [each])));
    expect(answers.map(([code]) => code).filter(code => code !== ErrorCode.CorruptMessage), `round ${round}`).toEqual(own.map(() => 0));
    for (const { errorCode } of await Promise.all(elsewhere)) expect(errorCode).toBe(ErrorCode.CorruptMessage);
    const offset = answers[0]![1];
    expect(offset).toBe(12 * round);
    expect(valuesOf((await client.fetch('orders', offset)).records)).toEqual(own.map((_, at) => `e0s${at}`));
  }
});

test('a batch that is decided anew after another\'s failure is decided for whoever sent it', async () => {
  const { broker, client } = await story();
  await until(async () => (await client.ask<FindCoordinatorResponse>(FindCoordinatorRequest, { keyType: 0, key: 'g' }, 3)).errorCode === 0);
  // Nobody else may write there (ReplicaManager.scala).
  const admin = await broker.client('__admin_client');
  const [one, other] = [new Producer(admin, (await client.initProducerId()).producerId, '__consumer_offsets'), new Producer(admin, (await client.initProducerId()).producerId, '__consumer_offsets')];
  for (let round = 0; round < 20; round++) {
    const bad = tampered(one.batch(0), bytes => { bytes[BatchOffset.crc]! ^= 1; }, false);
    const answers = await one.pipeline([other.batch(2 * round), bad, other.batch(2 * round + 1)]);
    expect(answers.map(([code]) => code)).toEqual([0, ErrorCode.CorruptMessage, 0]);
  }
});

test('after an ordered stop everything is still known', async () => {
  const { broker, producer } = await story();
  for (let n = 0; n < 7; n++) await producer.send(n);
  await broker.restart();
  const again = new Producer(await broker.client(), producer.id);
  expect(await again.send(1)).toEqual(OUT_OF_ORDER);
  expect(await again.send(6)).toEqual([0, 6]);
  expect(await again.send(8)).toEqual(OUT_OF_ORDER);
  expect(await again.send(7)).toEqual([0, 7]);
});

/** A broker as a process of its own, to be killed. */
async function process(dir: string, extra: string[] = []): Promise<{ child: ChildProcess; port: number }> {
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const settings = ['listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${join(dir, 'logs')}`, 'num.network.threads=1', ...extra];
  const child = spawn(globalThis.process.execPath, ['--import', 'tsx', main, 'start', ...settings.flatMap(setting => ['--override', setting])], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = / ready on .*:(\d+) in /.exec(line);
    if (ready !== null) return { child, port: Number(ready[1]) };
  }
  throw new Error('the broker ended before it was ready');
}

test('after kill -9, with snapshots and without, no acknowledged record is gone, none is twice, and sequences go on', async () => {
  const dir = freshDirectory();
  let sequence = 0;
  const acknowledged: string[] = [];
  for (let life = 0; life < 3; life++) {
    const { child, port } = await process(dir);
    const client = await TestClient.connect(port);
    if (life === 0) {
      // The first writes all fit one segment; later ones roll, and leave snapshots on the way.
      await client.createTopic('orders');
    } else if (life === 1) await client.alterTopic('orders', { 'segment.bytes': '2000' });
    const producer = new Producer(client, 77);
    if (sequence > 0) {
      expect(await producer.send(sequence - 1), 'the last one, sent again').toEqual([0, sequence - 1]);
      expect(await producer.send(sequence + 1)).toEqual(OUT_OF_ORDER);
    }
    for (let n = 0; n < 50; n++) {
      expect(await producer.send(sequence)).toEqual([0, sequence]);
      acknowledged.push(`e0s${sequence++}`);
    }
    // More on the way when it dies: none of it was acknowledged, any prefix of it may be there.
    void producer.pipeline([0, 1, 2].map(at => producer.batch(sequence + at))).catch(() => {});
    child.kill('SIGKILL');
    await client.ended;
    await new Promise(resolve => (child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve(undefined)));
    const { child: next, port: nextPort } = await process(dir);
    const reader = await TestClient.connect(nextPort);
    const read: string[] = [];
    const end = (await reader.listOffsets('orders', -1)).offset;
    while (read.length < end) read.push(...valuesOf((await reader.fetch('orders', read.length)).records).slice(0));
    expect(read.slice(0, acknowledged.length)).toEqual(acknowledged);
    expect(read).toEqual(Array.from({ length: end }, (_, at) => `e0s${at}`));
    for (; sequence < end; sequence++) acknowledged.push(`e0s${sequence}`);
    next.kill('SIGKILL');
    await reader.ended;
    await until(() => next.signalCode !== null || next.exitCode !== null);
  }
}, 90_000);
