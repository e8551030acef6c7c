// The hot codecs of Fetch beside the generated ones: same bytes in, same values and same refusals out.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FetchRequestView, FetchResponseEncoder, type FetchRequestRows } from '../../src/protocol/hot/fetch.js';
import { FetchRequest, FetchResponse } from '../../src/protocol/messages.js';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
import { messageArbitrary } from './support/arbitrary.js';
import { embedded, encoded, mutations, outcome } from './support/frames.js';
import { loadSchemas, versionsOf } from './support/schemas.js';
import { seed } from './support/seed.js';

const schemas = loadSchemas();
const requestSchema = schemas.messages.find(message => message.name === 'FetchRequest')!;
const responseSchema = schemas.messages.find(message => message.name === 'FetchResponse')!;

function topicsOf<T>(rows: FetchRequestRows, partition: (row: number) => T): { topic: string; topicId: string; partitions: T[] }[] {
  return Array.from({ length: rows.topicCount }, (_, topic) => {
    const first = rows.firstPartition(topic);
    const count = rows.firstPartition(topic + 1) - first;
    return { topic: rows.topic(topic), topicId: rows.topicId(topic), partitions: Array.from({ length: count }, (__, at) => partition(first + at)) };
  });
}

/** What a view shows, in the shape of the generated message. */
function shown(view: FetchRequestView): object {
  const { clusterId, replicaId, replicaEpoch, maxWaitMs, minBytes, maxBytes, isolationLevel, sessionId, sessionEpoch, rackId, rows } = view;
  const topics = topicsOf(rows, row => ({
    partition: rows.partition[row], currentLeaderEpoch: rows.currentLeaderEpoch[row], fetchOffset: rows.fetchOffset[row],
    lastFetchedEpoch: rows.lastFetchedEpoch[row], logStartOffset: rows.logStartOffset[row], partitionMaxBytes: rows.maxBytes[row],
    replicaDirectoryId: rows.directoryId(row),
  }));
  const forgotten = topicsOf(view.forgotten, row => view.forgotten.partition[row]);
  return { clusterId, replicaId, replicaEpoch, maxWaitMs, minBytes, maxBytes, isolationLevel, sessionId, sessionEpoch, rackId, topics, forgotten };
}

function decodedPlainly(bytes: Uint8Array, start: number, end: number, version: number): object {
  const { replicaState, replicaId, forgottenTopicsData, topics, unknownTaggedFields: _, ...rest } = FetchRequest.decode(new Reader(bytes, start, end), version);
  return {
    ...rest,
    replicaId: version >= 15 ? replicaState.replicaId : replicaId,
    replicaEpoch: replicaState.replicaEpoch,
    topics: topics.map(({ topic, topicId, partitions }) => ({ topic, topicId, partitions: partitions.map(({ unknownTaggedFields: __, ...partition }) => partition) })),
    forgotten: forgottenTopicsData.map(({ topic, topicId, partitions }) => ({ topic, topicId, partitions })),
  };
}

describe(`a fetch request looked at in place (seed ${seed})`, () => {
  const view = new FetchRequestView();

  it.each(versionsOf(requestSchema))('says what the decoded one says, version %i', version => {
    fc.assert(fc.property(messageArbitrary(requestSchema, version, { unknownTags: true }), fc.nat(40), (input, before) => {
      const { bytes, start, end } = embedded(encoded(FetchRequest, input, version), before);
      view.decode(bytes, start, end, version);
      expect(shown(view)).toEqual(decodedPlainly(bytes, start, end, version));
    }), { seed, numRuns: 60 });
  });

  it.each(versionsOf(requestSchema))('refuses what the decoder refuses, version %i', version => {
    fc.assert(fc.property(messageArbitrary(requestSchema, version, { unknownTags: true }), mutations, (input, mutate) => {
      const bytes = mutate(encoded(FetchRequest, input, version));
      const generated = outcome(() => decodedPlainly(bytes, 0, bytes.length, version));
      const hot = outcome(() => {
        view.decode(bytes, 0, bytes.length, version);
        return shown(view);
      });
      expect(hot).toEqual(generated);
    }), { seed, numRuns: 100 });
  });

  // Tag, size, and more bytes than the field needs.
  const forgedTag = (tag: number): string => `01${tag.toString(16).padStart(2, '0')}20${'00'.repeat(32)}`;

  it.each([12, 13, 14, 15, 16, 17])('refuses tags that came later, and reads the others, version %i', version => {
    const topicId = 'ABEiM0RVZneImaq7zN3u_w';
    const frame = encoded(FetchRequest, { topics: [version < 13 ? { topic: 't', partitions: [{}] } : { topicId, partitions: [{}] }] }, version).toString('hex');
    // Behind the partition stand: its tags, the topic's, no forgotten topics, no rack, the request's tags.
    expect(frame.endsWith('00' + '00' + '01' + '01' + '00')).toBe(true);
    const head = frame.slice(0, -10);
    for (const forged of [head + forgedTag(0) + '00010100', head + '00000101' + forgedTag(1), head + '00000101' + forgedTag(9)]) {
      const bytes = Buffer.from(forged, 'hex');
      const hot = outcome(() => {
        view.decode(bytes, 0, bytes.length, version);
        return shown(view);
      });
      expect(hot).toEqual(outcome(() => decodedPlainly(bytes, 0, bytes.length, version)));
    }
  });

  it('sees thousands of partitions, and a small request after them', () => {
    const partitions = Array.from({ length: 5000 }, (_, partition) => ({ partition, fetchOffset: 2 ** 40 + partition }));
    for (const topics of [[{ topic: 'wide', partitions }], [{ topic: 'narrow', partitions: partitions.slice(7, 8) }]]) {
      const bytes = encoded(FetchRequest, { topics }, 12);
      view.decode(bytes, 0, bytes.length, 12);
      expect(shown(view)).toEqual(decodedPlainly(bytes, 0, bytes.length, 12));
    }
  });

  it('has no version beyond the schema', () => {
    for (const version of [-1, 18]) expect(() => view.decode(Buffer.alloc(80), 0, 80, version)).toThrow(ProtocolError);
  });
});

describe(`a fetch response encoded around its records (seed ${seed})`, () => {
  const encoder = new FetchResponseEncoder();

  it.each(versionsOf(responseSchema))('has the bytes of the generated one once the records are put in, version %i', version => {
    fc.assert(fc.property(messageArbitrary(responseSchema, version), fc.nat(9), (input, before) => {
      const bytes = encoded(FetchResponse, input, version);
      const response = FetchResponse.decode(new Reader(bytes), version);

      const writer = new Writer(16);
      writer.writeRaw(Buffer.alloc(before, 0xee));
      encoder.begin(writer, version, response.throttleTimeMs, response.errorCode, response.sessionId, response.responses.length);
      for (const topic of response.responses) {
        encoder.topic(topic.topic, topic.topicId, topic.partitions.length);
        for (const partition of topic.partitions) {
          const { divergingEpoch, snapshotId, ...rest } = partition;
          const details = version >= 12 ? { ...rest, divergingEpoch, snapshotId } : rest;
          encoder.partition(partition.partitionIndex, partition, partition.records === null ? -1 : partition.records.length, details);
        }
      }
      const length = encoder.end(response.nodeEndpoints);
      const records = response.responses.flatMap(topic => topic.partitions).flatMap(({ records: bytesOf }) => (bytesOf === null || bytesOf.length === 0 ? [] : [bytesOf]));

      expect(length).toBe(before + bytes.length);
      expect(encoder.cutCount).toBe(records.length);
      expect(interleaved(writer.finish(), encoder, records).subarray(before).equals(bytes)).toBe(true);
    }), { seed, numRuns: 60 });
  });

  it('refuses what an old version cannot carry and a fetcher must not miss', () => {
    const state = { errorCode: 0, highWatermark: 1, lastStableOffset: 1, logStartOffset: 0 };
    const answer = (version: number, details: Parameters<FetchResponseEncoder['partition']>[3]) => () => {
      encoder.begin(new Writer(), version, 0, 0, 0, 1);
      encoder.topic('t', 'AAAAAAAAAAAAAAAAAAAAAA', 1);
      encoder.partition(0, state, -1, details);
    };
    expect(answer(10, { preferredReadReplica: 3 })).toThrow(ProtocolError);
    expect(answer(11, { preferredReadReplica: 3 })).not.toThrow();
    expect(answer(11, { snapshotId: { epoch: 1, endOffset: 1 } })).toThrow(ProtocolError);
    // A session may remember what a newer version asked: Kafka leaves it out.
    expect(answer(11, { divergingEpoch: { epoch: 1, endOffset: 1 } })).not.toThrow();
    expect(() => encoder.begin(new Writer(), 6, 0, 0, 1, 0)).toThrow(ProtocolError);
  });
});

function interleaved(written: Buffer, encoder: FetchResponseEncoder, records: Uint8Array[]): Buffer {
  const pieces: Uint8Array[] = [];
  let from = 0;
  records.forEach((slice, cut) => {
    pieces.push(written.subarray(from, encoder.cutAt(cut)), slice);
    from = encoder.cutAt(cut);
  });
  return Buffer.concat([...pieces, written.subarray(from)]);
}
