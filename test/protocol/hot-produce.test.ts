// The hot codecs of Produce beside the generated ones: same bytes in, same values and same refusals out.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProduceRequestView, ProduceResponseEncoder } from '../../src/protocol/hot/produce.js';
import { ProduceRequest, ProduceResponse, type ProduceRequestInput } from '../../src/protocol/messages.js';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
import { messageArbitrary } from './support/arbitrary.js';
import { embedded, encoded, mutations, outcome } from './support/frames.js';
import { loadSchemas, versionsOf } from './support/schemas.js';
import { seed } from './support/seed.js';

const schemas = loadSchemas();
const requestSchema = schemas.messages.find(message => message.name === 'ProduceRequest')!;
const responseSchema = schemas.messages.find(message => message.name === 'ProduceResponse')!;

/** What a view shows, in the shape of the generated message. */
function shown(view: ProduceRequestView, bytes: Uint8Array): object {
  const topics = Array.from({ length: view.topicCount }, (_, topic) => {
    const first = view.firstPartition(topic);
    const partitions = Array.from({ length: view.firstPartition(topic + 1) - first }, (__, at) => {
      const start = view.recordsStart(first + at);
      const length = view.recordsLength(first + at);
      return { index: view.partitionIndex(first + at), records: length < 0 ? null : [...bytes.subarray(start, start + length)] };
    });
    return { name: view.topic(topic), partitionData: partitions };
  });
  return { transactionalId: view.transactionalId, acks: view.acks, timeoutMs: view.timeoutMs, topicData: topics };
}

function decodedPlainly(bytes: Uint8Array, start: number, end: number, version: number): object {
  const request = ProduceRequest.decode(new Reader(bytes, start, end), version);
  const topicData = request.topicData.map(topic => ({
    name: topic.name,
    partitionData: topic.partitionData.map(({ index, records }) => ({ index, records: records === null ? null : [...records] })),
  }));
  return { transactionalId: request.transactionalId, acks: request.acks, timeoutMs: request.timeoutMs, topicData };
}

describe(`a produce request looked at in place (seed ${seed})`, () => {
  // One view for everything, as in the broker: what one request leaves behind must not show in the next.
  const view = new ProduceRequestView();

  it.each(versionsOf(requestSchema))('says what the decoded one says, version %i', version => {
    fc.assert(fc.property(messageArbitrary(requestSchema, version, { unknownTags: true }), fc.nat(40), (input, before) => {
      const { bytes, start, end } = embedded(encoded(ProduceRequest, input, version), before);
      view.decode(bytes, start, end, version);
      expect(shown(view, bytes)).toEqual(decodedPlainly(bytes, start, end, version));
    }), { seed, numRuns: 60 });
  });

  it.each(versionsOf(requestSchema))('refuses what the decoder refuses, version %i', version => {
    fc.assert(fc.property(messageArbitrary(requestSchema, version, { unknownTags: true }), mutations, (input, mutate) => {
      const bytes = mutate(encoded(ProduceRequest, input, version));
      const generated = outcome(() => decodedPlainly(bytes, 0, bytes.length, version));
      const hot = outcome(() => {
        view.decode(bytes, 0, bytes.length, version);
        return shown(view, bytes);
      });
      expect(hot).toEqual(generated);
    }), { seed, numRuns: 100 });
  });

  it('sees a thousand partitions, and a small request after them', () => {
    const partitionData = Array.from({ length: 5000 }, (_, index) => ({ index, records: Uint8Array.of(index & 0xff) }));
    for (const input of [{ acks: 1, topicData: [{ name: 'wide', partitionData }] }, { acks: -1, topicData: [{ name: 'narrow', partitionData: partitionData.slice(7, 8) }] }]) {
      const bytes = encoded(ProduceRequest, input satisfies ProduceRequestInput, 9);
      view.decode(bytes, 0, bytes.length, 9);
      expect(shown(view, bytes)).toEqual(decodedPlainly(bytes, 0, bytes.length, 9));
    }
  });

  it('gives the same string for the same name', () => {
    const once = encoded(ProduceRequest, { topicData: [{ name: 'odradek' }] }, 9);
    view.decode(once, 0, once.length, 9);
    const first = view.topic(0);
    const again = embedded(once, 9);
    view.decode(again.bytes, again.start, again.end, 9);
    expect(Object.is(view.topic(0), first)).toBe(true);
  });

  it('has no version beyond the schema', () => {
    for (const version of [-1, 12]) expect(() => view.decode(Buffer.alloc(40), 0, 40, version)).toThrow(ProtocolError);
  });
});

describe(`a produce response encoded piece by piece (seed ${seed})`, () => {
  const encoder = new ProduceResponseEncoder();

  it.each(versionsOf(responseSchema))('has the bytes of the generated one, and its places, version %i', version => {
    fc.assert(fc.property(messageArbitrary(responseSchema, version), fc.nat(9), (input, before) => {
      const bytes = encoded(ProduceResponse, input, version);
      const response = ProduceResponse.decode(new Reader(bytes), version);

      const writer = new Writer(16);
      writer.writeRaw(Buffer.alloc(before, 0xee));
      encoder.begin(writer, version, response.responses.length);
      for (const topic of response.responses) {
        encoder.topic(topic.name, topic.partitionResponses.length);
        for (const partition of topic.partitionResponses) {
          encoder.partition(partition.index, partition.errorCode, partition.baseOffset, partition.logAppendTimeMs, partition.logStartOffset, partition);
        }
      }
      const length = encoder.end(response.throttleTimeMs, response.nodeEndpoints);
      const built = Buffer.from(writer.finish());

      expect(length).toBe(built.length);
      expect(built.subarray(before).equals(bytes)).toBe(true);
      expect(placesIn(built, encoder)).toEqual(response.responses.flatMap(topic => topic.partitionResponses).map(partition => [
        partition.baseOffset,
        version >= 2 ? partition.logAppendTimeMs : null,
        version >= 5 ? partition.logStartOffset : null,
      ]));
    }), { seed, numRuns: 60 });
  });

  it('refuses to leave incomplete', () => {
    encoder.begin(new Writer(), 9, 1);
    expect(() => encoder.end(0)).toThrow(/missing/);
    encoder.begin(new Writer(), 9, 1);
    encoder.topic('t', 1);
    expect(() => encoder.topic('u', 1)).toThrow(/too many/);
  });
});

function placesIn(bytes: Buffer, encoder: ProduceResponseEncoder): (number | null)[][] {
  const read = (at: number): number | null => (at < 0 ? null : new Reader(bytes, at).readInt64());
  return Array.from({ length: encoder.partitionCount }, (_, partition) => [
    read(encoder.baseOffsetAt(partition)), read(encoder.logAppendTimeAt(partition)), read(encoder.logStartOffsetAt(partition)),
  ]);
}
