// Random messages of any schema, and what decoding them must give. Both are worked out from the schema alone.

import fc from 'fast-check';
import { contains, isNullByDefault, type ElementType, type Field, type Message, type Struct } from '../../../src/protocol/generator/model.js';

export type Fields = Record<string, unknown>;
const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** No schema knows tags so high. */
const FIRST_UNKNOWN_TAG = 1000;

export interface ArbitraryOptions {
  /** Sometimes add tagged fields that no schema knows. */
  unknownTags?: boolean;
  /** The longest string, byte field and array. */
  maxLength?: number;
}

/** Messages that `version` can carry. Fields may be left out. */
export function messageArbitrary(message: Message, version: number, options: ArbitraryOptions = {}): fc.Arbitrary<Fields> {
  return structArbitrary(message, message.structs.get(message.name)!, version, options, 0);
}

function structArbitrary(message: Message, struct: Struct, version: number, options: ArbitraryOptions, depth: number): fc.Arbitrary<Fields> {
  const required: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of struct.fields) {
    if (contains(field.versions, version)) required[field.name] = fieldArbitrary(message, field, version, options, depth);
  }
  const record = fc.record(required, { noNullPrototype: true }) as fc.Arbitrary<Fields>;
  if (options.unknownTags !== true || version < message.flexibleFrom) return record;
  return fc.tuple(record, fc.option(unknownTags, { nil: undefined, freq: 4 })).map(([fields, unknown]) =>
    unknown === undefined ? fields : { ...fields, unknownTaggedFields: unknown });
}

const unknownTags = fc
  .uniqueArray(fc.record({ tag: fc.integer({ min: FIRST_UNKNOWN_TAG, max: 70_000 }), data: fc.uint8Array({ maxLength: 5 }) }, { noNullPrototype: true }), {
    minLength: 1, maxLength: 3, selector: field => field.tag,
  })
  .map(fields => fields.sort((left, right) => left.tag - right.tag));

function fieldArbitrary(message: Message, field: Field, version: number, options: ArbitraryOptions, depth: number): fc.Arbitrary<unknown> {
  const { type } = field;
  const value =
    type.kind === 'array'
      ? fc.array(elementArbitrary(message, type.element, version, options, depth + 1), { maxLength: Math.max(0, Math.min(options.maxLength ?? 3, 4 - depth)) })
      : elementArbitrary(message, type, version, options, depth);
  return field.nullable !== null && contains(field.nullable, version) ? fc.option(value, { freq: 5 }) : value;
}

function elementArbitrary(message: Message, type: ElementType, version: number, options: ArbitraryOptions, depth: number): fc.Arbitrary<unknown> {
  if (type.kind === 'struct') return structArbitrary(message, message.structs.get(type.struct)!, version, options, depth);
  switch (type.scalar) {
    case 'bool': return fc.boolean();
    case 'int8': return edges(fc.integer({ min: -0x80, max: 0x7f }), -1, 0, -0x80, 0x7f);
    case 'int16': return edges(fc.integer({ min: -0x8000, max: 0x7fff }), -1, 0, -0x8000, 0x7fff);
    case 'uint16': return edges(fc.integer({ min: 0, max: 0xffff }), 0, 0x8000, 0xffff);
    case 'int32': return edges(fc.integer(), -1, 0, -0x80000000, 0x7fffffff);
    // The largest Java long reads as 2^63 and is written as itself again.
    case 'int64': return edges(fc.maxSafeInteger(), -1, 0, -(2 ** 63), 2 ** 63, 2 ** 32, -(2 ** 32));
    case 'float64': return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'uuid': return fc.oneof({ weight: 1, arbitrary: fc.constant(ZERO_UUID) }, { weight: 3, arbitrary: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('base64url')) });
    case 'string': return strings(options.maxLength ?? 12);
    case 'bytes':
    case 'records': return fc.uint8Array({ maxLength: options.maxLength ?? 12 });
  }
}

function edges(arbitrary: fc.Arbitrary<number>, ...values: number[]): fc.Arbitrary<number> {
  return fc.oneof({ weight: 3, arbitrary }, { weight: 1, arbitrary: fc.constantFrom(...values) });
}

// Characters of one, two, three and four bytes; and now and then a length that takes two bytes of varint.
function strings(maxLength: number): fc.Arbitrary<string> {
  const unit = fc.constantFrom('a', 'Z', '0', '-', '.', ' ', '"', 'é', 'ß', '語', '\u{1f9f5}', '\u0000');
  return fc.oneof(
    { weight: 12, arbitrary: fc.string({ unit, maxLength }) },
    { weight: maxLength < 12 ? 0 : 1, arbitrary: fc.constant('long '.repeat(30)) },
  );
}

/** What a decoder must make of `input`: every field there, those of other versions at their defaults. */
export function decodedForm(message: Message, version: number, input: Fields): Fields {
  return structForm(message, message.structs.get(message.name)!, version, input);
}

function structForm(message: Message, struct: Struct, version: number, input: Fields): Fields {
  const form: Fields = {};
  for (const field of struct.fields) form[field.name] = fieldForm(message, field, version, input[field.name]);
  if (input['unknownTaggedFields'] !== undefined) form['unknownTaggedFields'] = input['unknownTaggedFields'];
  return form;
}

function fieldForm(message: Message, field: Field, version: number, value: unknown): unknown {
  if (value === undefined || !contains(field.versions, version)) return defaultForm(message, field);
  if (value === null) return null;
  const { type } = field;
  if (type.kind === 'array') return (value as unknown[]).map(element => elementForm(message, type.element, version, element));
  return elementForm(message, type, version, value);
}

function elementForm(message: Message, type: ElementType, version: number, value: unknown): unknown {
  return type.kind === 'struct' ? structForm(message, message.structs.get(type.struct)!, version, value as Fields) : value;
}

/** A field's default, as a value. */
export function defaultForm(message: Message, field: Field): unknown {
  if (isNullByDefault(field)) return null;
  if (field.default !== null) return JSON.parse(field.default) as unknown;
  const { type } = field;
  if (type.kind === 'array') return [];
  if (type.kind === 'struct') return structForm(message, message.structs.get(type.struct)!, -1, {});
  switch (type.scalar) {
    case 'bool': return false;
    case 'string': return '';
    case 'uuid': return ZERO_UUID;
    case 'bytes':
    case 'records': return new Uint8Array(0);
    default: return 0;
  }
}

/** Buffers become plain Uint8Arrays, and -0 becomes 0, so that values compare by content. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return value;
}
