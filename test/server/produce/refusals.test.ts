// What is wrong with a batch, and what Kafka 3.9.1 answered when it was sent the same bytes: by version, with the log start
// offset and the words that stand beside the error.
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { ProduceRequest, type ProduceRequestInput } from '../../../src/protocol/messages.js';
import { BatchOffset as At, BatchView, walkBatches } from '../../../src/protocol/records/index.js';
import { batch, compressedAs, tampered } from '../../support/batches.js';
import { TestBroker } from '../../support/broker.js';
import { recordsOf, type TestClient } from '../../support/client.js';

const good = batch(['v']);
const { CorruptMessage, InvalidRecord, InvalidTimestamp, None, UnknownServerError } = ErrorCode;

async function story(configs: Readonly<Record<string, string>> = {}, partitions = 1): Promise<TestClient> {
  const client = await (await TestBroker.start()).client();
  await client.createTopic('orders', { configs, partitions });
  return client;
}

const bent = (change: (bytes: Buffer) => void, fixCrc = true, from = good): Buffer => tampered(from, change, fixCrc);
const ofLength = (length: number): Buffer => bent(bytes => { bytes.writeInt32BE(length, At.batchLength); });
const ofMagic = (magic: number): Buffer => bent(bytes => { bytes.writeInt8(magic, At.magic); });
const attributes = (bits: number, from = good): Buffer => bent(bytes => { bytes.writeUInt16BE(bits, At.attributes); }, true, from);
/** One record whose body is given, in an uncompressed batch or in one of gzip. */
const plain = (records: Uint8Array, count = 1): Buffer => attributes(0, compressedAs('none', records, count));
const zipped = (records: Uint8Array, count = 1): Buffer => compressedAs('gzip', gzipSync(records), count);
/** attributes, timestamp delta, offset delta, key k, value v, no headers */
const RECORD = Buffer.from([0, 0, 0, 2, 0x6b, 2, 0x76, 0]);
const framed = (body: Uint8Array): Buffer => Buffer.concat([Buffer.from([body.length << 1]), body]);
const withHeaders = (...bytes: number[]): Buffer => framed(Buffer.concat([RECORD.subarray(0, -1), Buffer.from(bytes)]));

test('frames: what is taken as no batch, as a corrupt one, and as the batch that counts', async () => {
  const client = await story();
  // What, the records, the error of versions 0-2 and of those since.
  const frames: [string, Buffer, number, number][] = [
    ['nothing', Buffer.alloc(0), None, InvalidRecord],
    ['a length cut off', good.subarray(0, 11), None, InvalidRecord],
    ['no magic yet', good.subarray(0, 16), None, InvalidRecord],
    ['a batch cut off', good.subarray(0, good.length - 1), None, InvalidRecord],
    ['two batches', Buffer.concat([good, good]), InvalidRecord, InvalidRecord],
    ['a batch and a piece of one', Buffer.concat([good, good.subarray(0, -1)]), None, None],
    ['a batch and five bytes', Buffer.concat([good, Buffer.alloc(5)]), None, None],
    ['a batch and zeros', Buffer.concat([good, Buffer.alloc(20)]), CorruptMessage, CorruptMessage],
    ['a batch and one of magic 7', Buffer.concat([good, ofMagic(7)]), CorruptMessage, CorruptMessage],
    ['a length below that of any message', ofLength(13), CorruptMessage, CorruptMessage],
    ['a length below that of a header', ofLength(48).subarray(0, 60), CorruptMessage, CorruptMessage],
    ['magic 3', ofMagic(3), CorruptMessage, CorruptMessage],
    ['magic -1', ofMagic(-1), CorruptMessage, CorruptMessage],
  ];
  let end = 0;
  for (const [what, records, old, since] of frames) {
    for (const version of [0, 2, 3, 5, 8, 9, 11]) {
      const code = version < 3 ? old : since;
      const { errorCode, baseOffset } = await client.produce('orders', records, { version });
      const kept = code === None && records.length > good.length;
      expect([errorCode, baseOffset], `${what}, version ${version}`).toEqual([code, kept ? end : -1]);
      if (kept) end++;
    }
  }
  expect((await client.produce('orders', ofMagic(1))).errorCode).toBe(InvalidRecord);
  const kept = (await client.fetch('orders', 0)).records!;
  expect([...walkBatches(kept)].every(view => view.isCrcRight() && view.bytes.length === good.length)).toBe(true);
  expect(recordsOf(kept).map(({ offset }) => offset)).toEqual(Array.from({ length: end }, (_, at) => at));
});

test('a first batch that is none, and a transactional one without transactional id, take the whole request down', async () => {
  const client = await story({}, 2);
  const beside = (records: Buffer, topic = 'orders', extra: Partial<ProduceRequestInput> = {}): ProduceRequestInput => ({
    ...extra, topicData: [{ name: 'orders', partitionData: [{ index: 0, records: good }] }, { name: topic, partitionData: [{ index: 1, records }] }],
  });
  const all: [string, Buffer, number, string | null][] = [
    ['length', ofLength(3), CorruptMessage, 'Record size 3 is less than the minimum record overhead (14)'],
    ['magic', ofMagic(-1), CorruptMessage, 'Invalid magic found in record: -1'],
    ['transactional', attributes(16), ErrorCode.TransactionalIdAuthorizationFailed, null],
  ];
  for (const [what, records, code, message] of all) {
    for (const topic of ['orders', 'nowhere']) {
      for (const version of [7, 8, 11]) {
        const answer = await client.produceAll(beside(records, topic), version);
        for (const partition of answer.responses.flatMap(({ partitionResponses }) => partitionResponses)) {
          expect(partition, `${what} ${topic} v${version}`).toMatchObject({ errorCode: code, baseOffset: -1, logStartOffset: -1, errorMessage: version >= 8 ? message : null });
        }
      }
    }
  }
  // A second batch that is none is its own partition's.
  const own = await client.produceAll(beside(Buffer.concat([good, Buffer.alloc(20)])), 9);
  expect(own.responses.flatMap(({ partitionResponses }) => partitionResponses.map(({ errorCode }) => errorCode))).toEqual([None, CorruptMessage]);
  // To versions 0-2 it is everybody's, unless nobody knows the partition.
  for (const [topic, codes] of [['orders', [CorruptMessage, CorruptMessage]], ['nowhere', [None, ErrorCode.UnknownTopicOrPartition]]] as const) {
    const { responses } = await client.produceAll(beside(Buffer.concat([good, Buffer.alloc(20)]), topic), 2);
    expect(responses.flatMap(({ partitionResponses }) => partitionResponses.map(({ errorCode }) => errorCode))).toEqual(codes);
  }
  // With a transactional id a plain batch is nothing special, nor a transactional one of no producer.
  for (const records of [good, attributes(16)]) {
    const answer = await client.produceAll(beside(records, 'orders', { transactionalId: 'tx' }), 11);
    expect(answer.responses.flatMap(({ partitionResponses }) => partitionResponses.map(({ errorCode }) => errorCode))).toEqual([None, None]);
  }
  const other = await (await TestBroker.start()).client();
  await other.createTopic('orders');
  other.tell(ProduceRequest, { acks: 0, topicData: [{ name: 'orders', partitionData: [{ index: 0, records: ofLength(3) }] }] }, 9);
  await other.ended;
});

test('more than a thousand partitions: the same, and whose records are to blame', async () => {
  const client = await story({ 'cleanup.policy': 'compact' }, 1001);
  const keyless = batch([{ key: null, value: Buffer.from('v') }]);
  const request = (last: Buffer): ProduceRequestInput => ({ topicData: [{ name: 'orders', partitionData: Array.from({ length: 1001 }, (_, index) => ({ index, records: index === 1000 ? last : keyless })) }] });
  const down = await client.produceAll(request(ofLength(3)));
  expect(new Set(down.responses[0]!.partitionResponses.map(({ errorCode }) => errorCode))).toEqual(new Set([CorruptMessage]));
  const { partitionResponses } = (await client.produceAll(request(good))).responses[0]!;
  expect(partitionResponses[1000]).toMatchObject({ errorCode: None, baseOffset: 0 });
  expect(partitionResponses[5]).toMatchObject({
    errorCode: InvalidRecord, baseOffset: -1, logStartOffset: 0,
    recordErrors: [{ batchIndex: 0, batchIndexErrorMessage: 'Compacted topic cannot accept message without key in topic partition orders-5' }],
  });
}, 60_000);

test('headers and records: the error, whether the log start stands beside it, and no words', async () => {
  const client = await story({ 'max.message.bytes': '2000' });
  const producer = { producerId: 900, producerEpoch: 0, baseSequence: 0 };
  expect((await client.produce('orders', batch(['v'], producer))).errorCode).toBe(None);
  const broken = (bytes: Buffer): void => { bytes[At.crc]! ^= 1; };
  const faults: [string, Buffer, number, 0 | -1][] = [
    ['a base offset', bent(bytes => { bytes.writeInt32BE(5, 4); }), InvalidRecord, 0],
    ['a base offset and a wrong CRC', bent(bytes => { bytes.writeInt32BE(5, 4); broken(bytes); }, false), InvalidRecord, 0],
    ['too large', batch(['v'.repeat(3000)]), ErrorCode.MessageTooLarge, -1],
    ['a wrong CRC', bent(broken, false), CorruptMessage, -1],
    ['codec 5', attributes(5), UnknownServerError, 0],
    ['a count of two', bent(bytes => { bytes.writeInt32BE(2, At.recordCount); }), InvalidRecord, 0],
    ['no records', bent(bytes => { bytes.writeInt32BE(0, At.recordCount); bytes.writeInt32BE(-1, At.lastOffsetDelta); }), InvalidRecord, 0],
    ['fewer records than said', bent(bytes => { bytes.writeInt32BE(2, At.recordCount); bytes.writeInt32BE(1, At.lastOffsetDelta); }), InvalidRecord, 0],
    ['control', attributes(32), InvalidRecord, 0],
    ['a producer without sequence', batch(['v'], { ...producer, baseSequence: -1 }), InvalidRecord, 0],
    ['a gap', batch(['v'], { ...producer, baseSequence: 5 }), ErrorCode.OutOfOrderSequenceNumber, 0],
    ['a new epoch that does not begin at 0', batch(['v'], { ...producer, producerEpoch: 1, baseSequence: 3 }), ErrorCode.OutOfOrderSequenceNumber, 0],
    ['an epoch below none', batch(['v'], { producerId: 901, producerEpoch: -2, baseSequence: 0 }), ErrorCode.InvalidProducerEpoch, 0],
    // Kafka looks at the sequence last.
    ['a gap and a wrong CRC', bent(broken, false, batch(['v'], { ...producer, baseSequence: 5 })), CorruptMessage, -1],
    ['a duplicate with a wrong CRC', bent(broken, false, batch(['v'], producer)), CorruptMessage, -1],
    ['a duplicate with a broken record', bent(bytes => { bytes[At.records] = 99; }, true, batch(['v'], producer)), InvalidRecord, 0],
    ['a body that is not gzip', compressedAs('gzip', Buffer.from('garbage'), 1), UnknownServerError, 0],
    ['a body that is not gzip and a wrong CRC', bent(broken, false, compressedAs('gzip', Buffer.from('garbage'), 1)), CorruptMessage, -1],
    ['a body that is not gzip and a wrong count', bent(bytes => { bytes.writeInt32BE(3, At.recordCount); }, true, compressedAs('gzip', Buffer.from('garbage'), 1)), InvalidRecord, 0],
    ['a record length that does not end', plain(Buffer.alloc(9, 0xff)), UnknownServerError, 0],
    ['the same in gzip', zipped(Buffer.alloc(9, 0xff)), InvalidRecord, 0],
    ['a record too few in gzip', zipped(framed(RECORD), 2), InvalidRecord, 0],
    ['a record too many in gzip', zipped(Buffer.concat([framed(RECORD), framed(RECORD)])), InvalidRecord, 0],
    ['offset deltas out of turn in gzip', zipped(framed(Buffer.from([0, 0, 2, 2, 0x6b, 2, 0x76, 0]))), UnknownServerError, 0],
  ];
  for (const acks of [1, -1]) {
    for (const [what, records, errorCode, logStartOffset] of faults) {
      for (const version of [5, 8, 11]) {
        const answer = await client.produce('orders', records, { acks, version });
        expect(answer, `${what}, version ${version}`).toMatchObject({ errorCode, logStartOffset, baseOffset: -1, logAppendTimeMs: -1, errorMessage: null, recordErrors: [] });
      }
    }
  }
  expect((await client.listOffsets('orders', -1)).offset).toBe(1);
});

test('records that look odd and are none the less whole: compressed or not', async () => {
  const client = await story();
  const taken: [string, Buffer, boolean?][] = [
    ['a header without value', withHeaders(2, 2, 0x61, 1)],
    ['a header value of length -7', withHeaders(2, 2, 0x61, 13)],
    ['a header key that is no text', withHeaders(2, 2, 0xff, 1)],
    ['a key of length -5', framed(Buffer.from([0, 0, 0, 9, 2, 0x76, 0]))],
    ['a value of length -5', framed(Buffer.from([0, 0, 0, 2, 0x6b, 9, 0]))],
    ['a timestamp delta of ten bytes', framed(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 2, 0x6b, 2, 0x76, 0]))],
    ['an offset delta whose upper bits are lost', framed(Buffer.from([0, 0, 0x80, 0x80, 0x80, 0x80, 0x70, 2, 0x6b, 2, 0x76, 0]))],
    ['attributes', framed(Buffer.from([0xff, 0, 0, 2, 0x6b, 2, 0x76, 0]))],
    ['an offset delta of 1', framed(Buffer.from([0, 0, 2, 2, 0x6b, 2, 0x76, 0])), false],
    ['an offset delta of -5', framed(Buffer.from([0, 0, 9, 2, 0x6b, 2, 0x76, 0])), false],
  ];
  let offset = 0;
  for (const [what, record, inGzip = true] of taken) {
    for (const records of inGzip ? [plain(record), zipped(record)] : [plain(record)]) {
      expect(await client.produce('orders', records), what).toMatchObject({ errorCode: None, baseOffset: offset });
      const [kept] = [...walkBatches((await client.fetch('orders', offset, { partitionMaxBytes: 1 })).records!)];
      expect([kept!.records.equals(new BatchView(records).records), kept!.isCrcRight()], what).toEqual([true, true]);
      offset++;
    }
  }
  const refused: [string, Buffer][] = [
    ['a negative count of headers', withHeaders(1)], ['more headers than bytes', withHeaders(0x7e)], ['a header key of negative length', withHeaders(2, 1, 0)],
    ['a header value beyond the record', withHeaders(2, 2, 0x61, 0x7e)], ['a key beyond the record', framed(Buffer.from([0, 0, 0, 0x7e, 0x6b]))],
    ['a timestamp delta of eleven bytes', framed(Buffer.concat([Buffer.from([0]), Buffer.alloc(10, 0xff), Buffer.from([1, 0, 2, 0x6b, 2, 0x76, 0])]))],
  ];
  for (const [what, record] of refused) {
    for (const records of [plain(record), zipped(record)]) expect((await client.produce('orders', records)).errorCode, what).toBe(InvalidRecord);
  }
});

test('acks that nobody knows are told of those partitions that have nothing else', async () => {
  const client = await story({}, 2);
  const answer = await client.produceAll({
    acks: 2,
    topicData: [{ name: 'orders', partitionData: [{ index: 0, records: good }, { index: 1, records: Buffer.alloc(0) }, { index: -1, records: good }] }, { name: 'nowhere', partitionData: [{ index: 0, records: good }] }],
  });
  expect(answer.responses.flatMap(({ partitionResponses }) => partitionResponses.map(({ errorCode, logStartOffset }) => [errorCode, logStartOffset]))).toEqual([
    [ErrorCode.InvalidRequiredAcks, -1], [InvalidRecord, -1], [ErrorCode.UnknownTopicOrPartition, -1], [ErrorCode.UnknownTopicOrPartition, -1],
  ]);
});

test('a producer without an epoch: no order to keep, and a duplicate all the same', async () => {
  const broker = await TestBroker.start();
  let client = await broker.client();
  await client.createTopic('orders');
  const send = async (baseSequence: number, producerEpoch = -1): Promise<[number, number]> => {
    const { errorCode, baseOffset } = await client.produce('orders', batch(['v'], { producerId: 900, producerEpoch, baseSequence }));
    return [errorCode, baseOffset];
  };
  for (const [at, sequence] of [0, 7, 3, 4].entries()) expect(await send(sequence)).toEqual([None, at]);
  expect(await send(7)).toEqual([None, 1]);
  expect(await send(4)).toEqual([None, 3]);
  await broker.restart();
  client = await broker.client();
  expect(await send(4)).toEqual([None, 3]);
  expect(await send(5, 0)).toEqual([None, 4]);
  expect(await send(0)).toEqual([ErrorCode.InvalidProducerEpoch, -1]);
  // Ids below none are none, and so is an epoch or a sequence without an id.
  for (const [at, producerId] of [-1, -2].entries()) {
    expect(await client.produce('orders', batch(['v'], { producerId, producerEpoch: 3, baseSequence: 5 }))).toMatchObject({ errorCode: None, baseOffset: 5 + at });
  }
});

test('the bit that says LogAppendTime: a CreateTime topic clears it, a LogAppendTime topic refuses it', async () => {
  const client = await story({ 'message.timestamp.before.max.ms': '1000000' });
  await client.createTopic('stamped', { configs: { 'message.timestamp.type': 'LogAppendTime' } });
  const now = Date.now();
  const records = [{ key: Buffer.from('key'), value: Buffer.from('value') }, { key: null, value: null }];
  let offset = 0;
  for (const [codec, kind, none] of [['none', 'DefaultRecord', 0], ['gzip', 'PartialDefaultRecord', -1]] as const) {
    const marked = (largest: number): Buffer => bent(bytes => {
      bytes.writeUInt16BE(bytes.readUInt16BE(At.attributes) | 0x8088, At.attributes);
      bytes.writeBigInt64BE(BigInt(largest), At.maxTimestamp);
    }, true, batch(records, { codec, timestamp: now }));
    expect(await client.produce('orders', marked(now + 5)), codec).toMatchObject({ errorCode: None, baseOffset: offset, logAppendTimeMs: -1 });
    const [kept] = [...walkBatches((await client.fetch('orders', offset, { partitionMaxBytes: 1 })).records!)];
    expect([kept!.attributes, kept!.maxTimestamp, kept!.isCrcRight()]).toEqual([codec === 'gzip' ? 1 : 0, now + 5, true]);
    offset += 2;
    const late = await client.produce('orders', marked(5));
    expect([late.errorCode, late.recordErrors.length]).toEqual([InvalidTimestamp, 2]);
    expect(late.recordErrors[1]!.batchIndexErrorMessage).toContain('Timestamp 5 of message with offset 1 is out of range.');
    const printed = (at: number, timestamp: number, key: number, value: number): object => ({
      batchIndex: at,
      batchIndexErrorMessage: `Invalid timestamp type in message ${kind}(offset=${at}, timestamp=${timestamp}, key=${key} bytes, value=${value} bytes). Producer should not set timestamp type to LogAppendTime.`,
    });
    // Of no timestamp at all a CreateTime topic says the same.
    for (const [topic, timestamp] of [['stamped', now], ['orders', -1]] as const) {
      expect(await client.produce(topic, marked(timestamp)), `${topic} ${codec}`).toMatchObject({
        errorCode: InvalidTimestamp, logStartOffset: 0, errorMessage: 'One or more records have been rejected due to invalid timestamp',
        recordErrors: [printed(0, timestamp, 3, 5), printed(1, timestamp, none, none)],
      });
    }
  }
});

test('timestamps at the ends of what 64 bits hold are taken where there are no bounds, and told to the last digit where there are', async () => {
  const client = await story();
  await client.createTopic('bounded', { configs: { 'message.timestamp.before.max.ms': '1000000', 'message.timestamp.after.max.ms': '1000000' } });
  let offset = 0;
  for (const codec of ['none', 'gzip'] as const) {
    for (const timestamp of [2n ** 63n - 1n, -(2n ** 63n), -5n, 2n ** 53n + 1n]) {
      const records = bent(bytes => { bytes.writeBigInt64BE(timestamp, At.baseTimestamp); }, true, batch(['v'], { codec }));
      expect(await client.produce('orders', records), `${codec} ${timestamp}`).toMatchObject({ errorCode: None, baseOffset: offset });
      const kept = Buffer.from((await client.fetch('orders', offset++, { partitionMaxBytes: 1 })).records!);
      expect(kept.readBigInt64BE(At.maxTimestamp)).toBe(timestamp < -1n ? -1n : timestamp);
      const refused = await client.produce('bounded', records);
      expect(refused.recordErrors[0]!.batchIndexErrorMessage).toMatch(new RegExp(`^Timestamp ${timestamp} of message with offset 0 is out of range. The timestamp should be within \\[\\d{13}, \\d{13}\\]$`));
    }
  }
});

test('versions 0-2 have their records looked at last: who is asked for impossible acks, or is not there, says so first', async () => {
  const client = await story();
  const twice = Buffer.concat([good, good]);
  for (const [version, code] of [[0, ErrorCode.InvalidRequiredAcks], [2, ErrorCode.InvalidRequiredAcks], [3, InvalidRecord]] as const) {
    expect((await client.produce('orders', twice, { version, acks: 2 })).errorCode, `version ${version}`).toBe(code);
    expect((await client.produce('orders', twice, { version, acks: -1 })).errorCode, `version ${version}`).toBe(InvalidRecord);
  }
});
