// One client family of harness/clients.ts: kafkajs. It knows gzip; the other codecs are handed in.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import kafkajs, { type Consumer, type KafkaMessage } from 'kafkajs';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import * as zstd from 'zstd-napi';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

interface Ask {
  do: 'produce' | 'consume' | 'seek' | 'member';
  bootstrap: string;
  topic: string;
  group: string;
  partitions: number;
  count: number;
  startTime: number;
  time: number;
  values?: string;
  runs: { codec: keyof typeof compression; first: number; count: number }[];
}

const compression = {
  none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD,
};

/** Java and Python clients cut snappy into blocks behind a header (xerial); the others send one bare block. */
function unsnappy(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 0, 8) !== '\x82SNAPPY\x00') return snappy.uncompressSync(bytes) as Buffer;
  const blocks: Buffer[] = [];
  for (let at = 16; at < bytes.length;) {
    const end = at + 4 + bytes.readInt32BE(at);
    blocks.push(snappy.uncompressSync(bytes.subarray(at + 4, end)) as Buffer);
    at = end;
  }
  return Buffer.concat(blocks);
}

interface Encoder { buffer: Buffer }
CompressionCodecs[CompressionTypes.Snappy] = () => ({ compress: async (encoder: Encoder) => snappy.compressSync(encoder.buffer), decompress: async (bytes: Buffer) => unsnappy(bytes) });
CompressionCodecs[CompressionTypes.LZ4] = () => ({ compress: async (encoder: Encoder) => lz4.compressFrameSync(encoder.buffer), decompress: async (bytes: Buffer) => lz4.decompressFrameSync(bytes) });
CompressionCodecs[CompressionTypes.ZSTD] = () => ({ compress: async (encoder: Encoder) => zstd.compress(encoder.buffer), decompress: async (bytes: Buffer) => zstd.decompress(bytes) });

const ask = JSON.parse(process.argv[2] ?? '{}') as Ask;
const { topic } = ask;
const kafka = new Kafka({ clientId: 'kafkajs', brokers: [ask.bootstrap], logLevel: logLevel.ERROR, logCreator: () => ({ log }) => process.stderr.write(`${JSON.stringify(log)}\n`) });
const say = (event: unknown): void => { process.stdout.write(`${JSON.stringify(event)}\n`); };

const values = ask.values === undefined ? undefined : JSON.parse(readFileSync(ask.values, 'utf8')) as string[];
const valueOf = (i: number): string => values?.[i % values.length] ?? `value-${i}-${'x'.repeat(i % 100)}`;

async function produce(): Promise<void> {
  let produced = 0;
  for (const { codec, first, count } of ask.runs) {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner: () => ({ message }) => message.partition ?? 0 });
    await producer.connect();
    for (let from = first; from < first + count; from += 1_000) {
      const messages = Array.from({ length: Math.min(1_000, first + count - from) }, (_, at) => {
        const i = from + at;
        return {
          partition: i % ask.partitions, timestamp: String(ask.startTime + i), key: `key-${i}`, value: valueOf(i),
          headers: i % 10 === 0 ? { n: String(i) } : {},
        };
      });
      await producer.send({ topic, messages, acks: -1, compression: compression[codec] });
      produced += messages.length;
    }
    await producer.disconnect();
  }
  say({ produced });
}

/** Reads with a group of its own until `each` says that it has seen enough. */
async function read(prepare: (consumer: Consumer) => void, each: (partition: number, message: KafkaMessage) => boolean): Promise<void> {
  const consumer = kafka.consumer({ groupId: `kafkajs-${process.pid}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => { for (const message of batch.messages) if (each(batch.partition, message)) resolve(); },
    }).catch(reject);
    prepare(consumer);
  });
  await consumer.disconnect();
}

async function consume(): Promise<void> {
  const seen = Array.from({ length: ask.partitions }, () => ({ count: 0, hash: createHash('sha256') }));
  let left = ask.count;
  await read(() => undefined, (partition, message) => {
    const { offset, timestamp, key, value, headers } = message;
    const into = seen[partition];
    if (into === undefined || left === 0) return false;
    into.hash.update(`${offset} ${timestamp} ${String(key)} ${String(value)} ${String(headers?.['n'] ?? '-')}\n`);
    into.count += 1;
    left -= 1;
    return left === 0;
  });
  say({ partitions: Object.fromEntries(seen.map(({ count, hash }, partition) => [partition, { count, digest: hash.digest('hex') }])) });
}

async function seek(): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const starts = await admin.fetchTopicOffsetsByTimestamp(topic, ask.time);
  await admin.disconnect();
  const found: Record<number, { offset: number; timestamp: number; key: string }> = {};
  await read(
    consumer => starts.forEach(({ partition, offset }) => consumer.seek({ topic, partition, offset })),
    (partition, message) => {
      found[partition] ??= { offset: Number(message.offset), timestamp: Number(message.timestamp), key: String(message.key) };
      return Object.keys(found).length === ask.partitions;
    });
  say({ found });
}

async function member(): Promise<void> {
  const consumer = kafka.consumer({ groupId: ask.group, heartbeatInterval: 500, maxWaitTimeInMs: 500 });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => say({ assigned: payload.memberAssignment[topic] ?? [] }));
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets }) => {
      for (const message of batch.messages) resolveOffset(message.offset);
      await commitOffsetsIfNecessary(uncommittedOffsets());
      if (batch.messages.length > 0) say({ records: batch.messages.map(({ offset }) => [batch.partition, Number(offset)]) });
    },
  });
  for await (const line of createInterface({ input: process.stdin })) if (line === 'leave') break;
  await consumer.disconnect();
  say({ left: true });
  process.exit(0);   // kafkajs keeps timers that outlive its disconnect.
}

const commands = { produce, consume, seek, member };
await commands[ask.do]();
