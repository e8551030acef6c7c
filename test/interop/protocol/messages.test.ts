// Every message in every version beside Kafka's own classes (kafka-clients 3.9.1 and the coordinators of that version):
// random messages have the same bytes and the same values in both, whoever encodes them.

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Reader } from '../../../src/protocol/reader.js';
import { ProtocolError } from '../../../src/protocol/protocol-error.js';
import { decodedForm, messageArbitrary, plain, type Fields } from '../../protocol/support/arbitrary.js';
import { encoded, mutations } from '../../protocol/support/frames.js';
import { codecOf, loadSchemas, versionsOf } from '../../protocol/support/schemas.js';
import { seed } from '../../protocol/support/seed.js';
import { jsonText, kafkaJson } from './kafka-json.js';
import { Kafka, Refused } from './kafka.js';

const SAMPLES = Number(process.env['DIFFERENTIAL_SAMPLES'] ?? 25);

const kafka = new Kafka();
afterAll(() => kafka.close());

const messages = loadSchemas().messages.map(message => [message.name, message] as const);

describe(`what we encode Kafka decodes to the same, and encodes to the same again (seed ${seed})`, () => {
  it.each(messages)('%s', async (name, message) => {
    const codec = codecOf(message);
    for (const version of versionsOf(message)) {
      const inputs = fc.sample(messageArbitrary(message, version, { unknownTags: true }), { seed, numRuns: SAMPLES });
      await Promise.all(inputs.map(async input => {
        const bytes = encoded(codec, input, version);
        const decoded = await kafka.decode(name, version, bytes);
        expect(decoded.leftover).toBe(0);
        expect(decoded.json).toEqual(kafkaJson(message, version, input, 'size'));
        expect(decoded.bytes.toString('hex')).toBe(bytes.toString('hex'));
      }));
    }
  });
});

describe(`what Kafka encodes we decode to the same, and encode to the same again (seed ${seed})`, () => {
  it.each(messages)('%s', async (name, message) => {
    const codec = codecOf(message);
    for (const version of versionsOf(message)) {
      const inputs = fc.sample(messageArbitrary(message, version), { seed: seed + 1, numRuns: SAMPLES });
      await Promise.all(inputs.map(async input => {
        const bytes = await kafka.encode(name, version, jsonText(kafkaJson(message, version, input, 'bytes')));
        const reader = new Reader(bytes);
        const decoded = codec.decode(reader, version);
        expect(reader.remaining).toBe(0);
        expect(plain(decoded)).toEqual(plain(decodedForm(message, version, input)));
        expect(encoded(codec, decoded, version).toString('hex')).toBe(bytes.toString('hex'));
      }));
    }
  });
});

describe(`a message of one version is carried by another, or refused, as by Kafka (seed ${seed})`, () => {
  it.each(messages.filter(([, message]) => message.versions.high > message.versions.low))('%s', async (name, message) => {
    const codec = codecOf(message);
    for (const from of versionsOf(message)) {
      const inputs = fc.sample(messageArbitrary(message, from, { maxLength: 2 }), { seed: seed + 3, numRuns: SAMPLES });
      await Promise.all(inputs.map(async (input, sample) => {
        const version = message.versions.low + (from + sample) % (message.versions.high - message.versions.low + 1);
        const theirs = await kafka.encode(name, version, jsonText(kafkaJson(message, from, input, 'bytes')), from).then(bytes => bytes.toString('hex'), refusal);
        expect(ours(input, version), `version ${from} in ${version}: ${JSON.stringify(input)}`).toBe(theirs);
      }));
    }
    function ours(input: Fields, version: number): string {
      try {
        return encoded(codec, input, version).toString('hex');
      } catch (error) {
        if (error instanceof ProtocolError) return 'refused';
        throw error;
      }
    }
  });
});

describe(`damaged messages are refused by both or mean the same to both (seed ${seed})`, () => {
  it.each(messages)('%s', async (name, message) => {
    const codec = codecOf(message);
    for (const version of versionsOf(message)) {
      const damaged = fc.sample(fc.tuple(messageArbitrary(message, version, { unknownTags: true }), mutations), { seed: seed + 2, numRuns: SAMPLES });
      await Promise.all(damaged.map(async ([input, mutate]) => {
        const bytes = mutate(encoded(codec, input, version));
        const theirs = await kafka.decode(name, version, bytes).then(({ leftover, json }) => ({ leftover, json }), refusal);
        expect(ours(bytes), bytes.toString('hex')).toEqual(theirs);
      }));
      function ours(bytes: Uint8Array): object | 'refused' {
        const reader = new Reader(bytes);
        try {
          const decoded = codec.decode(reader, version) as Fields;
          return { leftover: reader.remaining, json: kafkaJson(message, version, decoded, 'size') };
        } catch (error) {
          if (error instanceof ProtocolError) return 'refused';
          throw error;
        }
      }
    }
  });
});

function refusal(error: unknown): 'refused' {
  if (error instanceof Refused) return 'refused';
  throw error;
}
