// What a version cannot carry is refused and never dropped in silence, unless the schema says that it may be.

import { describe, expect, it } from 'vitest';
import { contains, isNullByDefault, type Field, type Message } from '../../src/protocol/generator/model.js';
import { ApiVersionsResponse, FetchRequest, JoinGroupRequest, MetadataRequest, ProduceRequest } from '../../src/protocol/messages.js';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
import { defaultForm } from './support/arbitrary.js';
import { encoded } from './support/frames.js';
import { codecOf, loadSchemas, versionsOf } from './support/schemas.js';

const cases = loadSchemas().messages.flatMap(message => message.structs.get(message.name)!.fields
  .filter(field => versionsOf(message).some(version => !contains(field.versions, version)))
  .map(field => [`${message.name}.${field.name}`, message, field] as const));

describe('a field that a version lacks', () => {
  it.each(cases)('%s', (_, message, field) => {
    const codec = codecOf(message);
    for (const version of versionsOf(message)) {
      if (contains(field.versions, version)) continue;
      const empty = encoded(codec, {}, version);
      const encode = (): Buffer => encoded(codec, { [field.name]: otherThanDefault(message, field) }, version);
      if (field.ignorable) expect(encode()).toEqual(empty);
      else expect(encode).toThrow(ProtocolError);
      expect(encoded(codec, { [field.name]: defaultForm(message, field) }, version)).toEqual(empty);
    }
  });
});

function otherThanDefault(message: Message, field: Field): unknown {
  const { type } = field;
  if (type.kind === 'array') return [type.element.kind === 'struct' ? {} : 0];
  if (type.kind === 'struct') {
    const first = message.structs.get(type.struct)!.fields[0]!;
    return { [first.name]: otherThanDefault(message, first) };
  }
  if (isNullByDefault(field) && type.scalar !== 'string') return Buffer.of(1);
  switch (type.scalar) {
    case 'bool': return !(field.default === 'true');
    case 'string': return 'something';
    case 'uuid': return 'ABEiM0RVZneImaq7zN3u_w';
    case 'bytes':
    case 'records': return Buffer.of(1);
    default: return 7;
  }
}

describe('what else cannot be said', () => {
  const encode = (action: (writer: Writer) => void) => (): void => action(new Writer());

  it('null where the version has no null', () => {
    // Nullable from version 1 on: in version 0 an empty list asks for all topics.
    expect(encode(w => MetadataRequest.encode(w, { topics: null }, 0))).toThrow(ProtocolError);
    expect(encode(w => MetadataRequest.encode(w, { topics: null }, 1))).not.toThrow();
  });

  it('versions that do not exist', () => {
    for (const version of [-1, 12, NaN]) {
      expect(encode(w => ProduceRequest.encode(w, {}, version))).toThrow(/has no version/);
      expect(() => ProduceRequest.decode(new Reader(Buffer.alloc(99)), version)).toThrow(/has no version/);
    }
  });

  it('unknown tagged fields in a version without tags', () => {
    const unknownTaggedFields = [{ tag: 9, data: Buffer.of(1) }];
    expect(encode(w => JoinGroupRequest.encode(w, { unknownTaggedFields }, 5))).toThrow(ProtocolError);
    expect(encode(w => JoinGroupRequest.encode(w, { unknownTaggedFields }, 6))).not.toThrow();
  });

  it('unknown tagged fields out of order, twice, or with the tag of a known one', () => {
    const withTags = (...tags: number[]) => encode(w => ApiVersionsResponse.encode(w, { finalizedFeaturesEpoch: 5, unknownTaggedFields: tags.map(tag => ({ tag, data: Buffer.of(1) })) }, 3));
    expect(withTags(10, 11)).not.toThrow();
    expect(withTags(11, 10)).toThrow(ProtocolError);
    expect(withTags(10, 10)).toThrow(ProtocolError);
    expect(withTags(1)).toThrow(ProtocolError);
  });
});

describe('tagged fields', () => {
  it('stand in the order of their tags, known and unknown together', () => {
    const bytes = encoded(ApiVersionsResponse, { finalizedFeaturesEpoch: 5, zkMigrationReady: true, unknownTaggedFields: [{ tag: 70, data: Buffer.of(0xab) }] }, 3);
    // errorCode, no apiKeys, throttleTimeMs, then three tags: 1 (8 bytes), 3 (1 byte), 70 (1 byte).
    expect(bytes.toString('hex')).toBe('0000' + '01' + '00000000' + '03' + '0108' + '0000000000000005' + '0301' + '01' + '4601' + 'ab');
  });

  it('of a known tag are refused in a version that lacks it', () => {
    const plain = encoded(FetchRequest, {}, 14);
    // No tagged fields, made one: tag 1, replicaState, which began with version 15.
    const forged = Buffer.concat([plain.subarray(0, -1), Buffer.from('01' + '01' + '0d' + '00000001' + '0000000000000001' + '00', 'hex')]);
    expect(() => FetchRequest.decode(new Reader(forged), 14)).toThrow(ProtocolError);
  });
});
