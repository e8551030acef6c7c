// The follower's side of Fetch beside the generated codecs: the same bytes out, and the same values in.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FetchResponseView } from '../../src/protocol/hot/fetch-response-view.js';
import { ReplicaFetchRequest, ReplicaFetchRequestCodec } from '../../src/protocol/hot/replica-fetch-request.js';
import { FetchRequest, FetchResponse } from '../../src/protocol/messages.js';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { Reader } from '../../src/protocol/reader.js';
import { batch } from '../support/batches.js';
import { messageArbitrary } from './support/arbitrary.js';
import { embedded, encoded, mutations, outcome } from './support/frames.js';
import { loadSchemas, versionsOf } from './support/schemas.js';
import { seed } from './support/seed.js';

const schemas = loadSchemas();
const requestSchema = schemas.messages.find(message => message.name === 'FetchRequest')!;
const responseSchema = schemas.messages.find(message => message.name === 'FetchResponse')!;

/** As a follower asks: a request without what only consumers and KRaft brokers say. */
function plain(message: FetchRequest, version: number): FetchRequest {
  const topics = message.topics.map(topic => ({ ...topic, unknownTaggedFields: [], partitions: topic.partitions.map(partition => ({ ...partition, replicaDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA', unknownTaggedFields: [] })) }));
  return { ...message, clusterId: null, rackId: '', isolationLevel: 0, topics, replicaState: version >= 15 ? message.replicaState : { replicaId: -1, replicaEpoch: -1, unknownTaggedFields: [] } };
}

function rowsOf(message: FetchRequest, version: number): ReplicaFetchRequest {
  const request = new ReplicaFetchRequest();
  const { maxWaitMs, minBytes, maxBytes, sessionId, sessionEpoch, replicaId, replicaState } = message;
  Object.assign(request, { maxWaitMs, minBytes, maxBytes, sessionId, sessionEpoch, replicaId: version >= 15 ? replicaState.replicaId : replicaId, replicaEpoch: replicaState.replicaEpoch });
  for (const { topic, topicId, partitions } of message.topics) {
    request.rows.addTopic(topic, topicId);
    for (const each of partitions) {
      const row = request.rows.addPartition(each.partition);
      request.rows.currentLeaderEpoch[row] = each.currentLeaderEpoch;
      request.rows.fetchOffset[row] = each.fetchOffset;
      request.rows.lastFetchedEpoch[row] = each.lastFetchedEpoch;
      request.rows.logStartOffset[row] = each.logStartOffset;
      request.rows.maxBytes[row] = each.partitionMaxBytes;
    }
  }
  for (const { topic, topicId, partitions } of message.forgottenTopicsData) {
    request.forgotten.addTopic(topic, topicId);
    for (const partition of partitions) request.forgotten.addPartition(partition);
  }
  return request;
}

/** What a view shows, in the shape of the generated message, where a follower looks. */
function shown(view: FetchResponseView, bytes: Buffer): object {
  const { throttleTimeMs, errorCode, sessionId } = view;
  const responses = Array.from({ length: view.topicCount }, (_, topic) => {
    const first = view.firstPartition(topic);
    return {
      topic: view.topic(topic),
      topicId: view.topicId(topic),
      partitions: Array.from({ length: view.firstPartition(topic + 1) - first }, (__, at) => {
        const row = first + at;
        const [length, recordsAt] = [view.recordsLength[row]!, view.recordsAt[row]!];
        return {
          partitionIndex: view.partition[row],
          errorCode: view.partitionError[row],
          highWatermark: view.highWatermark[row],
          logStartOffset: view.logStartOffset[row],
          divergingEpoch: { epoch: view.divergingEpoch[row], endOffset: view.divergingEnd[row] },
          records: length < 0 ? null : bytes.subarray(recordsAt, recordsAt + length).toString('hex'),
        };
      }),
    };
  });
  return { throttleTimeMs, errorCode, sessionId, responses };
}

function decodedPlainly(bytes: Buffer, start: number, end: number, version: number): object {
  const { throttleTimeMs, errorCode, sessionId, responses } = FetchResponse.decode(new Reader(bytes, start, end), version);
  return {
    throttleTimeMs, errorCode, sessionId,
    responses: responses.map(({ topic, topicId, partitions }) => ({
      topic, topicId,
      partitions: partitions.map(each => ({
        partitionIndex: each.partitionIndex, errorCode: each.errorCode, highWatermark: each.highWatermark, logStartOffset: each.logStartOffset,
        divergingEpoch: { epoch: each.divergingEpoch.epoch, endOffset: each.divergingEpoch.endOffset },
        records: each.records === null ? null : Buffer.from(each.records).toString('hex'),
      })),
    })),
  };
}

describe(`a follower's fetch request (seed ${seed})`, () => {
  it.each(versionsOf(requestSchema))('has the bytes of the generated one, version %i', version => {
    fc.assert(fc.property(messageArbitrary(requestSchema, version), input => {
      const message = plain(FetchRequest.decode(new Reader(encoded(FetchRequest, input, version)), version), version);
      expect(encoded(ReplicaFetchRequestCodec, rowsOf(message, version), version).toString('hex')).toBe(encoded(FetchRequest, message, version).toString('hex'));
    }), { seed, numRuns: 60 });
  });

  it('has no version beyond the schema', () => {
    for (const version of [-1, 18]) expect(() => encoded(ReplicaFetchRequestCodec, new ReplicaFetchRequest(), version)).toThrow(ProtocolError);
  });
});

describe(`a fetch answer looked at in place (seed ${seed})`, () => {
  const view = new FetchResponseView();

  it.each(versionsOf(responseSchema))('says what the decoded one says, version %i', version => {
    fc.assert(fc.property(messageArbitrary(responseSchema, version, { unknownTags: true }), fc.nat(40), (input, before) => {
      const { bytes, start, end } = embedded(encoded(FetchResponse, input, version), before);
      view.decode(bytes, start, end, version);
      expect(shown(view, bytes)).toEqual(decodedPlainly(bytes, start, end, version));
    }), { seed, numRuns: 60 });
  });

  // What a follower has no use for is passed over, and may be anything.
  it.each(versionsOf(responseSchema))('refuses nothing that the decoder takes, and reads the same from it, version %i', version => {
    fc.assert(fc.property(messageArbitrary(responseSchema, version, { unknownTags: true }), mutations, (input, mutate) => {
      const bytes = mutate(encoded(FetchResponse, input, version));
      const generated = outcome(() => decodedPlainly(bytes, 0, bytes.length, version));
      const hot = outcome(() => {
        view.decode(bytes, 0, bytes.length, version);
        return shown(view, bytes);
      });
      if (generated !== 'refused') expect(hot).toEqual(generated);
    }), { seed, numRuns: 100 });
  });

  it('keeps no room beyond the answer that needed it', () => {
    const partitions = Array.from({ length: 5000 }, (_, partitionIndex) => ({ partitionIndex, highWatermark: partitionIndex }));
    for (const many of [partitions, [{ partitionIndex: 7, highWatermark: 9 }]]) {
      const bytes = encoded(FetchResponse, { responses: [{ topic: 't', partitions: many }] }, 12);
      view.decode(bytes, 0, bytes.length, 12);
      expect(shown(view, bytes)).toEqual(decodedPlainly(bytes, 0, bytes.length, 12));
    }
    expect(view.highWatermark.length).toBeLessThan(100);
  });

  it('tells the offsets of the first batch', () => {
    const records = batch(['a', 'b', 'c'], { baseOffset: 41 });
    const { bytes, start, end } = embedded(encoded(FetchResponse, { responses: [{ topic: 't', partitions: [{ partitionIndex: 0, highWatermark: 0, records }] }] }, 12), 5);
    view.decode(bytes, start, end, 12);
    expect(view.firstBatch(view.recordsAt[0]!)).toEqual({ baseOffset: 41, lastOffset: 43 });
  });

  it('has no version beyond the schema', () => {
    for (const version of [-1, 18]) expect(() => view.decode(Buffer.alloc(80), 0, 80, version)).toThrow(ProtocolError);
  });
});
