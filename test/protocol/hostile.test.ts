// Hostile frames: whatever arrives, decoding ends at once with a message or a ProtocolError (which ends the
// connection), and what it makes is in proportion to the bytes that came, never to what they claim.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRequestHeader } from '../../src/protocol/headers.js';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
import { structName } from '../../src/protocol/generator/parse.js';
import type { Message } from '../../src/protocol/generator/model.js';
import { messageArbitrary } from './support/arbitrary.js';
import { encoded, mutations, outcome } from './support/frames.js';
import { codecOf, loadSchemas, versionsOf } from './support/schemas.js';
import { seed } from './support/seed.js';

// A hundred thousand refusals: their stacks would be most of the work.
Error.stackTraceLimit = 0;

const schemas = loadSchemas();
const messages = schemas.messages.map(message => [message.name, message] as const);

/** What a decoded message holds: elements of arrays, bytes, characters. */
function weight(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, element) => sum + 1 + weight(element), 0);
  if (value !== null && typeof value === 'object') return Object.values(value).reduce<number>((sum, field) => sum + weight(field), 0);
  return 0;
}

/** Decodes and checks that no more came out than went in. */
function decodeHostile(message: Message, version: number, frame: Uint8Array): object | 'refused' {
  const result = outcome(() => codecOf(message).decode(new Reader(frame), version));
  // Sixteen bytes become the 22 characters of a uuid; a field that is not there may have a default.
  if (weight(result) > frame.length * 1.5 + 64) throw new Error(`${frame.length} bytes became ${weight(result)}`);
  return result;
}

describe(`every message, damaged (seed ${seed})`, () => {
  it.each(messages)('%s cut at every byte is refused', (_, message) => {
    for (const version of versionsOf(message)) {
      for (const input of fc.sample(messageArbitrary(message, version, { unknownTags: true, maxLength: 3 }), { seed, numRuns: 2 })) {
        const frame = encoded(codecOf(message), input, version);
        for (let length = 0; length < frame.length; length++) {
          // A view that ends there, in memory that goes on: the bytes behind it must not be looked at.
          const result = outcome(() => codecOf(message).decode(new Reader(frame, 0, length), version));
          if (result !== 'refused') throw new Error(`version ${version}, ${length} of ${frame.length} bytes of ${frame.toString('hex')} were accepted`);
        }
      }
    }
  });

  it.each(messages)('%s with hostile lengths, counts and bytes stays small', (_, message) => {
    for (const version of versionsOf(message)) {
      const damaged = fc.sample(fc.tuple(messageArbitrary(message, version, { unknownTags: true, maxLength: 3 }), mutations, mutations), { seed: seed + 1, numRuns: 10 });
      for (const [input, once, again] of damaged) decodeHostile(message, version, again(once(encoded(codecOf(message), input, version))));
    }
  });

  it.each(messages)('%s made of random bytes stays small', (_, message) => {
    for (const version of versionsOf(message)) {
      for (const frame of fc.sample(fc.uint8Array({ maxLength: 300, size: 'max' }), { seed: seed + 2, numRuns: 4 })) decodeHostile(message, version, frame);
    }
  });

  it('nests no deeper than its schema', () => {
    const depthOf = (message: Message, struct: string, above: readonly string[]): number => {
      expect(above, `${message.name} contains itself`).not.toContain(struct);
      const inner = message.structs.get(struct)!.fields.map(field => structName(field.type)).filter(name => name !== null);
      return 1 + Math.max(0, ...inner.map(name => depthOf(message, name, [...above, struct])));
    };
    for (const [name, message] of messages) expect(depthOf(message, name, []), name).toBeLessThanOrEqual(6);
  });
});

describe('an array claims more than the frame can hold', () => {
  // MetadataRequest v1 is a plain array of strings, v9 a compact one of structs.
  it.each([[0, 1], [9, 100_000], [9, 0x7fffffff - 1], [1, 0x7fffffff], [1, 100_000]])('version %i, %i elements', (version, count) => {
    const frame = new Writer();
    if (version >= 9) frame.writeUvarint(count + 1);
    else frame.writeInt32(count);
    frame.writeRaw(Buffer.alloc(count === 1 ? 1 : 20));
    const before = process.memoryUsage().arrayBuffers;
    expect(() => codecOf(messages.find(([name]) => name === 'MetadataRequest')![1]).decode(new Reader(frame.finish()), version)).toThrow(ProtocolError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  it('a tagged section of two billion fields ends with the frame', () => {
    const frame = Buffer.concat([Buffer.alloc(4 + 2 + 8 + 4), Buffer.of(0xff, 0xff, 0xff, 0xff, 0x07), Buffer.alloc(1000)]);
    const response = messages.find(([name]) => name === 'AllocateProducerIdsResponse')![1];
    expect(decodeHostile(response, 0, frame)).toBe('refused');
  });
});

describe(`request headers (seed ${seed})`, () => {
  it('are read or refused, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.option(fc.integer({ min: -1, max: 90 })), (bytes, key) => {
      const frame = Buffer.from(bytes);
      if (key !== null && frame.length >= 2) frame.writeInt16BE(key);
      outcome(() => decodeRequestHeader(new Reader(frame)));
    }), { seed, numRuns: 3000 });
  });
});
