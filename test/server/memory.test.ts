import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { FetchRequest, ProduceRequest } from '../../src/protocol/messages.js';
import { batch } from '../support/batches.js';
import { freshDirectory, TestBroker, until } from '../support/broker.js';
import { produceOne, recordsOf, TestClient } from '../support/client.js';

const MIB = 1 << 20;

test('a reader that never reads is left alone after a while, and takes from nobody else', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  await client.createTopic('orders', { configs: { 'max.message.bytes': '2000000' } });
  for (let n = 0; n < 8; n++) await client.produce('orders', batch(['x'.repeat(MIB)]));
  await until(() => broker.stat('queuedBytes') === 0);
  const slow = await TestClient.connect(broker.port);
  onTestFinished(() => slow.destroy());
  slow.socket.pause();
  const ask = slow.frame(FetchRequest, { replicaId: -1, maxWaitMs: 0, maxBytes: 50 * MIB, topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50 * MIB }] }] }, 11);
  slow.raw(Buffer.concat(Array.from({ length: 3000 }, () => ask)));
  for (let n = 0; n < 20; n++) expect((await client.fetch('orders', 0, { partitionMaxBytes: 100 })).errorCode).toBe(0);
  expect(broker.stat('arenaInUse')).toBeLessThan(16 * MIB);
  slow.destroy();
  await until(() => broker.stat('connections') === 1 && broker.stat('queuedBytes') === 0 && broker.stat('arenaInUse') < 2 * MIB, 'everything is given back');
});

test('readers of large metadata that never read cost a bounded amount, and the rest goes on when they leave', async () => {
  const broker = await TestBroker.start();
  const client = await broker.client();
  await client.createTopics({ topics: [{ name: 'wide', numPartitions: 60, replicationFactor: 1 }] });
  const { MetadataRequest } = await import('../../src/protocol/messages.js');
  const slow = await Promise.all(Array.from({ length: 4 }, () => TestClient.connect(broker.port)));
  onTestFinished(() => { for (const each of slow) each.destroy(); });
  for (const each of slow) {
    each.socket.pause();
    const ask = each.frame(MetadataRequest, { topics: Array.from({ length: 20 }, () => ({ name: 'wide' })) }, 9);
    each.raw(Buffer.concat(Array.from({ length: 600 }, () => ask)));
  }
  expect((await client.metadata()).topics[0]!.partitions).toHaveLength(60);
  expect((await client.produce('wide', batch(['x']))).errorCode).toBe(0);
  expect(broker.stat('arenaInUse')).toBeLessThan(128 * MIB);
  for (const each of slow) each.destroy();
  await until(() => broker.stat('connections') === 1 && broker.stat('queuedBytes') === 0 && broker.stat('arenaInUse') < 4 * MIB, 'everything is given back');
  expect((await client.produce('wide', batch(['x']))).errorCode).toBe(0);
});

test('half a frame, and half of very many, hold no more than the budget; who finishes is served', async () => {
  const broker = await TestBroker.start({ settings: { 'queued.max.request.bytes': 4 * MIB, 'socket.request.max.bytes': 2 * MIB } });
  const client = await broker.client();
  await client.createTopic('orders', { configs: { 'max.message.bytes': '2000000' } });
  const clients = await Promise.all(Array.from({ length: 12 }, () => broker.client()));
  const requests = clients.map(each => each.prepare<{ responses: { partitionResponses: { errorCode: number }[] }[] }>(ProduceRequest, produceOne('orders', 0, batch(['x'.repeat(1_500_000)])), 9));
  for (const [at, each] of clients.entries()) each.raw(requests[at]!.bytes.subarray(0, 700_000));
  // Half received from everybody: the first who can are let through, the others after them.
  for (const [at, each] of clients.entries()) each.raw(requests[at]!.bytes.subarray(700_000));
  for (const { answer } of requests) expect((await answer).responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
  expect((await client.listOffsets('orders', -1)).offset).toBe(12);
  await until(() => broker.stat('queuedBytes') === 0);
});

test('a budget that is spent comes back', async () => {
  const broker = await TestBroker.start({ settings: { 'queued.max.request.bytes': MIB, 'socket.request.max.bytes': MIB } });
  const client = await broker.client();
  await client.createTopic('orders');
  const clients = await Promise.all(Array.from({ length: 20 }, () => broker.client()));
  const records = batch(['x'.repeat(100_000)]);
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(clients.flatMap(each => Array.from({ length: 10 }, () => each.produce('orders', records))));
    expect(answers.filter(({ errorCode }) => errorCode !== 0)).toEqual([]);
  }
  expect((await client.listOffsets('orders', -1)).offset).toBe(600);
  await until(() => broker.stat('queuedBytes') === 0);
});

/** A file system of its own that is soon full, or why there is none. */
function smallDisk(megabytes: number): string | undefined {
  if (process.getuid?.() !== 0) {
    console.log('skipped: mounting a small file system needs root');
    return undefined;
  }
  const dir = freshDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir], { stdio: 'pipe' });
  } catch (error) {
    console.log(`skipped: no small file system can be mounted here: ${String(error)}`);
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', dir]));
  return dir;
}

test('a full disk is an error that passes: produce is refused, reads go on, and with room again everything does', async context => {
  const dir = smallDisk(48);
  if (dir === undefined) return context.skip();
  const elsewhere = freshDirectory();
  const broker = await TestBroker.start({ dir, settings: { 'odradek.embedded.dir': join(elsewhere, 'zookeeper'), 'log.index.size.max.bytes': 100_000, 'offsets.topic.segment.bytes': 1_000_000 } });
  const client = await broker.client();
  await client.createTopic('orders', { configs: { 'segment.bytes': '2000000', 'max.message.bytes': '2000000' } });
  await client.createTopic('idle', { configs: { 'segment.bytes': '2000000' } });
  const ballast = join(dir, 'ballast');
  let written = 0;
  const produced = async (): Promise<number> => {
    const { errorCode } = await client.produce('orders', batch([`${written}`.padEnd(300_000)]));
    if (errorCode === 0) written++;
    return errorCode;
  };
  for (let n = 0; n < 3; n++) expect(await produced()).toBe(0);
  writeFileSync(ballast, Buffer.alloc(30 * MIB));
  for (let round = 0; round < 3; round++) {
    let refusal = 0;
    await until(async () => (refusal = await produced()) !== 0, 'the disk is full');
    expect(refusal, 'one that producers try again').toBe(ErrorCode.KafkaStorageError);
    for (let n = 0; n < 5; n++) {
      const { errorCode } = await client.produce(n % 2 === 0 ? 'orders' : 'idle', batch([`y`.repeat(400_000)], { codec: n === 3 ? 'gzip' : 'none' }));
      expect([0, ErrorCode.KafkaStorageError]).toContain(errorCode);
      if (errorCode === 0 && n % 2 === 0) written++;
    }
    expect(recordsOf((await client.fetch('orders', 1)).records)[0]!.value!.toString().trim()).toBe('1');
    if (existsSync(ballast)) rmSync(ballast);
    await until(async () => (await produced()) === 0, 'there is room again');
    expect((await client.listOffsets('orders', -1)).offset).toBe(written);
    if (round < 2) writeFileSync(ballast, Buffer.alloc((round === 0 ? 22 : 12) * MIB));
  }
  await broker.restart();
  const again = await broker.client();
  expect((await again.listOffsets('orders', -1)).offset).toBe(written);
}, 60_000);
