// What brokers say to each other has codecs that work in steps: the same bytes, the same message, the same refusals.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpdateMetadataRequest } from '../../src/protocol/messages.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
import { messageArbitrary, plain } from './support/arbitrary.js';
import { codecOf, loadSchemas, versionsOf } from './support/schemas.js';
import { seed } from './support/seed.js';

const inSteps = loadSchemas().messages.filter(message => codecOf(message).decodeSteps !== undefined);

/** What a generator gives, and in how many steps. */
function through<T>(steps: Generator<undefined, T>): { value: T; count: number } {
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done === true) return { value: step.value, count };
  }
}

describe(`steps come to the same (seed ${seed})`, () => {
  it('for all that is said of partitions between brokers', () => {
    expect(inSteps.map(({ name }) => name)).toEqual(expect.arrayContaining(['LeaderAndIsrRequest', 'LeaderAndIsrResponse', 'StopReplicaRequest', 'UpdateMetadataRequest', 'AlterPartitionRequest', 'WriteTxnMarkersRequest']));
  });

  it.each(inSteps.map(message => [message.name, message] as const))('%s', (_, message) => {
    const codec = codecOf(message);
    for (const version of versionsOf(message)) {
      fc.assert(fc.property(messageArbitrary(message, version, { unknownTags: true }), input => {
        const [writer, stepped] = [new Writer(16), new Writer(16)];
        codec.encode(writer, input, version);
        through(codec.encodeSteps!(stepped, input, version));
        const bytes = Buffer.from(writer.finish());
        expect(Buffer.from(stepped.finish())).toEqual(bytes);
        const reader = new Reader(bytes);
        expect(plain(through(codec.decodeSteps!(reader, version)).value)).toEqual(plain(codec.decode(new Reader(bytes), version)));
        expect(reader.remaining).toBe(0);
        if (bytes.length > 0) expect(() => through(codec.decodeSteps!(new Reader(bytes, 0, bytes.length - 1), version))).toThrow();
      }), { seed, numRuns: 8 });
    }
  });
});

it('a step is short, however many partitions a topic has, and however many topics there are', () => {
  for (const [topics, partitions] of [[1, 5000], [5000, 1], [50, 100]] as const) {
    const writer = new Writer();
    const topicStates = Array.from({ length: topics }, (_, at) => ({ topicName: `t${at}`, partitionStates: Array.from({ length: partitions }, (__, partitionIndex) => ({ partitionIndex, isr: [1], replicas: [1] })) }));
    const encoded = through(UpdateMetadataRequest.encodeSteps!(writer, { topicStates }, 8));
    const decoded = through(UpdateMetadataRequest.decodeSteps!(new Reader(writer.finish()), 8));
    for (const { count } of [encoded, decoded]) expect(count).toBeGreaterThanOrEqual(topics * partitions / 64);
    expect(decoded.value.topicStates.reduce((sum, each) => sum + each.partitionStates.length, 0)).toBe(topics * partitions);
  }
});
