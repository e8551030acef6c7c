// One function per struct: an object literal whose members are read in wire order, then the tagged fields.

import { byVersion, defaultOf, holdsMany, isNullable, isTagged, leastSize, parameter, typeName } from './expressions.js';
import { contains, type ElementType, type Field, type Message, type Range, type Scalar, type Struct } from './model.js';

const ternary = (test: string, then: string, otherwise: string): string => `${test} ? ${then} : ${otherwise}`;

export function emitDecoders(message: Message): string {
  const structs = [...message.structs.values()];
  const inSteps = message.inSteps ? structs.filter(({ name }) => holdsMany(message, name)) : [];
  return [...structs.map(struct => decoder(message, struct)), ...inSteps.map(struct => stepDecoder(message, struct))].join('\n');
}

export function decoderName(message: Message, struct: string): string {
  return `read_${typeName(message, struct)}`;
}

export function stepDecoderName(message: Message, struct: string): string {
  return `steps_${decoderName(message, struct)}`;
}

/** The same decoder as a generator: its lists of structs, and the structs with such lists, are read in steps. */
function stepDecoder(message: Message, struct: Struct): string {
  const longOnes = [...message.structs.keys()].filter(name => holdsMany(message, name));
  const isLong = (name: string): boolean => longOnes.some(long => decoderName(message, long) === name);
  return decoder(message, struct)
    .replace(/^function /, 'function* ')
    .replace(/\bread_\w+\((?=_?r: Reader)/, 'steps_$&')
    .replace(/\): (\w+) \{\n/, '): Generator<undefined, $1> {\n')
    .replace(/\breadStructs(OrNull)?\(r, v, (.*?\(\d+\)), (read_\w+)\)/g, (_, orNull: string | undefined, count: string, read: string) =>
      `(yield* ${isLong(read) ? 'stepLongStructs' : 'stepStructs'}${orNull ?? ''}(r, v, ${count}, ${isLong(read) ? `steps_${read}` : read}))`)
    .replace(/(?<!steps_)\b(read_\w+)\(r, v\)/g, (call, read: string) => (isLong(read) ? `(yield* steps_${call})` : call));
}

function decoder(message: Message, struct: Struct): string {
  const type = typeName(message, struct.name);
  const members = struct.fields.map(field => `    ${field.name}: ${member(message, struct, field)},\n`).join('');
  const tags = taggedFields(message, struct);
  const body = tags === '' ? `  return {\n${members}  };\n` : `  const m: ${type} = {\n${members}  };\n${tags}  return m;\n`;
  // Parameters are named shortly because the generated code repeats them two thousand times.
  const readerName = /\br\b/.test(body) ? 'r' : '_r';
  return `function ${decoderName(message, struct.name)}(${readerName}: Reader, ${parameter(body)}: number): ${type} {\n${body}}`;
}

function member(message: Message, struct: Struct, field: Field): string {
  const missing = defaultOf(message, field);
  return byVersion(struct.versions, version => {
    if (!contains(field.versions, version) || isTagged(field, version)) return missing;
    return readField(message, field, version);
  }, ternary);
}

function readField(message: Message, field: Field, version: number): string {
  const { type } = field;
  const compact = version >= message.flexibleFrom && !field.inflexible ? 'Compact' : '';
  const nullable = isNullable(field, version);
  if (type.kind === 'array') {
    const least = leastSize(message, type.element, sameEncoding(message, field.versions, version));
    const count = `r.read${compact}${nullable ? 'Nullable' : ''}Count(${least})`;
    return readArray(message, type.element, count, compact !== '', nullable);
  }
  if (type.kind === 'struct') {
    const read = `${decoderName(message, type.struct)}(r, v)`;
    if (!nullable) return read;
    // Two markers for one idea: a byte of -1 or 1 in line, a varint of 0 or 1 in a tagged field (MessageDataGenerator.java).
    return isTagged(field, version) ? `r.readUvarint() <= 0 ? null : ${read}` : `(r.readInt8() < 0 ? null : ${read})`;
  }
  return readScalar(type.scalar, compact, nullable);
}

/** The part of `range` in which the message has the same encoding, compact or not, as in `version`. */
function sameEncoding(message: Message, range: Range, version: number): Range {
  return version >= message.flexibleFrom
    ? { low: Math.max(range.low, message.flexibleFrom), high: range.high }
    : { low: range.low, high: Math.min(range.high, message.flexibleFrom - 1) };
}

function readArray(message: Message, element: ElementType, count: string, compact: boolean, nullable: boolean): string {
  const or = nullable ? 'OrNull' : '';
  if (element.kind === 'struct') return `readStructs${or}(r, v, ${count}, ${decoderName(message, element.struct)})`;
  return `readScalars${or}(r, ${count}, ${ELEMENT_READERS[element.scalar](compact)})`;
}

const ELEMENT_READERS: Record<Scalar, (compact: boolean) => string> = {
  bool: () => 'bool',
  int8: () => 'int8',
  int16: () => 'int16',
  uint16: () => 'uint16',
  int32: () => 'int32',
  int64: () => 'int64',
  float64: () => 'float64',
  uuid: () => 'uuid',
  string: compact => (compact ? 'compactString' : 'string'),
  bytes: compact => (compact ? 'compactBytes' : 'bytes'),
  records: compact => (compact ? 'compactBytes' : 'bytes'),
};

function readScalar(scalar: Scalar, compact: string, nullable: boolean): string {
  const variant = `${compact}${nullable ? 'Nullable' : ''}`;
  switch (scalar) {
    case 'string': return `r.read${variant}String()`;
    case 'bytes':
    case 'records': return `r.read${variant}Bytes()`;
    default: return `r.read${scalar[0]!.toUpperCase()}${scalar.slice(1)}()`;
  }
}

// As Kafka's classes do: the size of a known field is not looked at, a later occurrence wins, and a known tag in a
// version that lacks it is refused.
function taggedFields(message: Message, struct: Struct): string {
  const { versions } = struct;
  if (versions.high < message.flexibleFrom) return '';
  const tagged = struct.fields.filter(field => field.tag !== null);
  const unknown = 'm.unknownTaggedFields = readUnknown(r, m.unknownTaggedFields, tag, size);';
  let loop: string;
  if (tagged.length === 0) {
    loop = 'readUnknownOnly(r, m);';
  } else {
    const cases = tagged.map(field => {
      const low = Math.max(field.tag!.versions.low, versions.low);
      const refuse = low > Math.max(versions.low, message.flexibleFrom) ? `if (v < ${low}) refuseTag(tag, v); ` : '';
      const read = byVersion({ low, high: Math.min(field.tag!.versions.high, versions.high) }, version => readField(message, field, version), ternary);
      return `case ${field.tag!.number}: ${refuse}m.${field.name} = ${read}; break;`;
    });
    loop = `for (let n = r.readUvarint(); n > 0; n--) {
    const tag = r.readUvarint();
    const size = r.readUvarint();
    switch (tag) {
      ${cases.join('\n      ')}
      default: ${unknown}
    }
  }`;
  }
  return versions.low >= message.flexibleFrom ? `  ${loop}\n` : `  if (v >= ${message.flexibleFrom}) ${loop}\n`;
}
