// To the boundaries: one field of a plausible request is set to what its type allows and nobody means, or its frame is spoilt.

import type { Message, Scalar } from '../../src/protocol/generator/model.js';
import { contains } from '../../src/protocol/generator/model.js';
import type { Chance } from './chance.js';
import type { Mangling } from './conversation.js';
import { elementOf, fieldsOf } from './schema-model.js';
import { isBatch, isReference } from './symbols.js';
import { ILLEGAL_NAMES } from './world.js';

const EXTREMES: Readonly<Record<Scalar, readonly unknown[]>> = {
  bool: [true, false],
  int8: [-128, -1, 0, 1, 2, 127],
  int16: [-32768, -1, 0, 1, 32767],
  uint16: [0, 1, 65535],
  int32: [-2147483648, -2, -1, 0, 1, 2, 2147483647],
  int64: [-9007199254740991, -3, -2, -1, 0, 1, 2147483648, 9007199254740991],
  float64: [0, -1, 1e300],
  string: [...ILLEGAL_NAMES, 'x', '-1', '0'],
  uuid: ['AAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAQ', 'c3RyYW5nZS1pZC0tLS0tLQ'],
  bytes: [Buffer.alloc(0), Buffer.from([0]), Buffer.from('x'.repeat(100))],
  records: [Buffer.alloc(0), Buffer.from([0, 0, 0]), Buffer.alloc(70)],
};

/** Boundaries at which nothing can be compared. */
const BEYOND_COMPARISON: Readonly<Record<string, (value: number) => boolean>> = {
  // Kafka spreads as many partitions as it is asked for over its brokers before it looks at anything else, and has no memory left.
  numPartitions: value => value > 100,
  // Far below 0 the number that is to be added comes out positive.
  count: value => value > 100 || value < -1_000_000,
  // Whether it is done in a moment is the machine's.
  timeoutMs: value => value > 0 && value < 100,
  // The member is out again as soon as it is in: who asks after it comes before or behind that.
  rebalanceTimeoutMs: value => value < 100,
};

type Place = { readonly holder: Record<string, unknown>; readonly name: string; readonly values: readonly unknown[] };

/** The body with one field, of those that the version has, at a boundary. */
export function toTheBoundary(message: Message, body: object, version: number, chance: Chance): object {
  const copy = copied(body) as Record<string, unknown>;
  const places: Place[] = [];
  collect(message, message.name, copy, version, places);
  if (places.length === 0) return copy;
  const { holder, name, values } = chance.pick(places);
  holder[name] = chance.pick(values);
  return copy;
}

function collect(message: Message, struct: string, holder: Record<string, unknown>, version: number, places: Place[]): void {
  for (const field of fieldsOf(message, struct, version)) {
    const { name } = field;
    const element = elementOf(field);
    const value = holder[name];
    const nulls = field.nullable !== null && contains(field.nullable, version) ? [null] : [];
    if (field.type.kind !== 'array') {
      if (element.kind === 'scalar') places.push({ holder, name, values: [...EXTREMES[element.scalar].filter(each => BEYOND_COMPARISON[name]?.(Number(each)) !== true), ...nulls] });
      else if (value !== null && typeof value === 'object') collect(message, element.struct, value as Record<string, unknown>, version, places);
      continue;
    }
    const list = Array.isArray(value) ? value : [];
    // Empty, doubled, turned round.
    places.push({ holder, name, values: [[], [...list, ...list.map(copied)], [...list].reverse(), ...nulls] });
    if (element.kind === 'scalar') places.push({ holder, name, values: EXTREMES[element.scalar].map(extreme => [...list, extreme]) });
    else for (const each of list) collect(message, element.struct, each as Record<string, unknown>, version, places);
  }
}

function copied(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(copied);
  if (isReference(value) || isBatch(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copied(each)]));
}

/** A frame that is not what its api's codec would make. */
export function spoilt(chance: Chance, lastVersion: number): Mangling {
  return chance.weighted<Mangling>([
    [{ cut: chance.between(1, 12) }, 4],
    [{ tail: chance.between(1, 12) }, 3],
    [{ apiVersion: chance.pick([lastVersion + 1, -1, 32767]) }, 3],
    [{ apiKey: chance.pick([-1, 9999, 52, 62]) }, 2],
    [{ size: chance.pick([-1, -2147483648, 2147483647]) }, 1],
  ]);
}
