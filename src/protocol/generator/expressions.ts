// Shared by the three emitters: names of types, literals of defaults, and the splitting of a version range.

import { contains, isNullByDefault, type ElementType, type Field, type FieldType, type Message, type Range, type Struct } from './model.js';

/** The TypeScript name of a struct: a message keeps its own, what is nested in it is prefixed. */
export function typeName(message: Message, struct: string): string {
  return struct === message.name ? struct : `${message.name}_${struct}`;
}

export function inputName(message: Message, struct: string): string {
  return struct === message.name ? `${struct}Input` : `${message.name}_${struct}_Input`;
}

/** What stands for a field in versions that lack it, as source. */
export function defaultOf(message: Message, field: Field): string {
  if (isNullByDefault(field)) return 'null';
  return field.default ?? emptyOf(message, field.type);
}

function emptyOf(message: Message, type: FieldType): string {
  if (type.kind === 'array') return '[]';
  if (type.kind === 'struct') return `{ ${structOf(message, type.struct).fields.map(field => `${field.name}: ${defaultOf(message, field)}`).join(', ')} }`;
  switch (type.scalar) {
    case 'bool': return 'false';
    case 'string': return "''";
    case 'uuid': return 'ZERO_UUID';
    case 'bytes':
    case 'records': return 'NO_BYTES';
    default: return '0';
  }
}

/** Whether anything in the struct is a list of structs: then its length may be any. */
export function holdsMany(message: Message, name: string): boolean {
  return structOf(message, name).fields.some(({ type }) => (type.kind === 'array' && type.element.kind === 'struct') || (type.kind === 'struct' && holdsMany(message, type.struct)));
}

export function structOf(message: Message, name: string): Struct {
  const struct = message.structs.get(name);
  if (struct === undefined) throw new Error(`${message.name} has no struct ${name}`);
  return struct;
}

/**
 * Cuts `within` where `choose` changes its mind and joins the pieces with tests of `v`: the newest versions first, and
 * no test where nothing is left to choose.
 */
export function byVersion(within: Range, choose: (version: number) => string, join: (test: string, then: string, otherwise: string) => string): string {
  let chosen = choose(within.low);
  let result = chosen;
  for (let version = within.low + 1; version <= within.high; version++) {
    const here = choose(version);
    if (here === chosen) continue;
    result = join(`v >= ${version}`, here, result);
    chosen = here;
  }
  return result;
}

/** The fewest bytes that an element can take in any version of `within`; at least 1, so that counts stay bounded. */
export function leastSize(message: Message, element: ElementType, within: Range): number {
  let least = Infinity;
  for (let version = within.low; version <= within.high; version++) {
    least = Math.min(least, leastAt(message, element, version, new Set()));
  }
  return Math.max(least, 1);
}

function leastAt(message: Message, type: FieldType, version: number, seen: Set<string>): number {
  const flexible = version >= message.flexibleFrom;
  if (type.kind === 'array') return flexible ? 1 : 4;
  if (type.kind === 'struct') {
    // A struct within itself ends only in an empty array or a null, which its other fields do not say: count nothing.
    if (seen.has(type.struct)) return 0;
    const inner = new Set(seen).add(type.struct);
    let size = flexible ? 1 : 0;
    for (const field of structOf(message, type.struct).fields) {
      if (!contains(field.versions, version) || isTagged(field, version)) continue;
      size += field.type.kind === 'struct' && isNullable(field, version) ? 1 : leastAt(message, field.type, version, inner);
    }
    return size;
  }
  switch (type.scalar) {
    case 'bool':
    case 'int8': return 1;
    case 'int16':
    case 'uint16': return 2;
    case 'int32': return 4;
    case 'int64':
    case 'float64': return 8;
    case 'uuid': return 16;
    case 'string': return flexible ? 1 : 2;
    case 'bytes':
    case 'records': return flexible ? 1 : 4;
  }
}

export function isTagged(field: Field, version: number): boolean {
  return field.tag !== null && contains(field.tag.versions, version);
}

export function isNullable(field: Field, version: number): boolean {
  return field.nullable !== null && contains(field.nullable, version);
}

/** Marks the version parameter of a function that has no use for it. */
export function parameter(body: string): string {
  return /\bv\b/.test(body) ? 'v' : '_v';
}
