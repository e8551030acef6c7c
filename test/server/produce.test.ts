import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { MetadataRequest, ProduceRequest, type MetadataResponse, type ProduceRequestInput, type ProduceResponse } from '../../src/protocol/messages.js';
import { BatchOffset, BatchView, walkBatches } from '../../src/protocol/records/index.js';
import { batch, compressedAs, compress, tampered, type CodecName } from '../support/batches.js';
import { TestBroker, until } from '../support/broker.js';
import { produceOne, recordsOf, valuesOf, type TestClient } from '../support/client.js';

type Rows = { topic: string; partition: number; records: Uint8Array | null }[];

function request(rows: Rows, acks = -1): ProduceRequestInput {
  const topics = [...new Set(rows.map(({ topic }) => topic))];
  return {
    acks, timeoutMs: 20_000,
    topicData: topics.map(name => ({ name, partitionData: rows.filter(({ topic }) => topic === name).map(({ partition, records }) => ({ index: partition, records })) })),
  };
}

function outcomes({ responses }: ProduceResponse): [string, number, number, number][] {
  return responses.flatMap(({ name, partitionResponses }) => partitionResponses.map(({ index, errorCode, baseOffset }): [string, number, number, number] => [name, index, errorCode, baseOffset]));
}

async function story(settings: Record<string, string | number> = {}): Promise<{ broker: TestBroker; client: TestClient }> {
  const broker = await TestBroker.start({ settings });
  return { broker, client: await broker.client() };
}

test('every version and every acks appends, and what was appended is read back with its offsets', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  let offset = 0;
  for (let version = 0; version <= 11; version++) {
    for (const acks of [1, -1]) {
      const answer = await client.produce('orders', batch([`v${version}`, `acks ${acks}`]), { version, acks });
      expect([answer.errorCode, answer.baseOffset], `v${version}`).toEqual([0, offset]);
      if (version >= 2) expect(answer.logAppendTimeMs).toBe(-1);
      if (version >= 5) expect(answer.logStartOffset).toBe(0);
      offset += 2;
    }
    client.tell(ProduceRequest, produceOne('orders', 0, batch([`v${version}`, 'acks 0']), 0), version);
    offset += 2;
  }
  // The unanswered ones are in order with those answered behind them.
  expect((await client.produce('orders', batch(['end']))).baseOffset).toBe(offset);
  const read = recordsOf((await client.fetch('orders', 0)).records);
  expect(read.map(record => record.offset)).toEqual(Array.from({ length: offset + 1 }, (_, at) => at));
  expect(read.map(({ value }) => value!.toString()).filter(text => text.startsWith('v'))).toEqual(Array.from({ length: 36 }, (_, at) => `v${Math.floor(at / 3)}`));
});

test('one request to many partitions of many topics: each gets its own answer, good or bad', async () => {
  const { client } = await story();
  await client.createTopic('a', { partitions: 3 });
  await client.createTopic('b', { partitions: 2 });
  for (const acks of [1, -1]) {
    for (const version of [3, 8, 11]) {
      const answer = await client.produceAll(request([
        { topic: 'a', partition: 2, records: batch(['1']) },
        { topic: 'a', partition: 0, records: tampered(batch(['1']), bytes => { bytes[BatchOffset.crc]! ^= 1; }, false) },
        { topic: 'a', partition: 7, records: batch(['1']) },
        { topic: 'a', partition: 1, records: batch(['1'], { codec: 'gzip' }) },
        { topic: 'nowhere', partition: 0, records: batch(['1']) },
        { topic: 'b', partition: 1, records: batch(['1', '2']) },
        { topic: 'b', partition: 0, records: null },
      ], acks), version);
      expect(outcomes(answer).map(([topic, partition, code]) => [topic, partition, code])).toEqual([
        ['a', 2, 0], ['a', 0, ErrorCode.CorruptMessage], ['a', 7, ErrorCode.UnknownTopicOrPartition], ['a', 1, 0],
        ['nowhere', 0, ErrorCode.UnknownTopicOrPartition], ['b', 1, 0], ['b', 0, ErrorCode.InvalidRecord],
      ]);
    }
  }
  expect(recordsOf((await client.fetch('a', 0, { partition: 2 })).records)).toHaveLength(6);
  expect(valuesOf((await client.fetch('b', 0, { partition: 1 })).records)).toHaveLength(12);
  expect((await client.fetch('a', 0, { partition: 0 })).records).toHaveLength(0);
});

test('what is wrong with a batch is told for its partition alone, by Kafka\'s error', async () => {
  const { client } = await story();
  await client.createTopic('orders', { configs: { 'max.message.bytes': '2000', 'segment.bytes': '10000' } });
  const good = batch(['x', 'y']);
  const at = BatchOffset;
  const bad: [string, number, Uint8Array | null, number?][] = [
    ['null records', ErrorCode.InvalidRecord, null],
    ['no batch', ErrorCode.InvalidRecord, Buffer.alloc(0)],
    ['a header cut off', ErrorCode.InvalidRecord, good.subarray(0, 60)],
    ['a batch cut off', ErrorCode.InvalidRecord, good.subarray(0, good.length - 1)],
    ['two batches', ErrorCode.InvalidRecord, Buffer.concat([good, good])],
    ['magic 1', ErrorCode.InvalidRecord, tampered(good, bytes => { bytes[at.magic] = 1; })],
    ['magic 3', ErrorCode.CorruptMessage, tampered(good, bytes => { bytes[at.magic] = 3; })],
    ['wrong CRC', ErrorCode.CorruptMessage, tampered(good, bytes => { bytes[bytes.length - 1]! ^= 0xff; }, false)],
    ['a count that is not the last delta + 1', ErrorCode.InvalidRecord, tampered(good, bytes => { bytes.writeInt32BE(3, at.recordCount); })],
    ['a count of zero', ErrorCode.InvalidRecord, tampered(good, bytes => { bytes.writeInt32BE(0, at.recordCount); bytes.writeInt32BE(-1, at.lastOffsetDelta); })],
    ['a negative count', ErrorCode.InvalidRecord, tampered(good, bytes => { bytes.writeInt32BE(-1, at.recordCount); bytes.writeInt32BE(-2, at.lastOffsetDelta); })],
    ['a huge count', ErrorCode.InvalidRecord, tampered(good, bytes => { bytes.writeInt32BE(0x7fffffff, at.recordCount); bytes.writeInt32BE(0x7ffffffe, at.lastOffsetDelta); })],
    ['a base offset', ErrorCode.InvalidRecord, tampered(good, bytes => { bytes.writeInt32BE(5, 4); })],
    ['a control batch', ErrorCode.InvalidRecord, batch(['x'], { control: true })],
    ['a producer without a sequence', ErrorCode.InvalidRecord, batch(['x'], { producerId: 5, producerEpoch: 0, baseSequence: -1 })],
    ['an unknown codec', ErrorCode.UnknownServerError, tampered(good, bytes => { bytes.writeInt16BE(5, at.attributes); })],
    ['zstd before version 7', ErrorCode.UnsupportedCompressionType, batch(['x'], { codec: 'zstd' }), 6],
    ['larger than max.message.bytes', ErrorCode.MessageTooLarge, batch(['x'.repeat(2000)])],
  ];
  for (const acks of [1, -1]) {
    for (const [what, code, records, version = 11] of bad) {
      const answer = await client.produce('orders', records, { acks, version });
      expect([answer.errorCode, answer.baseOffset], what).toEqual([code, -1]);
    }
  }
  expect((await client.produce('orders', good)).baseOffset).toBe(0);
});

test('record fields that do not fit their record are refused, compressed or not', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  const good = batch(['abc', 'def']);
  const records = good.subarray(BatchOffset.records);
  const broken: [string, Buffer][] = [
    ['a record length beyond the batch', Buffer.concat([Buffer.from([0x7e]), records.subarray(1)])],
    ['a negative record length', Buffer.concat([Buffer.from([0x01]), records.subarray(1)])],
    ['a byte behind the last record', Buffer.concat([records, Buffer.from([0])])],
    ['a record too few', records.subarray(0, records.length / 2)],
    ['a header count beyond the record', (() => { const copy = Buffer.from(records); copy[copy.length - 1] = 0x7e; return copy; })()],
  ];
  for (const [what, bytes] of broken) {
    const plain = Buffer.concat([good.subarray(0, BatchOffset.records), bytes]);
    plain.writeInt32BE(plain.length - 12, BatchOffset.batchLength);
    expect((await client.produce('orders', tampered(plain, () => {}))).errorCode, what).toBe(ErrorCode.InvalidRecord);
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      expect((await client.produce('orders', compressedAs(codec, compress(codec, bytes), 2))).errorCode, `${what}, ${codec}`).toBe(ErrorCode.InvalidRecord);
    }
  }
  expect((await client.listOffsets('orders', -1)).offset).toBe(0);
});

test('all four codecs are looked into and kept; what does not inflate is refused; a bomb stays small', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders', { configs: { 'max.message.bytes': '5000000' } });
  const codecs: CodecName[] = ['gzip', 'snappy', 'lz4', 'zstd'];
  const sent: Buffer[] = [];
  for (const codec of codecs) {
    const records = batch(Array.from({ length: 100 }, (_, at) => `${codec} ${at}`), { codec });
    sent.push(records);
    expect(await client.produce('orders', records)).toMatchObject({ errorCode: 0, baseOffset: (sent.length - 1) * 100 });
    expect((await client.produce('orders', compressedAs(codec, Buffer.from('this is no such thing at all'), 2))).errorCode, codec).toBe(ErrorCode.UnknownServerError);
  }
  // Once more, pipelined behind each other and mixed with plain ones: the order stays.
  const mixed = [...codecs, 'none' as const, ...codecs].map(codec => client.prepare<ProduceResponse>(ProduceRequest, produceOne('orders', 0, batch([codec], { codec })), 11));
  client.raw(Buffer.concat(mixed.map(({ bytes }) => bytes)));
  const offsets = (await Promise.all(mixed.map(({ answer }) => answer))).map(answer => outcomes(answer)[0]![3]);
  expect(offsets).toEqual(Array.from({ length: 9 }, (_, at) => 400 + at));
  const kept = [...walkBatches((await client.fetch('orders', 0)).records!)];
  expect(kept.slice(0, 4).map(view => view.compression)).toEqual([1, 2, 3, 4]);
  expect(kept[2]!.records.equals(new BatchView(sent[2]!).records)).toBe(true);

  const before = process.memoryUsage().rss;
  for (const codec of ['gzip', 'zstd'] as const) {
    const bomb = compressedAs(codec, compress(codec, Buffer.alloc(200 << 20)), 1);
    expect(bomb.length).toBeLessThan(1 << 20);
    const { errorCode } = await client.produce('orders', bomb);
    // Zeros are no records, which is seen at the first of them.
    expect(errorCode, codec).toBe(ErrorCode.InvalidRecord);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(500 << 20);
  expect((await client.listOffsets('orders', -1)).offset).toBe(409);
  await until(() => broker.stat('queuedBytes') === 0);
}, 60_000);

test('a wrong CRC among pipelined good ones costs itself alone', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  for (const acks of [1, -1]) {
    const start = (await client.listOffsets('orders', -1)).offset;
    const bad = new Set([3, 4, 17]);
    const requests = Array.from({ length: 30 }, (_, at) => {
      const records = batch([`n ${at}`]);
      return client.prepare<ProduceResponse>(ProduceRequest, produceOne('orders', 0, bad.has(at) ? tampered(records, bytes => { bytes[70]! ^= 4; }, false) : records, acks), 9);
    });
    client.raw(Buffer.concat(requests.map(({ bytes }) => bytes)));
    let expected = start;
    for (const [at, { answer }] of requests.entries()) {
      const [[, , code, offset]] = outcomes(await answer) as [[string, number, number, number]];
      expect([at, code, offset]).toEqual(bad.has(at) ? [at, ErrorCode.CorruptMessage, -1] : [at, 0, expected++]);
    }
  }
});

test('a compacted topic asks for keys and tells which records have none, all of them', async () => {
  const { client } = await story();
  await client.createTopic('table', { configs: { 'cleanup.policy': 'compact' } });
  const some = [0, 1, 2, 3, 4, 5, 6].map(at => ({ ...([2, 4, 5, 6].includes(at) ? { key: null } : {}), value: Buffer.from(`${at}`) }));
  const fault = 'Compacted topic cannot accept message without key in topic partition table-0';
  for (const codec of ['none', 'zstd'] as const) {
    for (const version of [7, 8, 11]) {
      const answer = await client.produce('table', batch(some, { codec }), { version });
      expect(answer.errorCode).toBe(ErrorCode.InvalidRecord);
      expect(answer.recordErrors).toEqual(version >= 8 ? [2, 4, 5, 6].map(batchIndex => ({ batchIndex, batchIndexErrorMessage: fault })) : []);
      const three = [2, 4, 5].map(at => `RecordError(batchIndex=${at}, message='${fault}')`).join(', ');
      if (version >= 8) expect(answer.errorMessage).toBe(`One or more records have been rejected due to 4 record errors in total, and only showing the first three errors at most: [${three}]`);
    }
    expect((await client.produce('table', batch(['a', 'b'], { codec }))).errorCode).toBe(0);
    // So many that not all are told: the count is.
    const many = await client.produce('table', batch(Array.from({ length: 3000 }, () => ({ key: null, value: Buffer.from('x') })), { codec }));
    expect([many.errorCode, many.recordErrors.length, many.recordErrors.at(-1)!.batchIndex]).toEqual([ErrorCode.InvalidRecord, 512, 511]);
    expect(many.errorMessage).toContain('due to 3000 record errors in total');
  }
  // Twenty such in one request: a bounded answer, in which none is without a reason.
  await client.createTopic('tables', { partitions: 20, configs: { 'cleanup.policy': 'compact' } });
  const keyless = batch(Array.from({ length: 600 }, () => ({ key: null, value: Buffer.from('x') })));
  const all = await client.produceAll({ acks: 1, topicData: [{ name: 'tables', partitionData: Array.from({ length: 20 }, (_, index) => ({ index, records: keyless })) }] });
  const told = all.responses[0]!.partitionResponses.map(({ recordErrors }) => recordErrors.length);
  expect(told.every(count => count > 0)).toBe(true);
  expect(told.reduce((sum, count) => sum + count, 0)).toBeLessThan(5100);
});

test('records out of time are all told, with what the topic takes; one fault of each record, its key first', async () => {
  const { client } = await story();
  await client.createTopic('timed', { configs: { 'message.timestamp.before.max.ms': '1000000', 'message.timestamp.after.max.ms': '1000000', 'cleanup.policy': 'compact' } });
  const now = Date.now();
  const key = Buffer.from('k');
  const records = [{ key, timestamp: now }, { key, timestamp: now - 2_000_000 }, { key: null, timestamp: now + 2_000_000 }, { key, timestamp: now + 3_000_000 }];
  for (const codec of ['none', 'gzip'] as const) {
    const answer = await client.produce('timed', batch(records, { codec }));
    expect([answer.errorCode, answer.errorMessage]).toEqual([ErrorCode.InvalidTimestamp, 'One or more records have been rejected due to invalid timestamp']);
    expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 2, 3]);
    const [early, keyless, late] = answer.recordErrors.map(({ batchIndexErrorMessage }) => batchIndexErrorMessage);
    expect(early).toMatch(new RegExp(`^Timestamp ${now - 2_000_000} of message with offset 1 is out of range\\. The timestamp should be within \\[\\d{13}, \\d{13}\\]$`));
    expect(keyless).toContain('without key');
    expect(late).toContain(`Timestamp ${now + 3_000_000} of message with offset 3`);
  }
});

test('create times are held against the topic\'s bounds, and -1 passes', async () => {
  const { client } = await story();
  await client.createTopic('orders', { configs: { 'message.timestamp.before.max.ms': '60000', 'message.timestamp.after.max.ms': '30000' } });
  const now = Date.now();
  for (const codec of ['none', 'gzip'] as const) {
    expect((await client.produce('orders', batch(['old'], { timestamp: now - 120_000, codec }))).errorCode).toBe(ErrorCode.InvalidTimestamp);
    expect((await client.produce('orders', batch(['ok', { value: null, timestamp: now + 120_000 }], { timestamp: now, codec }))).errorCode).toBe(ErrorCode.InvalidTimestamp);
    expect((await client.produce('orders', batch(['none'], { timestamp: -1, codec }))).errorCode).toBe(0);
    expect((await client.produce('orders', batch(['now'], { timestamp: now, codec }))).errorCode).toBe(0);
  }
});

test('timestamps of compressed batches are taken up to the last there is, whatever the batch says is its largest', async () => {
  const { client } = await story();
  const last = 2n ** 63n - 1n;
  // Base timestamp, and so the record's; what the producer calls the largest; what it is.
  const stories: [bigint, bigint, bigint][] = [[last, 5n, last], [last - 1025n, last, last - 1025n], [2n ** 53n + 1n, 7n, 2n ** 53n + 1n], [-last - 1n, 5n, -1n], [5n, 2n ** 62n, 5n]];
  for (const codec of ['gzip', 'lz4'] as const) {
    await client.createTopic(codec);
    for (const [offset, [base, said, largest]] of stories.entries()) {
      const records = tampered(batch(['x'], { codec }), bytes => {
        bytes.writeBigInt64BE(base, BatchOffset.baseTimestamp);
        bytes.writeBigInt64BE(said, BatchOffset.maxTimestamp);
      });
      const answer = await client.produce(codec, records);
      expect([answer.errorCode, answer.baseOffset], `${codec} ${base}`).toEqual([0, offset]);
      const kept = (await client.fetch(codec, offset, { partitionMaxBytes: 1 })).records!;
      expect([Buffer.from(kept).readBigInt64BE(BatchOffset.maxTimestamp), new BatchView(kept).isCrcRight()], `${codec} ${base}`).toEqual([largest, true]);
    }
  }
});

test('a partition named twice is refused the second time, whatever of the two has to be inflated', async () => {
  const { client } = await story();
  await client.createTopic('orders');
  let offset = 0;
  for (const acks of [1, -1]) {
    for (const [first, second] of [['none', 'none'], ['none', 'gzip'], ['gzip', 'none'], ['gzip', 'lz4']] as const) {
      const answer = await client.produceAll(request([
        { topic: 'orders', partition: 0, records: batch(['a'], { codec: first }) },
        { topic: 'orders', partition: 0, records: batch(['b'], { codec: second }) },
      ], acks), 9);
      expect(outcomes(answer), `${first} and ${second}`).toEqual([['orders', 0, 0, offset++], ['orders', 0, ErrorCode.InvalidRequest, -1]]);
    }
  }
});

test('a LogAppendTime topic stamps the batch and says when', async () => {
  const { client } = await story();
  await client.createTopic('stamped', { configs: { 'message.timestamp.type': 'LogAppendTime' } });
  for (const [round, codec] of (['none', 'lz4', 'gzip'] as const).entries()) {
    const before = Date.now();
    const answer = await client.produce('stamped', batch(['a', 'b'], { timestamp: 1000, codec }));
    expect(answer.errorCode).toBe(0);
    expect(answer.logAppendTimeMs).toBeGreaterThanOrEqual(before);
    expect(answer.logAppendTimeMs).toBeLessThanOrEqual(Date.now());
    const [view] = [...walkBatches((await client.fetch('stamped', 2 * round)).records!)];
    expect(view!.isLogAppendTime).toBe(true);
    expect(view!.maxTimestamp).toBe(answer.logAppendTimeMs);
    expect(view!.isCrcRight()).toBe(true);
  }
});

test('acks of any other number, and writes to internal topics, are refused before anything is appended', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders');
  for (const acks of [2, -2, 100]) {
    expect((await client.produce('orders', batch(['x']), { acks })).errorCode).toBe(ErrorCode.InvalidRequiredAcks);
  }
  await client.createTopic('__consumer_offsets', { configs: { 'cleanup.policy': 'compact' } });
  expect((await client.produce('__consumer_offsets', batch(['x']))).errorCode).toBe(ErrorCode.InvalidTopicException);
  const admin = await broker.client('__admin_client');
  expect((await admin.produce('__consumer_offsets', batch(['x']))).errorCode).toBe(0);
  expect((await client.listOffsets('orders', -1)).offset).toBe(0);
});

test('acks=0: an error can only be told by ending the connection', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders', { partitions: 2 });
  const rude = async (records: Uint8Array | null, topic = 'orders'): Promise<void> => {
    const other = await broker.client();
    other.tell(ProduceRequest, request([{ topic: 'orders', partition: 1, records: batch(['kept']) }, { topic, partition: 0, records }], 0), 9);
    await other.ended;
  };
  await rude(null);
  await rude(batch(['x']), 'nowhere');
  await rude(tampered(batch(['x']), bytes => { bytes[BatchOffset.crc]! ^= 4; }, false));
  await until(async () => (await client.listOffsets('orders', -1, { partition: 1 })).offset === 3, 'what was well is kept');
  expect((await client.listOffsets('orders', -1)).offset).toBe(0);
});

test('fewer in sync than asked for: refused before the append, and only acks=all cares', async () => {
  const { client } = await story();
  // The effective least is bounded by the replica count, so one replica always suffices (Partition.scala).
  await client.createTopic('orders', { configs: { 'min.insync.replicas': '2' } });
  expect((await client.produce('orders', batch(['x']))).errorCode).toBe(0);
});

test('500 requests in one write are answered in order, whatever they are', async () => {
  const { client } = await story();
  await client.createTopic('orders', { partitions: 4 });
  const order: number[] = [];
  const requests = Array.from({ length: 500 }, (_, at) => {
    const each = at % 10 === 7
      ? client.prepare<MetadataResponse>(MetadataRequest, { topics: [{ name: 'orders' }] }, 12)
      : client.prepare<ProduceResponse>(ProduceRequest, produceOne('orders', at % 4, batch([`n ${at}`], { codec: at % 50 === 3 ? 'lz4' : 'none' }), at % 3 === 0 ? 1 : -1), 9);
    void each.answer.then(() => order.push(at));
    return each;
  });
  client.raw(Buffer.concat(requests.map(({ bytes }) => bytes)));
  await Promise.all(requests.map(({ answer }) => answer));
  expect(order).toEqual(Array.from({ length: 500 }, (_, at) => at));
  for (let partition = 0; partition < 4; partition++) {
    const values = valuesOf((await client.fetch('orders', 0, { partition })).records?.subarray(0, 0) ?? null);
    expect(values).toEqual([]);
  }
  const ends = await Promise.all([0, 1, 2, 3].map(async partition => (await client.listOffsets('orders', -1, { partition })).offset));
  expect(ends.reduce((sum, end) => sum + end, 0)).toBe(450);
});

test('a connection closed in the middle of its pipeline: the others go on, nothing is kept of it', async () => {
  const { broker, client } = await story();
  await client.createTopic('orders');
  await until(() => broker.stat('queuedBytes') === 0);
  const idle = broker.stat('arenaInUse');
  for (let round = 0; round < 20; round++) {
    const leaver = await broker.client();
    const frames = Array.from({ length: 40 }, (_, at) => leaver.frame(ProduceRequest, produceOne('orders', 0, batch(['x'.repeat(1000)], { codec: at % 8 === 0 ? 'gzip' : 'none' })), 9, at));
    leaver.socket.write(Buffer.concat(frames), () => leaver.destroy());
    expect((await client.produce('orders', batch(['mine']))).errorCode).toBe(0);
  }
  await until(() => broker.stat('queuedBytes') === 0 && broker.stat('connections') === 1);
  await until(() => broker.stat('arenaInUse') <= idle + (1 << 20));
});
