// A broker serves its connections until its logs are closed and all is written down. Whoever asks in that last moment gets
// an answer that makes a client look for the leader again, and never brings the stop to a bad end.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { diskStorage, type Storage } from '../../src/log/storage.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import { ProduceRequest } from '../../src/protocol/messages.js';
import { startBroker } from '../../src/server/broker.js';
import { batch, type CodecName } from '../support/batches.js';
import { brokerOptions, freshDirectory } from '../support/broker.js';
import { ConnectionEnded, produceOne, TestClient } from '../support/client.js';

const CODECS: readonly CodecName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

function promised(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  return { promise: new Promise<void>(kept => { resolve = kept; }), resolve };
}

/** A disk that takes its time over the last thing a stop writes: by then every log is closed. */
function slowAtTheEnd(): { storage: Storage; logsClosed: Promise<void>; goOn: () => void } {
  const [closed, released] = [promised(), promised()];
  const storage: Storage = {
    ...diskStorage,
    async writeSynced(path, bytes) {
      if (path.includes('.kafka_cleanshutdown')) {
        closed.resolve();
        await released.promise;
      }
      await diskStorage.writeSynced(path, bytes);
    },
  };
  return { storage, logsClosed: closed.promise, goOn: released.resolve };
}

test('asked after its logs were closed, a broker that stops says that it leads no more, and stops in order', async () => {
  const dir = freshDirectory();
  const { storage, logsClosed, goOn } = slowAtTheEnd();
  const broker = await startBroker(brokerOptions({ storage }, dir));
  onTestFinished(() => { goOn(); return broker.close(); });
  const connect = async (): Promise<TestClient> => {
    const client = await TestClient.connect(broker.port);
    onTestFinished(() => client.destroy());
    return client;
  };
  const [client, waiting, unanswered] = [await connect(), await connect(), await connect()];
  await client.createTopic('orders');
  for (const codec of CODECS) expect((await client.produce('orders', batch(['x'], { codec }))).errorCode).toBe(0);
  // Some of what it asks for is there, so that it is read once more when its time is up.
  const fetched = waiting.fetch('orders', 0, { maxWaitMs: 1_000, minBytes: 1 << 20 });

  const stopped = broker.close();
  await logsClosed;
  for (const codec of CODECS) {
    for (const acks of [1, -1]) expect((await client.produce('orders', batch(['late'], { codec }), { acks })).errorCode, codec).toBe(ErrorCode.NotLeaderOrFollower);
  }
  expect((await client.fetch('orders', 0)).errorCode).toBe(ErrorCode.NotLeaderOrFollower);
  expect((await client.listOffsets('orders', 1)).errorCode).not.toBe(0);
  expect((await fetched).errorCode).toBe(ErrorCode.NotLeaderOrFollower);
  unanswered.tell(ProduceRequest, produceOne('orders', 0, batch(['late']), 0), 11);
  await unanswered.ended;
  goOn();
  await stopped;
  expect(existsSync(join(dir, 'logs', '.kafka_cleanshutdown'))).toBe(true);
});

test('stopped under a load in every codec, it keeps what it acknowledged', async () => {
  const dir = freshDirectory();
  let [acknowledged, unanswered] = [0, 0];
  for (let life = 0; life < 4; life++) {
    const broker = await startBroker(brokerOptions({}, dir));
    onTestFinished(() => broker.close());
    const clients = await Promise.all(CODECS.map(() => TestClient.connect(broker.port)));
    if (life === 0) await clients[0]!.createTopic('orders', { partitions: CODECS.length });
    const ends = await Promise.all(CODECS.map((_, partition) => clients[0]!.listOffsets('orders', -1, { partition })));
    const found = ends.reduce((sum, { offset }) => sum + offset, 0);
    expect(found).toBeGreaterThanOrEqual(acknowledged);
    expect(found).toBeLessThanOrEqual(acknowledged + unanswered);
    [acknowledged, unanswered] = [found, 0];
    const underWay = promised();
    const loads = CODECS.map(async (codec, partition) => {
      const records = batch(['x'.repeat(2_000)], { codec });
      for (let round = 0; ; round++) {
        const answers = await Promise.allSettled(Array.from({ length: 20 }, () => clients[partition]!.produce('orders', records, { partition })));
        if (round === 2) underWay.resolve();
        for (const answer of answers) {
          if (answer.status === 'rejected') {
            expect(answer.reason).toBeInstanceOf(ConnectionEnded);
            unanswered++;
          } else {
            expect([0, ErrorCode.NotLeaderOrFollower]).toContain(answer.value.errorCode);
            if (answer.value.errorCode === 0) acknowledged++;
          }
        }
        if (answers.some(({ status }) => status === 'rejected')) return;
      }
    });
    await underWay.promise;
    await Promise.all([broker.close(), ...loads]);
  }
});
