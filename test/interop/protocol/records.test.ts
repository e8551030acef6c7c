// Record batches beside Kafka's MemoryRecordsBuilder and MemoryRecords: the same bytes from both builders, the same
// headers and records for both readers, with every codec.

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  BATCH_HEADER_SIZE, BatchBuilder, BatchView, Compression, controlRecordType, endTxnCoordinatorEpoch, endTxnMarkerBatch, readRecords, walkBatches,
  type BatchOptions, type LogRecord, type RecordInput,
} from '../../../src/protocol/records/index.js';
import { seed } from '../../protocol/support/seed.js';
import { Kafka } from './kafka.js';

const kafka = new Kafka();
afterAll(() => kafka.close());

const SAMPLES = 150;

interface Placed extends RecordInput {
  offset: number;
  headers: { key: string; value: Uint8Array | null }[];
}
interface Plan {
  options: BatchOptions & { baseOffset: number };
  records: Placed[];
}

const bytes = fc.option(fc.uint8Array({ maxLength: 200 }), { freq: 4 });
const timestamps = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }) }, { weight: 1, arbitrary: fc.nat(100) });

const plans: fc.Arbitrary<Plan> = fc
  .record({
    baseOffset: fc.oneof(fc.nat(), fc.nat({ max: 2 ** 45 })),
    partitionLeaderEpoch: fc.integer({ min: -1, max: 1000 }),
    producer: fc.option(fc.record({ producerId: fc.nat({ max: 2 ** 50 }), producerEpoch: fc.nat(0x7fff), baseSequence: fc.oneof(fc.nat(0x7fffffff), fc.constant(0x7ffffffe)) })),
    transactional: fc.boolean(),
    logAppendTime: fc.option(timestamps, { nil: undefined }),
    records: fc.array(fc.record({
      gap: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(1000) }),
      timestamp: timestamps, key: bytes, value: bytes,
      headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 8 }), value: bytes }), { maxLength: 3 }),
    }), { minLength: 1, maxLength: 12 }),
  })
  .map(({ baseOffset, partitionLeaderEpoch, producer, transactional, logAppendTime, records }) => {
    let next = baseOffset;
    const placed = records.map(({ gap, ...record }, index) => {
      const offset = index === 0 ? baseOffset : next + gap;
      next = offset + 1;
      return { ...record, offset };
    });
    const options: Plan['options'] = { baseOffset, partitionLeaderEpoch, transactional: producer !== null && transactional, ...producer };
    if (logAppendTime !== undefined) options.logAppendTime = logAppendTime;
    return { options, records: placed };
  });

/** The plan as Kafka is told of it. */
function spec({ options, records }: Plan, codec: number): object {
  const base64 = (value: Uint8Array | null): string | null => (value === null ? null : Buffer.from(value).toString('base64'));
  return {
    codec, producerId: -1, producerEpoch: -1, baseSequence: -1, ...options,
    records: records.map(({ offset, timestamp, key, value, headers }) => ({
      offset, timestamp, key: base64(key), value: base64(value), headers: headers.map(header => ({ key: header.key, value: base64(header.value) })),
    })),
  };
}

function build({ options, records }: Plan, more: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder({ ...options, ...more });
  for (const record of records) builder.append(record, record.offset);
  return builder.build();
}

/** A batch as `Kafka.readBatches` shows it. */
function shown(view: BatchView, records: LogRecord[]): object {
  const base64 = (value: Uint8Array | null): string | null => (value === null ? null : Buffer.from(value).toString('base64'));
  return {
    magic: view.magic, baseOffset: view.baseOffset, lastOffset: view.lastOffset, sizeInBytes: view.sizeInBytes, partitionLeaderEpoch: view.partitionLeaderEpoch,
    crc: view.crc, codec: view.compression, isLogAppendTime: view.isLogAppendTime, maxTimestamp: view.maxTimestamp, producerId: view.producerId,
    producerEpoch: view.producerEpoch, baseSequence: view.baseSequence, lastSequence: view.lastSequence, isTransactional: view.isTransactional,
    isControl: view.isControl, recordCount: view.recordCount,
    records: records.map(({ offset, timestamp, key, value, headers }) => ({
      offset, timestamp, key: base64(key), value: base64(value), headers: headers.map(header => ({ key: header.key, value: base64(header.value) })),
    })),
  };
}

describe(`batches (seed ${seed})`, () => {
  it('have the bytes that Kafka gives them', async () => {
    for (const plan of fc.sample(plans, { seed, numRuns: SAMPLES })) {
      const theirs = await kafka.buildBatch(spec(plan, Compression.none));
      expect(build(plan).toString('hex')).toBe(theirs.toString('hex'));
    }
  });

  it('are read as Kafka reads them', async () => {
    for (const group of chunks(fc.sample(plans, { seed: seed + 1, numRuns: SAMPLES }), 3)) {
      const log = Buffer.concat(group.map(plan => build(plan)));
      const theirs = await kafka.readBatches(log);
      const views = [...walkBatches(log)];
      expect(views.every(view => view.isCrcRight())).toBe(true);
      expect(views.map(view => shown(view, readRecords(view)))).toEqual(theirs);
    }
  });

  it.each(Object.entries(Compression))('of codec %s are read and rebuilt as Kafka made them', async (_, codec) => {
    for (const plan of fc.sample(plans, { seed: seed + 2, numRuns: SAMPLES / 3 })) {
      const theirs = await kafka.buildBatch(spec(plan, codec));
      const view = new BatchView(theirs);
      const [found] = (await kafka.readBatches(theirs)) as object[];
      expect(view.isCrcRight()).toBe(true);
      // The records themselves, inflated, are those of the uncompressed batch.
      expect(shown(view, readRecords(view, build(plan).subarray(BATCH_HEADER_SIZE)))).toEqual(found);
      if (codec !== Compression.none) {
        const rebuilt = build(plan, { compression: { codec, compress: () => view.records } });
        expect(rebuilt.toString('hex')).toBe(theirs.toString('hex'));
      }
    }
  });

  it.each(['COMMIT', 'ABORT'] as const)('that end a transaction with %s', async marker => {
    for (const numbers of fc.sample(fc.record({
      baseOffset: fc.nat({ max: 2 ** 45 }), timestamp: timestamps, partitionLeaderEpoch: fc.nat(99), producerId: fc.nat({ max: 2 ** 50 }), producerEpoch: fc.nat(0x7fff),
      coordinatorEpoch: fc.nat(),
    }), { seed, numRuns: 30 })) {
      const type = marker === 'COMMIT' ? 'commit' : 'abort';
      const ours = endTxnMarkerBatch({ ...numbers, type });
      expect(ours.toString('hex')).toBe((await kafka.buildBatch({ marker, ...numbers })).toString('hex'));
      const [record] = readRecords(new BatchView(ours));
      expect([controlRecordType(record!), endTxnCoordinatorEpoch(record!)]).toEqual([type === 'commit' ? 1 : 0, numbers.coordinatorEpoch]);
    }
  });
});

function chunks<T>(values: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) => values.slice(index * size, (index + 1) * size));
}
