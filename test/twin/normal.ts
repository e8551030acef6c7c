// An answer in a form that can be compared: what each broker made up itself (ids, ports, the time of day) by the order in
// which it appeared, record sets as the batches they are, lists without an order in one.

import { crc32 } from 'node:zlib';
import { BATCH_HEADER_SIZE, BatchView } from '../../src/protocol/records/index.js';
import type { Grammar } from './grammar.js';

/** What one side made up, numbered as it appeared. */
export class MadeUp {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly port: number;
  readonly clusterId: string;
  /** Begins the names of the conversation. */
  readonly prefix: string;
  /** Words that stand for one side only: its chroot, its data directory, its address. */
  readonly #places: readonly (readonly [string, string])[];

  constructor(port: number, clusterId: string, prefix: string, places?: { readonly chroot: string; readonly dataDirectory: string }) {
    this.port = port;
    this.#places = [[`127.0.0.1:${port}`, '<address>'], ...(places === undefined ? [] : [[places.dataDirectory, '<data>'], [places.chroot, '<chroot>']] as const)];
    this.clusterId = clusterId;
    this.prefix = prefix;
  }

  /** Names what the conversation itself has names for: whose member id it is, and which topic's id. */
  learn(history: readonly { readonly name: string; readonly value: string | number }[]): void {
    const times = new Map<string, number>();
    for (const { name, value } of history) {
      if (typeof value === 'number') continue;
      const nth = (times.get(name) ?? 0) + 1;
      times.set(name, nth);
      for (const uuid of value.match(UUID_WITH_HYPHENS) ?? []) this.#call(`uuid ${uuid}`, `<${name} ${nth}>`);
      if (value.length === 22) this.#call(`id ${value}`, `<${name} ${nth}>`);
    }
  }

  /** Whoever has a name keeps it. */
  #call(key: string, name: string): void {
    if (!this.#names.has(key)) this.#names.set(key, name);
  }

  /** Without what is said of where this side stands. */
  placeless(value: string): string {
    return this.#places.reduce((text, [place, name]) => text.replaceAll(place, name), value);
  }

  /** The text with the names that are known so far; what is not told apart yet is alike. */
  known(value: string): string {
    return value
      .replaceAll(UUID_WITH_HYPHENS, uuid => this.#names.get(`uuid ${uuid}`) ?? '<uuid>')
      .replaceAll(ID_IN_TEXT, id => this.#names.get(`id ${id}`) ?? id);
  }

  name(kind: string, value: string | number): string {
    const key = `${kind} ${value}`;
    let name = this.#names.get(key);
    if (name === undefined) {
      const count = (this.#counts.get(kind) ?? 0) + 1;
      this.#counts.set(kind, count);
      this.#names.set(key, (name = `<${kind} ${count}>`));
    }
    return name;
  }
}

const UUID_WITH_HYPHENS = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const ID_IN_TEXT = /(?<=^|[ :='[(])[A-Za-z0-9_-]{22}(?=$|[ ,.;)\]'])/g;
const TIME_IN_TEXT = /\b\d{13}\b/g;
/** The present plus the largest number there is, in 64 bits. */
const OVERFLOWN_TIME_IN_TEXT = /-922337\d{13}\b/g;
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** Of the test machine's own time, give or take a day; conversations use times long past. */
const DAY_MS = 86_400_000;
/** What the broker numbers as it goes, over all conversations. */
const NUMBERED = new Set(['sessionId', 'producerId', 'brokerEpoch']);

export function normal(value: unknown, made: MadeUp, grammar: Grammar | undefined, path = '', field = ''): unknown {
  if (value instanceof Uint8Array) return field === 'records' ? batchesOf(value, made) : text(Buffer.from(value).toString('latin1'), made);
  if (typeof value === 'string') return field === 'clusterId' && value === made.clusterId ? '<cluster>' : text(value, made);
  if (typeof value === 'number') return number(value, field, made);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return list(value, made, grammar, path, field);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, normal(each, made, grammar, path === '' ? key : `${path}.${key}`, key)]));
}

function list(values: readonly unknown[], made: MadeUp, grammar: Grammar | undefined, path: string, field: string): unknown[] {
  const keys = grammar?.unordered?.[path];
  // Put in order before anything in it is numbered.
  const ordered = keys === undefined ? values : [...values].sort((a, b) => keyOf(a, keys, made).localeCompare(keyOf(b, keys, made)));
  return ordered.map(each => normal(each, made, grammar, path, field));
}

function keyOf(value: unknown, fields: readonly string[], made: MadeUp): string {
  return fields.map(field => made.known(String((value as Record<string, unknown>)[field]))).join('\0');
}

function text(value: string, made: MadeUp): string {
  return made.placeless(value)
    .replaceAll(TIME_IN_TEXT, time => String(now(Number(time))))
    .replaceAll(OVERFLOWN_TIME_IN_TEXT, time => String(now(Number(BigInt(time) + 2n ** 63n))))
    .replaceAll(UUID_WITH_HYPHENS, uuid => made.name('uuid', uuid))
    .replaceAll(ID_IN_TEXT, id => (id === ZERO_ID || !/[A-Z]/.test(id) || !/[a-z]/.test(id) ? id : made.name('id', id)));
}

function number(value: number, field: string, made: MadeUp): number | string {
  if (field === 'port' && value === made.port) return '<port>';
  if (NUMBERED.has(field) && value > (field === 'producerId' ? -1 : 0)) return made.name(field, value);
  return now(value);
}

function now(value: number): number | string {
  return Math.abs(value - Date.now()) < DAY_MS ? '<now>' : value;
}

/** Every batch of a record set, and what is left behind the last whole one. */
export function batchesOf(bytes: Uint8Array, made: MadeUp): unknown[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const batches: unknown[] = [];
  let at = 0;
  while (all.length - at >= 17) {
    const size = all.readInt32BE(at + 8) + 12;
    if (size > all.length - at || size < 12) break;
    batches.push(all.readInt8(at + 16) === 2 && size >= BATCH_HEADER_SIZE ? batchOf(all, at, made) : { old: crc32(all.subarray(at, at + size)), size });
    at += size;
  }
  if (at < all.length) batches.push({ piece: all.length - at });
  return batches;
}

function batchOf(all: Buffer, at: number, made: MadeUp): unknown {
  const batch = new BatchView(all, at);
  const { baseOffset, sizeInBytes, partitionLeaderEpoch, attributes, lastOffsetDelta, producerEpoch, baseSequence, recordCount } = batch;
  return {
    baseOffset, sizeInBytes, partitionLeaderEpoch, attributes, lastOffsetDelta, producerEpoch, baseSequence, recordCount,
    crc: batch.isCrcRight() ? 'right' : 'wrong',
    baseTimestamp: number(batch.baseTimestamp, '', made),
    maxTimestamp: number(batch.maxTimestamp, '', made),
    producerId: batch.producerId < 1_000_000 && batch.producerId >= 0 ? made.name('producerId', batch.producerId) : batch.producerId,
    records: crc32(batch.records),
  };
}
