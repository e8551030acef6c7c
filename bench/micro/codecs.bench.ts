import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.js';
import { FetchRequestView, FetchResponseEncoder } from '../../src/protocol/hot/fetch.js';
import { ProduceRequestView, ProduceResponseEncoder } from '../../src/protocol/hot/produce.js';
import { FetchRequest, MetadataResponse, ProduceRequest, type MetadataResponseInput } from '../../src/protocol/messages.js';
import type { MessageCodec } from '../../src/protocol/codec.js';
import { Reader } from '../../src/protocol/reader.js';
import { crc32c } from '../../src/protocol/records/index.js';
import { Writer } from '../../src/protocol/writer.js';
import { bench } from './harness.js';

const PRODUCE_VERSION = 9;
const FETCH_VERSION = 12;
const METADATA_VERSION = 12;

function frameOf<T, I>(codec: MessageCodec<T, I>, message: I, version: number): Buffer {
  const writer = new Writer(4096);
  codec.encode(writer, message, version);
  return Buffer.from(writer.finish());
}

function produceFrame(partitions: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const partitionData = Array.from({ length: partitions }, (_, index) => ({ index, records: random.bytes(100) }));
  return frameOf(ProduceRequest, { acks: -1, timeoutMs: 30_000, topicData: [{ name: 'measurements', partitionData }] }, PRODUCE_VERSION);
}

for (const partitions of [1, 50]) {
  await bench(`produce request in place, ${partitions} partitions`, {
    question: 'what does it cost to look at a produce request where it was received?',
    bound: 'some thirty bytes read one by one per partition, and the topic name twice (hashed, compared); no allocation',
    params: [{ requests: 3, partitions }, { requests: 10_000, partitions }],
    items: params => params.requests,
    item: 'request',
    setup({ requests }, seed) {
      const frame = produceFrame(partitions, seed);
      const view = new ProduceRequestView();
      return {
        run() {
          let seen = 0;
          for (let i = 0; i < requests; i += 1) {
            view.decode(frame, 0, frame.length, PRODUCE_VERSION);
            seen += view.partitionCount;
          }
          return seen;
        },
        verify: seen => assert.equal(seen, requests * partitions),
      };
    },
  });

  await bench(`produce request as objects, ${partitions} partitions`, {
    question: 'what does the generated codec cost for the same request?',
    bound: 'an object and a Buffer per partition, about 100 ns each',
    params: [{ requests: 3, partitions }, { requests: 10_000, partitions }],
    items: params => params.requests,
    item: 'request',
    setup({ requests }, seed) {
      const reader = new Reader(new Uint8Array(0));
      const frame = produceFrame(partitions, seed);
      return {
        run() {
          let seen = 0;
          for (let i = 0; i < requests; i += 1) seen += ProduceRequest.decode(reader.reset(frame), PRODUCE_VERSION).topicData[0]!.partitionData.length;
          return seen;
        },
        verify: seen => assert.equal(seen, requests * partitions),
      };
    },
  });

  await bench(`produce response piece by piece, ${partitions} partitions`, {
    question: 'what does an answer with the places of its offsets cost?',
    bound: 'some forty bytes written per partition; no allocation',
    params: [{ answers: 3, partitions }, { answers: 10_000, partitions }],
    items: params => params.answers,
    item: 'answer',
    setup({ answers }) {
      const target = Buffer.alloc(64 * 1024);
      const writer = new Writer(16);
      const encoder = new ProduceResponseEncoder();
      return {
        run() {
          let length = 0;
          for (let i = 0; i < answers; i += 1) {
            writer.reset(target, 0, target.length);
            encoder.begin(writer, PRODUCE_VERSION, 1);
            encoder.topic('measurements', partitions);
            for (let partition = 0; partition < partitions; partition += 1) encoder.partition(partition, 0, 0, -1, 0);
            length = encoder.end(0);
          }
          return length;
        },
        verify: length => assert.equal(length, encoder.baseOffsetAt(partitions - 1) + 24 + 3 + 1 + 4 + 1),
      };
    },
  });

  await bench(`fetch request in place, ${partitions} partitions`, {
    question: 'what does it cost to look at a fetch request where it was received?',
    bound: 'some fifty bytes read one by one per partition; no allocation',
    params: [{ requests: 3, partitions }, { requests: 10_000, partitions }],
    items: params => params.requests,
    item: 'request',
    setup({ requests }) {
      const rows = Array.from({ length: partitions }, (_, partition) => ({ partition, fetchOffset: 1_000_000 + partition, partitionMaxBytes: 1 << 20 }));
      const frame = frameOf(FetchRequest, { maxWaitMs: 500, minBytes: 1, topics: [{ topic: 'measurements', partitions: rows }] }, FETCH_VERSION);
      const view = new FetchRequestView();
      return {
        run() {
          let seen = 0;
          for (let i = 0; i < requests; i += 1) {
            view.decode(frame, 0, frame.length, FETCH_VERSION);
            seen += view.rows.partitionCount;
          }
          return seen;
        },
        verify: seen => assert.equal(seen, requests * partitions),
      };
    },
  });

  await bench(`fetch response around records, ${partitions} partitions`, {
    question: 'what does the header of a fetch answer cost, records left to sendfile?',
    bound: 'some sixty bytes written per partition; no allocation',
    params: [{ answers: 3, partitions }, { answers: 10_000, partitions }],
    items: params => params.answers,
    item: 'answer',
    setup({ answers }) {
      const target = Buffer.alloc(64 * 1024);
      const writer = new Writer(16);
      const encoder = new FetchResponseEncoder();
      const state = { errorCode: 0, highWatermark: 1_000_000, lastStableOffset: 1_000_000, logStartOffset: 0 };
      return {
        run() {
          let cuts = 0;
          for (let i = 0; i < answers; i += 1) {
            writer.reset(target, 0, target.length);
            encoder.begin(writer, FETCH_VERSION, 0, 0, 0, 1);
            encoder.topic('measurements', '', partitions);
            for (let partition = 0; partition < partitions; partition += 1) encoder.partition(partition, state, 1 << 20);
            encoder.end();
            cuts += encoder.cutCount;
          }
          return cuts;
        },
        verify: cuts => assert.equal(cuts, answers * partitions),
      };
    },
  });
}

await bench('metadata response, encoded', {
  question: 'how long is the main isolate held by the metadata of a large cluster?',
  bound: 'some forty bytes written per partition',
  params: [{ partitions: 10 }, { partitions: 10_000 }],
  items: params => params.partitions,
  item: 'partition',
  setup({ partitions }) {
    const writer = new Writer(1 << 20);
    const message = metadata(partitions);
    return {
      run() {
        MetadataResponse.encode(writer.reset(), message, METADATA_VERSION);
        return writer.finish();
      },
      verify: (bytes: Buffer) => assert.equal(MetadataResponse.decode(new Reader(bytes), METADATA_VERSION).topics[0]!.partitions.length, partitions),
    };
  },
});

await bench('CRC-32C', {
  question: 'what does a checksum cost in JavaScript, for batches of the control plane?',
  bound: 'eight table look-ups for eight bytes, about 1 ns a byte; native code takes 0.05',
  params: [{ bytes: 100 }, { bytes: 1 << 20 }],
  items: params => params.bytes,
  item: 'byte',
  setup({ bytes }, seed) {
    const data = seededRandom(seed).bytes(bytes);
    return { run: () => crc32c(data), verify: sum => assert.equal(crc32c(data, bytes >> 1, bytes, crc32c(data, 0, bytes >> 1)), sum) };
  },
});

function metadata(partitions: number): MetadataResponseInput {
  const brokers = [0, 1, 2].map(nodeId => ({ nodeId, host: `broker-${nodeId}.example.org`, port: 9092 }));
  const isr = [0, 1, 2];
  const rows = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, leaderId: partitionIndex % 3, leaderEpoch: 5, replicaNodes: isr, isrNodes: isr }));
  return { brokers, clusterId: 'AAAAAAAAAAAAAAAAAAAAAA', controllerId: 1, topics: [{ name: 'measurements', partitions: rows }] };
}
