// Limits of a fetch: from version 3 on the first partition that has something gives its first batch however long it is, and
// none gives a piece of a batch where a whole one does not fit (KIP-74).
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import type { FetchResponse } from '../../../src/protocol/messages.js';
import { walkBatches } from '../../../src/protocol/records/index.js';
import { batch } from '../../support/batches.js';
import { TestBroker } from '../../support/broker.js';
import type { TestClient } from '../../support/client.js';

const SIZE = 5000;
const PLENTY = 50 << 20;

interface Ask { readonly version?: number; readonly topicId?: string; readonly maxBytes?: number; readonly limits?: readonly number[]; readonly offsets?: readonly number[]; readonly isolationLevel?: number }

async function story(partitions = 4): Promise<{ broker: TestBroker; client: TestClient; topicId: string; size: number }> {
  const broker = await TestBroker.start();
  const client = await broker.client();
  const topicId = await client.createTopic('big', { partitions });
  const one = batch(['x'.repeat(SIZE)]);
  for (let partition = 0; partition < Math.min(partitions, 4); partition++) for (let n = 0; n < 6; n++) await client.produce('big', one, { partition });
  return { broker, client, topicId, size: one.length };
}

function fetchEach(client: TestClient, { version = 12, topicId, maxBytes = PLENTY, limits = [PLENTY, PLENTY, PLENTY], offsets = [0, 0, 0], isolationLevel = 0 }: Ask): Promise<FetchResponse> {
  return client.fetchAll({
    maxBytes, isolationLevel,
    topics: [{ topic: 'big', topicId, partitions: limits.map((partitionMaxBytes, partition) => ({ partition, fetchOffset: offsets[partition]!, partitionMaxBytes })) }],
  }, version);
}

/** Bytes of each partition's answer. */
const bytesOf = ({ responses }: FetchResponse): number[] => responses.flatMap(({ partitions }) => partitions.map(({ records }) => records?.length ?? 0));
const wholeBatches = (records: Uint8Array | null): number => (records === null ? 0 : [...walkBatches(records)].length);
/** Partitions whose records hold no whole batch. */
const pieces = ({ responses }: FetchResponse): number => responses.flatMap(({ partitions }) => partitions).filter(({ records }) => records !== null && records.length > 0 && wholeBatches(records) === 0).length;

test('a later partition whose first batch does not fit is empty, from memory and from disk, in every version', async () => {
  const { broker, client, topicId, size } = await story();
  for (const where of ['memory', 'disk']) {
    const reader = where === 'memory' ? client : await restarted(broker);
    for (let version = 4; version <= 17; version++) {
      const named = version >= 13 ? { version, topicId } : { version };
      const found: [string, Ask, number[]][] = [
        ['its own limit', { limits: [size, size, 5] }, [size, size, 0]],
        ['its own limit, by one byte', { limits: [size - 1, size - 1, size] }, [size, 0, size]],
        ['the limit of all', { maxBytes: 6 * size + 1000 }, [6 * size, 0, 0]],
        ['the limit of all, by one byte', { maxBytes: 2 * size - 1, limits: [size, size, size] }, [size, 0, 0]],
        ['room for the last only', { maxBytes: 2 * size, limits: [size, size - 1, size] }, [size, 0, size]],
        ['the first has nothing', { offsets: [6, 0, 0], limits: [1, 1, 1] }, [0, size, 0]],
        ['limits of nothing', { maxBytes: 0, limits: [0, 0, 0] }, [size, 0, 0]],
        ['one of them of nothing', { limits: [size, 0, size] }, [size, 0, size]],
        ['a whole batch and a piece of the next', { limits: [size + 100, size + 100, PLENTY] }, [size + 100, size + 100, 6 * size]],
      ];
      for (const [what, ask, bytes] of found) {
        const answer = await fetchEach(reader, { ...named, ...ask });
        expect([bytesOf(answer), pieces(answer)], `${what}, v${version}, ${where}`).toEqual([bytes, 0]);
        expect(answer.responses[0]!.partitions.every(({ errorCode, highWatermark }) => errorCode === 0 && highWatermark === 6)).toBe(true);
      }
    }
  }
});

test('a limit below zero is refused where there is something to read, and takes no room from others', async () => {
  const { client, topicId, size } = await story();
  for (const version of [1, 3, 4, 12, 17]) {
    const named = version >= 13 ? { version, topicId } : { version };
    const codes = async (ask: Ask): Promise<number[]> => (await fetchEach(client, { ...named, ...ask })).responses[0]!.partitions.map(({ errorCode }) => errorCode);
    const refused = ErrorCode.InvalidRequest;
    const read = version < 4 ? ErrorCode.UnsupportedVersion : 0;
    expect(await codes({ limits: [-1, size, -2] }), `v${version}`).toEqual([refused, read, refused]);
    expect(await codes({ offsets: [6, 0, 0], limits: [-1, -1, size] })).toEqual([0, refused, read]);
    if (version >= 3) expect(await codes({ maxBytes: -1, offsets: [6, 0, 7], limits: [size, size, size] })).toEqual([0, refused, ErrorCode.OffsetOutOfRange]);
  }
});

test('hard limits of versions before 3: a piece is told like records are, none is not', async () => {
  const { broker, client } = await story();
  const cannot = 35;
  for (const where of ['memory', 'disk']) {
    const reader = where === 'memory' ? client : await restarted(broker);
    for (const version of [0, 1, 2]) {
      const codes = async (limits: number[]): Promise<number[]> => (await reader.fetchAll({ topics: [{ topic: 'big', partitions: limits.map((partitionMaxBytes, partition) => ({ partition, fetchOffset: 0, partitionMaxBytes })) }] }, version)).responses[0]!.partitions.map(({ errorCode }) => errorCode);
      expect(await codes([0, 10, 0, PLENTY]), `v${version}, ${where}`).toEqual([0, cannot, 0, cannot]);
    }
    // From 3 on the first gives its first batch, and for the others there is a limit.
    const v3 = await reader.fetchAll({ maxBytes: 1, topics: [{ topic: 'big', partitions: [0, 1].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 0 })) }] }, 3);
    expect(v3.responses[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([cannot, 0]);
  }
});

test('what is left out for its length says nothing of transactions; what had no room at all does', async () => {
  const { client, size } = await story();
  const aborted = async (ask: Ask): Promise<unknown[]> => (await fetchEach(client, { isolationLevel: 1, ...ask })).responses[0]!.partitions.map(({ abortedTransactions }) => abortedTransactions);
  expect(await aborted({ limits: [size, 10, 200] })).toEqual([[], null, null]);
  expect(await aborted({ limits: [size, 0, size], maxBytes: size })).toEqual([[], [], []]);
  expect(await aborted({ offsets: [6, 6, 6] })).toEqual([[], [], []]);
});

test('with room for one partition in an answer, a session serves all of them in turn', async () => {
  const { broker, client, topicId, size } = await story();
  for (const where of ['memory', 'disk']) {
    const reader = where === 'memory' ? client : await restarted(broker);
    for (const version of [7, 12, 17]) {
      const id = version >= 13 ? topicId : undefined;
      const limit = { minBytes: 1, maxBytes: size + 100 };
      const all = [0, 1, 2, 3].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: PLENTY }));
      const served = (answer: FetchResponse): number[] => answer.responses.flatMap(({ partitions }) => partitions.filter(({ records }) => records !== null && records.length > 0).map(({ partitionIndex }) => partitionIndex));
      let answer = await reader.fetchAll({ sessionId: 0, sessionEpoch: 0, ...limit, topics: [{ topic: 'big', topicId: id, partitions: all }] }, version);
      const { sessionId } = answer;
      const order = [served(answer)];
      const next = [0, 0, 0, 0];
      for (let sessionEpoch = 1; sessionEpoch <= 9; sessionEpoch++) {
        const moved = served(answer);
        for (const partition of moved) next[partition]!++;
        answer = await reader.fetchAll({ sessionId, sessionEpoch, ...limit, topics: [{ topic: 'big', topicId: id, partitions: moved.map(partition => ({ partition, fetchOffset: next[partition]!, partitionMaxBytes: PLENTY })) }] }, version);
        order.push(served(answer));
      }
      // The first answer of a session changes no order: partition 0 is served again before the others have their turn.
      expect(order.flat(), `v${version}, ${where}`).toEqual([0, 0, 1, 2, 3, 0, 1, 2, 3, 0]);
    }
  }
});

test('a fetch of very many partitions gives whole batches to those that fit, and nothing of the others', async () => {
  const { client, size } = await story(1050);
  const partitions = Array.from({ length: 1050 }, (_, partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: PLENTY }));
  const answer = await client.fetchAll({ maxBytes: 13 * size, topics: [{ topic: 'big', partitions: partitions.toReversed() }] });
  expect(answer.responses[0]!.partitions.slice(-4).map(({ partitionIndex, records }) => [partitionIndex, records!.length])).toEqual([[3, 6 * size], [2, 6 * size], [1, size], [0, 0]]);
  const tight = await client.fetchAll({ maxBytes: 7 * size - 1, topics: [{ topic: 'big', partitions }] });
  expect(tight.responses[0]!.partitions.slice(0, 5).map(({ records }) => records!.length)).toEqual([6 * size, 0, 0, 0, 0]);
});

async function restarted(broker: TestBroker): Promise<TestClient> {
  await broker.restart();
  return broker.client();
}
