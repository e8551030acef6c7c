// Schema text to model. The format, by example:
//
//   api 0 Produce                      one file per api: its key, then where it is served, then both messages
//     listeners zk broker
//     flags clusterAction              optional
//   request versions 0-11 flexible 9+  `flexible` left out: never. `versions none`: the message is gone (4.x)
//     acks int16                       a field of every version of what it stands in
//     rack string? 1+ = null           nullable wherever it exists; since version 1; default null
//     name string?7+ 1-9               nullable from version 7 on; versions 1 to 9
//     leader Leader 10+ tag 0          a tagged field; `tag 0 12+` if it is tagged from 12 on only
//       id int32 = -1 ignorable        fields of the struct Leader, two spaces deeper
//     topics [Topic]                   an array; its struct stands below, or is shared:
//     struct Topic 3+                  a struct that several fields use, after the fields
//       id uuid
//
// `header <name> versions ...` and `data <name> versions ...` begin messages outside of an api. Every keyword that
// Kafka 4.x schemas need is here already; a message of 4.x is added by adding its file, or by widening its versions.

import {
  FLAGS, LISTENERS, SCALARS,
  type Api, type ElementType, type Field, type FieldType, type Flag, type Listener, type Message, type Range, type Scalar, type Schemas, type Struct,
} from './model.js';

class SchemaError extends Error {}

interface Line {
  indent: number;
  words: string[];
  number: number;
}

/** Adds what one file says to `schemas`. */
export function parseSchema(file: string, text: string, schemas: Schemas): void {
  const lines = split(text);
  let api: Api | null = null;
  let next = 0;
  const fail = (line: Line, what: string): never => {
    throw new SchemaError(`${file}:${line.number}: ${what}`);
  };

  while (next < lines.length) {
    const line = lines[next]!;
    const body = lines.slice(next + 1, endOfBlock(lines, next));
    next += 1 + body.length;
    try {
      if (line.indent > 0) throw new SchemaError('nothing here to belong to');
      if (line.words[0] === 'api') schemas.apis.push((api = parseApi(line, body)));
      else {
        const message = parseMessage(line, body, api);
        if (message !== null) schemas.messages.push(message);
      }
    } catch (error) {
      if (error instanceof LineError) fail(error.line, error.message);
      if (error instanceof SchemaError) fail(line, error.message);
      throw error;
    }
  }
}

class LineError extends SchemaError {
  readonly line: Line;
  constructor(line: Line, message: string) {
    super(message);
    this.line = line;
  }
}

function split(text: string): Line[] {
  return text
    .split('\n')
    .map((raw, index) => ({ raw: raw.replace(/#.*/, '').trimEnd(), number: index + 1 }))
    .filter(({ raw }) => raw !== '')
    .map(({ raw, number }) => ({ indent: raw.search(/\S/), words: raw.trim().split(/\s+/), number }));
}

/** The first line after `lines[at]` that is not deeper than it. */
function endOfBlock(lines: Line[], at: number): number {
  let end = at + 1;
  while (end < lines.length && lines[end]!.indent > lines[at]!.indent) end++;
  return end;
}

function parseApi(line: Line, body: Line[]): Api {
  const [, key, name] = line.words;
  if (key === undefined || name === undefined) throw new SchemaError('api needs a key and a name');
  const api: Api = { key: Number(key), name, listeners: [], flags: [] };
  for (const { words } of body) {
    if (words[0] === 'listeners') api.listeners = words.slice(1).map(word => oneOf<Listener>(LISTENERS, word));
    else if (words[0] === 'flags') api.flags = words.slice(1).map(word => oneOf<Flag>(FLAGS, word));
    else throw new SchemaError(`an api has no ${words[0]}`);
  }
  return api;
}

function parseMessage(line: Line, body: Line[], api: Api | null): Message | null {
  const words = [...line.words];
  const type = oneOf(['request', 'response', 'header', 'data'] as const, words.shift());
  const inApi = type === 'request' || type === 'response';
  if (inApi && api === null) throw new SchemaError(`a ${type} stands in an api`);
  const name = inApi ? api!.name + (type === 'request' ? 'Request' : 'Response') : words.shift();
  if (name === undefined) throw new SchemaError('a message needs a name');
  if (words.shift() !== 'versions') throw new SchemaError('expected versions');
  const versionWord = words.shift() ?? '';
  if (versionWord === 'none') return null;
  const versions = parseRange(versionWord, { low: 0, high: 32766 });
  if (words.length > 0 && words.shift() !== 'flexible') throw new SchemaError('expected flexible');
  const flexibleWord = words.shift();
  const flexibleFrom = flexibleWord === undefined ? 32767 : parseRange(flexibleWord, versions).low;

  const structs = new Map<string, Struct>();
  const message: Message = { type, name, apiKey: inApi ? api!.key : -1, versions, flexibleFrom, inSteps: inApi && isSaidBetweenBrokers(api!), structs };
  addStruct(structs, name, versions, body);
  checkReferences(message, line);
  return message;
}

function isSaidBetweenBrokers({ flags, listeners }: Api): boolean {
  return flags.includes('clusterAction') && listeners.includes('zk');
}

function addStruct(structs: Map<string, Struct>, name: string, versions: Range, body: Line[]): void {
  if (structs.has(name)) throw new SchemaError(`two structs are called ${name}`);
  const struct: Struct = { name, versions, fields: [] };
  structs.set(name, struct);
  for (let at = 0; at < body.length;) {
    const line = body[at]!;
    const inner = body.slice(at + 1, endOfBlock(body, at));
    at += 1 + inner.length;
    try {
      if (line.words[0] === 'struct') {
        const range = line.words[2] === undefined ? versions : parseRange(line.words[2], versions);
        addStruct(structs, line.words[1] ?? '', range, inner);
        continue;
      }
      const field = parseField(line.words, versions);
      struct.fields.push(field);
      const inline = structName(field.type);
      if (inner.length > 0) {
        if (inline === null) throw new SchemaError(`${field.name} has fields but is no struct`);
        addStruct(structs, inline, field.versions, inner);
      }
    } catch (error) {
      throw error instanceof SchemaError && !(error instanceof LineError) ? new LineError(line, error.message) : error;
    }
  }
}

function parseField(all: string[], within: Range): Field {
  const words = [...all];
  const name = words.shift()!;
  const [, typeText, nullableText] = /^([^?]+)(\?.*)?$/.exec(words.shift() ?? '') ?? [];
  if (typeText === undefined) throw new SchemaError(`${name} needs a type`);
  const type = parseType(typeText);
  const versions = /^\d/.test(words[0] ?? '') ? parseRange(words.shift()!, within) : within;
  const field: Field = { name, type, versions, nullable: null, default: null, tag: null, ignorable: false, inflexible: false };
  if (nullableText !== undefined) field.nullable = nullableText === '?' ? versions : parseRange(nullableText.slice(1), within);
  while (words.length > 0) {
    const word = words.shift();
    if (word === '=') field.default = checkDefault(words.shift() ?? '', field);
    else if (word === 'tag') field.tag = { number: Number(words.shift()), versions: /^\d/.test(words[0] ?? '') ? parseRange(words.shift()!, versions) : versions };
    else if (word === 'ignorable') field.ignorable = true;
    else if (word === 'inflexible') field.inflexible = true;
    else throw new SchemaError(`unknown word ${word}`);
  }
  return field;
}

function checkDefault(text: string, field: Field): string {
  const { type } = field;
  const fits =
    text === 'null' ? field.nullable !== null
    : type.kind !== 'scalar' ? false
    : type.scalar === 'bool' ? text === 'true' || text === 'false'
    : type.scalar === 'string' ? text.startsWith('"')
    : /^(u?int|float)/.test(type.scalar) && Number.isFinite(Number(text));
  if (!fits) throw new SchemaError(`${text} is no default for ${field.name}`);
  return text;
}

function parseType(text: string): FieldType {
  const array = /^\[(.+)\]$/.exec(text);
  return array === null ? parseElement(text) : { kind: 'array', element: parseElement(array[1]!) };
}

function parseElement(text: string): ElementType {
  if ((SCALARS as readonly string[]).includes(text)) return { kind: 'scalar', scalar: text as Scalar };
  if (!/^[A-Z]\w*$/.test(text)) throw new SchemaError(`unknown type ${text}`);
  return { kind: 'struct', struct: text };
}

function parseRange(text: string, within: Range): Range {
  const [, low, rest] = /^(\d+)(\+|-\d+)?$/.exec(text) ?? [];
  if (low === undefined) throw new SchemaError(`${text} is no version range`);
  const range = { low: Number(low), high: rest === undefined ? Number(low) : rest === '+' ? within.high : Number(rest.slice(1)) };
  if (range.low > range.high || range.low < within.low || range.high > within.high) {
    throw new SchemaError(`versions ${text} are not within ${within.low}-${within.high}`);
  }
  return range;
}

function oneOf<T extends string>(allowed: readonly T[], word: string | undefined): T {
  if (!allowed.includes(word as T)) throw new SchemaError(`${word} is none of ${allowed.join(', ')}`);
  return word as T;
}

export function structName(type: FieldType): string | null {
  const element = type.kind === 'array' ? type.element : type;
  return element.kind === 'struct' ? element.struct : null;
}

function checkReferences(message: Message, line: Line): void {
  for (const struct of message.structs.values()) {
    for (const field of struct.fields) {
      const name = structName(field.type);
      if (name !== null && !message.structs.has(name)) throw new LineError(line, `${message.name}: no struct ${name}`);
      if (field.tag !== null && field.tag.versions.low < message.flexibleFrom) {
        throw new LineError(line, `${message.name}: ${field.name} is tagged in a version that is not flexible`);
      }
    }
  }
}
