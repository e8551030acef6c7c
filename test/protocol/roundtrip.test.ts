// Every message of the schemas, in every version: what was encoded is decoded again, defaults and unknown tags
// included, and encodes to the same bytes. That these bytes are Kafka's is shown by test/interop/protocol.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
import { decodedForm, messageArbitrary, plain } from './support/arbitrary.js';
import { codecOf, loadSchemas, versionsOf } from './support/schemas.js';
import { seed } from './support/seed.js';

const schemas = loadSchemas();

describe(`every message comes back as it was sent (seed ${seed})`, () => {
  it.each(schemas.messages.map(message => [message.name, message] as const))('%s', (_, message) => {
    const codec = codecOf(message);
    for (const version of versionsOf(message)) {
      fc.assert(fc.property(messageArbitrary(message, version, { unknownTags: true }), input => {
        const bytes = encode(codec, input, version);

        const reader = new Reader(bytes);
        const decoded = codec.decode(reader, version);
        expect(reader.remaining).toBe(0);
        expect(plain(decoded)).toEqual(plain(decodedForm(message, version, input)));
        expect(encode(codec, decoded, version)).toEqual(bytes);
      }), { seed, numRuns: 8 });
    }
  });
});

function encode(codec: ReturnType<typeof codecOf>, message: object, version: number): Buffer {
  // A small writer, so that growing is part of every test.
  const writer = new Writer(16);
  codec.encode(writer, message, version);
  return Buffer.from(writer.finish());
}
