// kafka-get-offsets: earliest, latest, by time, and the record with the greatest timestamp.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from './harness/broker.js';
import { offsets } from './harness/commands.js';
import { javaClient } from './harness/clients.js';
import { produced, startTime } from './harness/workload.js';
import { createTopic } from './harness/commands.js';

let broker: Broker;
beforeAll(async () => { broker = await Broker.start(); });
afterAll(() => broker.destroy());

const earliest = -2;
const latest = -1;
const maxTimestamp = -3;

describe('kafka-get-offsets', () => {
  test('over several segments, by time as exactly as the timestamps are', async () => {
    await createTopic(broker, 'timed', 2, { 'segment.bytes': 65_536 });
    await produced(javaClient, broker, { topic: 'timed', partitions: 2, runs: [{ codec: 'none', count: 4_000 }, { codec: 'lz4', count: 4_000 }] });

    // Record i has timestamp startTime + i and is the (i / 2)th of partition i % 2.
    expect(await offsets(broker, 'timed', earliest)).toEqual({ 0: 0, 1: 0 });
    expect(await offsets(broker, 'timed', latest)).toEqual({ 0: 4_000, 1: 4_000 });
    expect(await offsets(broker, 'timed', maxTimestamp)).toEqual({ 0: 3_999, 1: 3_999 });
    for (const i of [0, 1, 1_234, 3_999, 4_000, 4_001, 6_543, 7_998]) {
      expect(await offsets(broker, 'timed', startTime + i)).toEqual({ 0: Math.ceil(i / 2), 1: Math.floor(i / 2) });
    }
  });

  test('an empty partition, a time before all and a time after all', async () => {
    await createTopic(broker, 'sparse', 2);
    await produced(javaClient, broker, { topic: 'sparse', partitions: 1, runs: [{ codec: 'none', count: 10 }] });
    expect(await offsets(broker, 'sparse', earliest)).toEqual({ 0: 0, 1: 0 });
    expect(await offsets(broker, 'sparse', latest)).toEqual({ 0: 10, 1: 0 });
    expect(await offsets(broker, 'sparse', startTime - 1_000_000)).toMatchObject({ 0: 0 });
    const after = await offsets(broker, 'sparse', startTime + 1_000_000);   // The tool says nothing of an offset it did not get, or the end.
    expect(after[0] ?? 10).toBe(10);
  });
});
