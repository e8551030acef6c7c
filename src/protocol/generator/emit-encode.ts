// One function per struct: the fields in wire order, refusals of what the version cannot carry, the tagged fields.

import { byVersion, defaultOf, holdsMany, inputName, isNullable, isTagged, parameter, structOf, typeName } from './expressions.js';
import { contains, isNullByDefault, type ElementType, type Field, type Message, type Scalar, type Struct } from './model.js';

const branch = (test: string, then: string, otherwise: string): string => {
  if (then === '') return otherwise === '' ? '' : `if (!(${test})) { ${otherwise} }`.replace(/^if \(!\(v >= (\d+)\)\)/, 'if (v < $1)');
  return otherwise === '' ? `if (${test}) { ${then} }` : `if (${test}) { ${then} } else { ${otherwise} }`;
};

export function emitEncoders(message: Message): string {
  const structs = [...message.structs.values()];
  const inSteps = message.inSteps ? structs.filter(({ name }) => holdsMany(message, name)) : [];
  return [...structs.map(struct => encoder(message, struct)), ...inSteps.map(struct => stepEncoder(message, struct))].join('\n');
}

/** The same encoder as a generator, as in stepDecoder(). */
function stepEncoder(message: Message, struct: Struct): string {
  const longOnes = [...message.structs.keys()].filter(name => holdsMany(message, name));
  const isLong = (name: string): boolean => longOnes.some(long => encoderName(message, long) === name);
  return encoder(message, struct)
    .replace(/^function /, 'function* ')
    .replace(/\bwrite_\w+\((?=_?w: Writer)/, 'steps_$&')
    .replace('): void {\n', '): Generator<undefined, void> {\n')
    .replace(/\bwriteStructs\((.*?), v, (write_\w+)\);/g, (_, given: string, write: string) =>
      `yield* ${isLong(write) ? 'stepWriteLongStructs' : 'stepWriteStructs'}(${given}, v, ${isLong(write) ? `steps_${write}` : write});`);
}

export function encoderName(message: Message, struct: string): string {
  return `write_${typeName(message, struct)}`;
}

function encoder(message: Message, struct: Struct): string {
  const statements = struct.fields.map(field => statement(message, struct, field)).filter(line => line !== '');
  const tags = taggedFields(message, struct);
  if (tags !== '') statements.push(tags);
  const body = statements.map(line => `  ${line}\n`).join('');
  const writerName = /\bw\b/.test(body) ? 'w' : '_w';
  const messageName = /\bm\b/.test(body) ? 'm' : '_m';
  return `function ${encoderName(message, struct.name)}(${writerName}: Writer, ${messageName}: ${inputName(message, struct.name)}, ${parameter(body)}: number): void {\n${body}}`;
}

function statement(message: Message, struct: Struct, field: Field): string {
  return byVersion(struct.versions, version => {
    if (!contains(field.versions, version)) return field.ignorable ? '' : refusal(message, struct, field);
    return isTagged(field, version) ? '' : writeField(message, field, version);
  }, branch);
}

/** The field's value, its default where it was left out. */
function valueOf(message: Message, field: Field): string {
  const access = `m.${field.name}`;
  const fallback = field.type.kind === 'struct' && !isNullByDefault(field) ? 'NOTHING' : defaultOf(message, field);
  if (field.nullable === null || fallback === 'null') return `${access} ?? ${fallback}`;
  return `${access} === undefined ? ${fallback} : ${access}`;
}

function writeField(message: Message, field: Field, version: number): string {
  const { type } = field;
  const compact = version >= message.flexibleFrom && !field.inflexible ? 'Compact' : '';
  const nullable = isNullable(field, version);
  const value = valueOf(message, field);
  if (type.kind === 'array') return writeArray(message, type.element, value, compact, nullable);
  if (type.kind === 'struct') {
    const name = encoderName(message, type.struct);
    if (nullable) return `write${isTagged(field, version) ? 'Tagged' : ''}StructOrNull(w, ${value}, v, ${name});`;
    return field.nullable === null ? `${name}(w, ${value}, v);` : `${name}(w, notNull(${value}, '${field.name}'), v);`;
  }
  return writeScalar(type.scalar, compact, nullable, value);
}

function writeArray(message: Message, element: ElementType, value: string, compact: string, nullable: boolean): string {
  const encoding = `${compact !== ''}, ${nullable}`;
  if (element.kind === 'struct') return `writeStructs(w, ${value}, ${encoding}, v, ${encoderName(message, element.struct)});`;
  return `writeScalars(w, ${value}, ${encoding}, ${elementWriter(element.scalar, compact)});`;
}

function elementWriter(scalar: Scalar, compact: string): string {
  const name = scalar === 'records' ? 'bytes' : scalar;
  const sized = name === 'string' || name === 'bytes';
  return `put${sized ? compact : ''}${name[0]!.toUpperCase()}${name.slice(1)}`;
}

function writeScalar(scalar: Scalar, compact: string, nullable: boolean, value: string): string {
  const variant = `${compact}${nullable ? 'Nullable' : ''}`;
  switch (scalar) {
    case 'string': return `w.write${variant}String(${value});`;
    case 'bytes':
    case 'records': return `w.write${variant}Bytes(${value});`;
    default: return `w.write${scalar[0]!.toUpperCase()}${scalar.slice(1)}(${value});`;
  }
}

function refusal(message: Message, struct: Struct, field: Field): string {
  return `if (${differs(message, field, `m.${field.name}`)}) refuseField('${typeName(message, struct.name)}.${field.name}', v);`;
}

/** Whether `access` holds something else than the default, as source. */
function differs(message: Message, field: Field, access: string): string {
  const { type } = field;
  const set = `${access} !== undefined`;
  if (isNullByDefault(field)) return `${access} != null`;
  const nullHere = field.nullable === null ? '' : `${access} === null || `;
  const wrap = (test: string): string => `${set} && ${nullHere === '' ? test : `(${nullHere}${test})`}`;
  if (type.kind === 'array' || (type.kind === 'scalar' && (type.scalar === 'bytes' || type.scalar === 'records'))) return wrap(`${access}.length > 0`);
  if (type.kind === 'struct') return wrap(structDiffers(message, type.struct, access));
  return `${set} && ${access} !== ${defaultOf(message, field)}`;
}

function structDiffers(message: Message, name: string, access: string): string {
  const tests = structOf(message, name).fields.map(field => `(${differs(message, field, `${access}.${field.name}`)})`);
  if (message.flexibleFrom <= message.versions.high) tests.push(`hasUnknown(${access})`);
  return `(${tests.join(' || ')})`;
}

function taggedFields(message: Message, struct: Struct): string {
  const { versions } = struct;
  if (message.flexibleFrom > message.versions.high) return '';
  const refuse = `if (hasUnknown(m)) refuseTags(v);`;
  if (versions.high < message.flexibleFrom) return refuse;
  const tagged = struct.fields.filter(field => field.tag !== null).sort((left, right) => left.tag!.number - right.tag!.number);
  let write: string;
  if (tagged.length === 0) {
    write = 'writeUnknownOnly(w, m);';
  } else {
    const tests = tagged.map(field => {
      const within = inVersions(field.tag!.versions.low, field.tag!.versions.high, message, struct);
      return `const has${field.tag!.number} = ${within}${within === '' ? differs(message, field, `m.${field.name}`) : `(${differs(message, field, `m.${field.name}`)})`};`;
    });
    const count = tagged.map(field => `(has${field.tag!.number} ? 1 : 0)`).join(' + ');
    let previous = -1;
    const writes = tagged.map(field => {
      const tag = field.tag!.number;
      const low = Math.max(field.tag!.versions.low, versions.low);
      const high = Math.min(field.tag!.versions.high, versions.high);
      const content = byVersion({ low, high }, version => writeField(message, field, version), branch);
      const line = `n = writeUnknown(w, m, n, ${previous}, ${tag}); if (has${tag}) { const at = w.beginTagged(${tag}); ${content} w.endTagged(at); }`;
      previous = tag;
      return line;
    });
    write = `${tests.join('\n    ')}
    w.writeUvarint(${count} + countUnknown(m));
    let n = 0;
    ${writes.join('\n    ')}
    writeUnknown(w, m, n, ${previous}, Infinity);`;
  }
  if (versions.low >= message.flexibleFrom) return tagged.length === 0 ? write : `{\n    ${write}\n  }`;
  return `if (v >= ${message.flexibleFrom}) {\n    ${write}\n  } else { ${refuse} }`;
}

function inVersions(low: number, high: number, message: Message, struct: Struct): string {
  const tests: string[] = [];
  if (low > Math.max(message.flexibleFrom, struct.versions.low)) tests.push(`v >= ${low}`);
  if (high < struct.versions.high) tests.push(`v <= ${high}`);
  return tests.map(test => `${test} && `).join('');
}
