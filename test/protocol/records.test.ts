// Record batches by themselves; beside Kafka's classes in test/interop/protocol.

import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import {
  BATCH_HEADER_SIZE, BatchBuilder, BatchOffset, BatchView, Compression, controlRecordType, crc32c, endTxnCoordinatorEpoch, endTxnMarkerBatch, readRecords,
  sequenceAfter, walkBatches,
} from '../../src/protocol/records/index.js';
import { Writer } from '../../src/protocol/writer.js';
import { mutations, outcome } from './support/frames.js';
import { seed } from './support/seed.js';

const text = (value: string): Buffer => Buffer.from(value);

function threeRecords(options = {}): Buffer {
  return new BatchBuilder({ baseOffset: 40, partitionLeaderEpoch: 2, ...options })
    .append({ timestamp: 1000, key: text('k0'), value: text('first') })
    .append({ timestamp: 990, key: null, value: null })
    .append({ timestamp: 1010, key: text('k2'), value: text('third'), headers: [{ key: 'trace', value: text('on') }, { key: 'empty', value: null }] })
    .build();
}

describe('CRC-32C', () => {
  it('of the usual test bytes', () => {
    expect(crc32c(text('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  });

  it('of a range, and in two steps', () => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 31) & 0xff));
    for (const cut of [0, 1, 7, 8, 9, 500, 1000]) expect(crc32c(bytes, cut, 1000, crc32c(bytes, 0, cut))).toBe(crc32c(bytes));
  });
});

describe('a batch', () => {
  it('that ends a transaction is the one Kafka writes', () => {
    const marker = endTxnMarkerBatch({ type: 'commit', baseOffset: 5, timestamp: 1000, partitionLeaderEpoch: 7, producerId: 42, producerEpoch: 3, coordinatorEpoch: 9 });
    expect(marker.toString('hex')).toBe(
      '00000000000000050000004200000007022f182b2700300000000000000000000003e800000000000003e8000000000000002a0003ffffffff000000012000000008000000010c00000000000900');
    const view = new BatchView(marker);
    expect([view.isControl, view.isTransactional, view.baseSequence]).toEqual([true, true, -1]);
    const record = readRecords(view)[0]!;
    expect([controlRecordType(record), endTxnCoordinatorEpoch(record)]).toEqual([1, 9]);
  });

  it('says what was put in', () => {
    const view = new BatchView(threeRecords());
    expect(view).toMatchObject({
      baseOffset: 40, lastOffset: 42, partitionLeaderEpoch: 2, magic: 2, baseTimestamp: 1000, maxTimestamp: 1010, producerId: -1, lastSequence: -1, recordCount: 3, compression: 0,
    });
    expect(view.isCrcRight()).toBe(true);
    expect(readRecords(view)).toEqual([
      { offset: 40, timestamp: 1000, key: text('k0'), value: text('first'), headers: [] },
      { offset: 41, timestamp: 990, key: null, value: null, headers: [] },
      { offset: 42, timestamp: 1010, key: text('k2'), value: text('third'), headers: [{ key: 'trace', value: text('on') }, { key: 'empty', value: null }] },
    ]);
  });

  it('knows its size before it is built', () => {
    const builder = new BatchBuilder();
    builder.append({ timestamp: 1, key: null, value: text('x') });
    expect(builder.sizeInBytes).toBe(builder.build().length);
  });

  it('with LogAppendTime gives all its records that time', () => {
    const view = new BatchView(threeRecords({ logAppendTime: 5000 }));
    expect(readRecords(view).map(record => record.timestamp)).toEqual([5000, 5000, 5000]);
  });

  it('compressed needs its records inflated', () => {
    const view = new BatchView(threeRecords({ compression: { codec: Compression.gzip, compress: gzipSync } }));
    expect(view.compression).toBe(Compression.gzip);
    expect(() => readRecords(view)).toThrow(/compressed/);
    expect(readRecords(view, gunzipSync(view.records))).toEqual(readRecords(new BatchView(threeRecords())));
  });

  it('wraps its sequences', () => {
    expect(sequenceAfter(0x7fffffff, 0)).toBe(0x7fffffff);
    expect(sequenceAfter(0x7fffffff, 1)).toBe(0);
    expect(new BatchView(threeRecords({ producerId: 1, producerEpoch: 0, baseSequence: 0x7ffffffe })).lastSequence).toBe(0);
  });

  it('is not built empty, nor with offsets that go back', () => {
    expect(() => new BatchBuilder().build()).toThrow(/without records/);
    const builder = new BatchBuilder({ baseOffset: 5 }).append({ timestamp: 0, key: null, value: null }, 9);
    expect(() => builder.append({ timestamp: 0, key: null, value: null }, 9)).toThrow(/does not follow/);
  });
});

describe('a walk over batches', () => {
  const two = Buffer.concat([threeRecords(), threeRecords({ baseOffset: 43 })]);

  it('meets each, and ends before one that is cut off, wherever', () => {
    const first = threeRecords().length;
    for (let length = 0; length <= two.length; length++) {
      const met = [...walkBatches(two, 0, length)].map(view => view.baseOffset);
      expect(met).toEqual(length < first ? [] : length < two.length ? [40] : [40, 43]);
    }
  });

  it('refuses what is no batch', () => {
    for (const [position, value] of [[BatchOffset.batchLength, 0x80000000], [BatchOffset.batchLength, 48]] as const) {
      const broken = Buffer.from(two);
      broken.writeUInt32BE(value, position);
      expect(() => [...walkBatches(broken)]).toThrow(ProtocolError);
    }
    const old = Buffer.from(two);
    old[BatchOffset.magic] = 1;
    expect(() => [...walkBatches(old)]).toThrow(/magic 1/);
  });
});

describe(`hostile records (seed ${seed})`, () => {
  it('are read or refused, and never hold more than came', () => {
    fc.assert(fc.property(mutations, mutations, (once, again) => {
      const body = threeRecords().subarray(BATCH_HEADER_SIZE);
      const batch = Buffer.concat([threeRecords().subarray(0, BATCH_HEADER_SIZE), again(once(body))]);
      batch.writeInt32BE(batch.length - 12, BatchOffset.batchLength);
      outcome(() => {
        const records = readRecords(new BatchView(batch));
        expect(records.length).toBeLessThanOrEqual(batch.length);
        return records;
      });
    }), { seed, numRuns: 2000 });
  });

  it.each([-1, 4, 0x7fffffff])('cannot claim to be %i', count => {
    const batch = threeRecords();
    batch.writeInt32BE(count, BatchOffset.recordCount);
    expect(() => readRecords(new BatchView(batch))).toThrow(ProtocolError);
  });

  it('cannot claim more headers than there is room for', () => {
    const writer = new Writer();
    writer.writeInt8(0);
    writer.writeVarlong(0);
    writer.writeVarint(0);
    writer.writeVarint(-1);
    writer.writeVarint(-1);
    writer.writeVarint(0x7fffffff);
    const record = writer.finish();
    const batch = Buffer.concat([threeRecords().subarray(0, BATCH_HEADER_SIZE), Buffer.of(record.length * 2), record]);
    batch.writeInt32BE(batch.length - 12, BatchOffset.batchLength);
    batch.writeInt32BE(1, BatchOffset.recordCount);
    expect(() => readRecords(new BatchView(batch))).toThrow(/headers/);
  });
});
