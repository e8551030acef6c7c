// What a schema file says, parsed.

import type { MessageType } from '../codec.js';

/** Versions `low` to `high`, both included. */
export interface Range {
  low: number;
  high: number;
}

export const SCALARS = ['bool', 'int8', 'int16', 'uint16', 'int32', 'int64', 'float64', 'string', 'uuid', 'bytes', 'records'] as const;
export type Scalar = (typeof SCALARS)[number];

export type ElementType = { kind: 'scalar'; scalar: Scalar } | { kind: 'struct'; struct: string };
export type FieldType = ElementType | { kind: 'array'; element: ElementType };

export interface Field {
  name: string;
  type: FieldType;
  versions: Range;
  /** Versions in which it may be null. */
  nullable: Range | null;
  /** A literal of TypeScript; null when the type's own default holds. */
  default: string | null;
  tag: { number: number; versions: Range } | null;
  /** A version that lacks it drops it silently instead of refusing to encode. */
  ignorable: boolean;
  /** Never in the compact encoding. */
  inflexible: boolean;
}

export interface Struct {
  name: string;
  versions: Range;
  fields: Field[];
}

export interface Message {
  type: MessageType;
  name: string;
  apiKey: number;
  versions: Range;
  flexibleFrom: number;
  /** Brokers say it to each other, perhaps of very many partitions: it has codecs that work in steps too. */
  inSteps: boolean;
  /** The message itself is the struct of its own name. */
  structs: Map<string, Struct>;
}

export const LISTENERS = ['zk', 'broker', 'controller', 'none'] as const;
export const FLAGS = ['clusterAction', 'forwardable', 'minMagic2', 'latestVersionUnstable'] as const;
export type Listener = (typeof LISTENERS)[number];
export type Flag = (typeof FLAGS)[number];

export interface Api {
  key: number;
  name: string;
  listeners: Listener[];
  flags: Flag[];
}

export interface Schemas {
  apis: Api[];
  messages: Message[];
}

export function contains(range: Range, version: number): boolean {
  return version >= range.low && version <= range.high;
}

/** The default of a field that names none: null for nullable records, as in Kafka; else the empty value of its type. */
export function isNullByDefault(field: Field): boolean {
  if (field.default !== null) return field.default === 'null';
  return field.nullable !== null && field.type.kind === 'scalar' && field.type.scalar === 'records';
}
