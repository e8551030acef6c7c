// What a deleted log leaves behind: nothing that a later one of its name could trip over.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { diskStorage, type Storage } from '../../src/log/storage.js';
import { batch } from '../support/batches.js';
import { TestBroker, until } from '../support/broker.js';
import { valuesOf } from '../support/client.js';
import { FailingDisk } from '../support/failing-disk.js';
import { ManualTimers } from '../support/manual-timers.js';

const CHECKPOINTS = ['recovery-point-offset-checkpoint', 'log-start-offset-checkpoint', 'replication-offset-checkpoint'];
const NEVER = 3_600_000;
/** No checkpoint is written because it is time. */
const UNTIMED = {
  'replica.high.watermark.checkpoint.interval.ms': NEVER,
  'log.flush.offset.checkpoint.interval.ms': NEVER,
  'log.flush.start.offset.checkpoint.interval.ms': NEVER,
};
const RETRY_MS = 1000;

test('a deletion that the disk refuses is tried again until it succeeds, and the name is taken until then', async () => {
  const disk = new FailingDisk();
  const timers = new ManualTimers([RETRY_MS]);
  const broker = await TestBroker.start({ storage: disk.storage, timers });
  const client = await broker.client();
  const id = await client.createTopic('orders');
  await client.produce('orders', batch(['old']));
  disk.fault = (call, path) => (call === 'rename' && path.endsWith('/orders-0') ? 'EBUSY' : undefined);
  expect((await client.deleteTopics(['orders'])).responses[0]!.errorCode).toBe(0);
  for (let round = 0; round < 3; round++) {
    await until(() => timers.fire(RETRY_MS) > 0, 'another try is due');
    const { topics: [made] } = await client.createTopics({ topics: [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }] });
    expect(made!.errorCode).toBe(ErrorCode.TopicAlreadyExists);
  }
  disk.mended();
  await until(async () => {
    timers.fire(RETRY_MS);
    const { topics: [made] } = await client.createTopics({ topics: [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }] });
    return made!.errorCode === 0 && made!.topicId !== id;
  }, 'deleted, and made again');
  expect((await client.produce('orders', batch(['new']))).baseOffset).toBe(0);
  expect(valuesOf((await client.fetch('orders', 0)).records)).toEqual(['new']);
  expect(readdirSync(broker.logDir).filter(name => /^orders-0\.[0-9a-f]{32}-delete$/.test(name))).toHaveLength(1);
});

test('a directory left over by another topic of that name moves out of the way, with all that is in it', async () => {
  const broker = await TestBroker.start();
  const leftover = join(broker.logDir, 'orders-0');
  mkdirSync(leftover);
  writeFileSync(join(leftover, 'partition.metadata'), 'version: 0\ntopic_id: bm90LWEtdG9waWMtaWQtMQ');
  writeFileSync(join(leftover, '00000000000000000042.log'), 'of another life');
  const client = await broker.client();
  const id = await client.createTopic('orders');
  expect((await client.produce('orders', batch(['new']))).baseOffset).toBe(0);
  const strays = (): string[] => readdirSync(broker.logDir).filter(name => /^orders-0\.[0-9a-f]{32}-stray$/.test(name));
  const [stray] = strays();
  expect(readFileSync(join(broker.logDir, stray!, '00000000000000000042.log'), 'utf8')).toBe('of another life');
  expect(readFileSync(join(leftover, 'partition.metadata'), 'utf8')).toContain(id);
  expect(existsSync(join(leftover, '00000000000000000042.log'))).toBe(false);
  // A later start leaves it alone.
  await broker.restart();
  expect(strays()).toEqual([stray]);
  expect(valuesOf((await (await broker.client()).fetch('orders', 0)).records)).toEqual(['new']);
});

test('no checkpoint names a log once it is deleted: a later one of its name begins at nought, also after a crash', async () => {
  const broker = await TestBroker.start({ settings: UNTIMED });
  const client = await broker.client();
  for (const topic of ['gone', 'kept']) {
    await client.createTopic(topic);
    for (let n = 0; n < 3; n++) await client.produce(topic, batch(['x']));
  }
  await broker.close();
  writeFileSync(join(broker.logDir, 'log-start-offset-checkpoint'), '0\n2\ngone 0 1\nkept 0 1\n');
  await broker.restart();
  const text = (name: string): string => readFileSync(join(broker.logDir, name), 'utf8');
  for (const name of CHECKPOINTS) expect(text(name), name).toMatch(/^gone 0 [13]$/m);
  const again = await broker.client();
  await again.deleteTopics(['gone']);
  await until(() => CHECKPOINTS.every(name => !text(name).includes('gone')), 'the checkpoints forget it');
  expect(CHECKPOINTS.map(name => /^kept 0 (\d)$/m.exec(text(name))?.[1])).toEqual(['3', '1', '3']);
});

test('a checkpoint is written by one at a time, however many have a reason to', async () => {
  const writing = new Map<string, number>();
  let most = 0;
  const written = new Map<string, number>();
  const slow: Storage = {
    ...diskStorage,
    async writeSynced(path, bytes) {
      const active = (writing.get(path) ?? 0) + 1;
      writing.set(path, active);
      if (path.includes('-checkpoint') && !path.includes('leader-epoch')) most = Math.max(most, active);
      written.set(path, (written.get(path) ?? 0) + 1);
      for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
      await diskStorage.writeSynced(path, bytes);
      writing.set(path, writing.get(path)! - 1);
    },
  };
  const broker = await TestBroker.start({
    storage: slow,
    settings: { 'replica.high.watermark.checkpoint.interval.ms': 1, 'log.flush.offset.checkpoint.interval.ms': 1, 'log.flush.start.offset.checkpoint.interval.ms': 1 },
  });
  const client = await broker.client();
  const names = Array.from({ length: 5 }, (_, at) => `topic-${at}`);
  await client.createTopics({ topics: names.map(name => ({ name, numPartitions: 2, replicationFactor: 1 })) });
  await client.deleteTopics(names);
  await until(() => CHECKPOINTS.every(name => (written.get(join(broker.logDir, `${name}.tmp`)) ?? 0) > 5), 'each was written some times');
  expect(most).toBe(1);
  await broker.close();
  expect(most).toBe(1);
});
