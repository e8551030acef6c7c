// What generated codecs share. Nothing else imports it.

import type { UnknownTaggedField } from './codec.js';
import { ProtocolError } from './protocol-error.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
export const NO_BYTES = Buffer.alloc(0);
/** A struct that was left out: all of its fields are. */
export const NOTHING = Object.freeze({});

interface MayHaveUnknown {
  unknownTaggedFields?: readonly UnknownTaggedField[] | undefined;
}

// --- decoding ---

export function readStructs<T>(reader: Reader, version: number, count: number, read: (reader: Reader, version: number) => T): T[] {
  const values: T[] = [];
  for (let index = 0; index < count; index++) values.push(read(reader, version));
  return values;
}

export function readStructsOrNull<T>(reader: Reader, version: number, count: number, read: (reader: Reader, version: number) => T): T[] | null {
  return count < 0 ? null : readStructs(reader, version, count, read);
}

export function readScalars<T>(reader: Reader, count: number, read: (reader: Reader) => T): T[] {
  const values: T[] = [];
  for (let index = 0; index < count; index++) values.push(read(reader));
  return values;
}

export function readScalarsOrNull<T>(reader: Reader, count: number, read: (reader: Reader) => T): T[] | null {
  return count < 0 ? null : readScalars(reader, count, read);
}

export const bool = (reader: Reader): boolean => reader.readBool();
export const int8 = (reader: Reader): number => reader.readInt8();
export const int16 = (reader: Reader): number => reader.readInt16();
export const uint16 = (reader: Reader): number => reader.readUint16();
export const int32 = (reader: Reader): number => reader.readInt32();
export const int64 = (reader: Reader): number => reader.readInt64();
export const float64 = (reader: Reader): number => reader.readFloat64();
export const uuid = (reader: Reader): string => reader.readUuid();
export const string = (reader: Reader): string => reader.readString();
export const compactString = (reader: Reader): string => reader.readCompactString();
export const bytes = (reader: Reader): Uint8Array => reader.readBytes();
export const compactBytes = (reader: Reader): Uint8Array => reader.readCompactBytes();

/** The tagged fields of a struct that knows none. */
export function readUnknownOnly(reader: Reader, message: { unknownTaggedFields?: UnknownTaggedField[] }): void {
  for (let left = reader.readUvarint(); left > 0; left--) {
    const tag = reader.readUvarint();
    message.unknownTaggedFields = readUnknown(reader, message.unknownTaggedFields, tag, reader.readUvarint());
  }
}

export function readUnknown(reader: Reader, known: UnknownTaggedField[] | undefined, tag: number, size: number): UnknownTaggedField[] {
  const field = { tag, data: reader.readRaw(size) };
  if (known === undefined) return [field];
  known.push(field);
  return known;
}

export function refuseTag(tag: number, version: number): never {
  throw new ProtocolError(`tag ${tag} is not valid in version ${version}`);
}

// --- in steps ---

/** Structs read or written in one step. */
const AT_ONCE = 64;

export function* stepStructs<T>(reader: Reader, version: number, count: number, read: (reader: Reader, version: number) => T): Generator<undefined, T[]> {
  const values: T[] = [];
  for (let index = 0; index < count; index++) {
    values.push(read(reader, version));
    if (index % AT_ONCE === AT_ONCE - 1) yield;
  }
  yield;
  return values;
}

export function* stepStructsOrNull<T>(reader: Reader, version: number, count: number, read: (reader: Reader, version: number) => T): Generator<undefined, T[] | null> {
  return count < 0 ? null : yield* stepStructs(reader, version, count, read);
}

export function* stepLongStructs<T>(reader: Reader, version: number, count: number, read: (reader: Reader, version: number) => Generator<undefined, T>): Generator<undefined, T[]> {
  const values: T[] = [];
  for (let index = 0; index < count; index++) values.push(yield* read(reader, version));
  return values;
}

export function* stepLongStructsOrNull<T>(reader: Reader, version: number, count: number, read: (reader: Reader, version: number) => Generator<undefined, T>): Generator<undefined, T[] | null> {
  return count < 0 ? null : yield* stepLongStructs(reader, version, count, read);
}

export function* stepWriteStructs<I>(
  writer: Writer, values: readonly I[] | null, compact: boolean, nullable: boolean, version: number,
  write: (writer: Writer, value: I, version: number) => void,
): Generator<undefined, void> {
  writeCount(writer, values, compact, nullable);
  if (values === null) return;
  for (let index = 0; index < values.length; index++) {
    write(writer, values[index]!, version);
    if (index % AT_ONCE === AT_ONCE - 1) yield;
  }
  yield;
}

export function* stepWriteLongStructs<I>(
  writer: Writer, values: readonly I[] | null, compact: boolean, nullable: boolean, version: number,
  write: (writer: Writer, value: I, version: number) => Generator<undefined, void>,
): Generator<undefined, void> {
  writeCount(writer, values, compact, nullable);
  if (values === null) return;
  for (let index = 0; index < values.length; index++) yield* write(writer, values[index]!, version);
}

// --- encoding ---

export function writeStructs<I>(
  writer: Writer, values: readonly I[] | null, compact: boolean, nullable: boolean, version: number,
  write: (writer: Writer, value: I, version: number) => void,
): void {
  writeCount(writer, values, compact, nullable);
  if (values === null) return;
  for (let index = 0; index < values.length; index++) write(writer, values[index]!, version);
}

export function writeScalars<T>(
  writer: Writer, values: readonly T[] | null, compact: boolean, nullable: boolean, write: (writer: Writer, value: T) => void,
): void {
  writeCount(writer, values, compact, nullable);
  if (values === null) return;
  for (let index = 0; index < values.length; index++) write(writer, values[index]!);
}

function writeCount(writer: Writer, values: readonly unknown[] | null, compact: boolean, nullable: boolean): void {
  if (compact) {
    if (nullable) writer.writeCompactNullableCount(values);
    else writer.writeCompactCount(values);
  } else if (nullable) writer.writeNullableCount(values);
  else writer.writeCount(values);
}

export function writeStructOrNull<I>(writer: Writer, value: I | null, version: number, write: (writer: Writer, value: I, version: number) => void): void {
  writer.writeInt8(value === null ? -1 : 1);
  if (value !== null) write(writer, value, version);
}

/** In a tagged field the marker is another: a varint. */
export function writeTaggedStructOrNull<I>(writer: Writer, value: I | null, version: number, write: (writer: Writer, value: I, version: number) => void): void {
  writer.writeUvarint(value === null ? 0 : 1);
  if (value !== null) write(writer, value, version);
}

export const putBool = (writer: Writer, value: boolean): void => writer.writeBool(value);
export const putInt8 = (writer: Writer, value: number): void => writer.writeInt8(value);
export const putInt16 = (writer: Writer, value: number): void => writer.writeInt16(value);
export const putUint16 = (writer: Writer, value: number): void => writer.writeUint16(value);
export const putInt32 = (writer: Writer, value: number): void => writer.writeInt32(value);
export const putInt64 = (writer: Writer, value: number): void => writer.writeInt64(value);
export const putFloat64 = (writer: Writer, value: number): void => writer.writeFloat64(value);
export const putUuid = (writer: Writer, value: string): void => writer.writeUuid(value);
export const putString = (writer: Writer, value: string): void => writer.writeString(value);
export const putCompactString = (writer: Writer, value: string): void => writer.writeCompactString(value);
export const putBytes = (writer: Writer, value: Uint8Array): void => writer.writeBytes(value);
export const putCompactBytes = (writer: Writer, value: Uint8Array): void => writer.writeCompactBytes(value);

export function notNull<T>(value: T | null, field: string): T {
  if (value === null) throw new ProtocolError(`${field} cannot be null in this version`);
  return value;
}

export function refuseField(field: string, version: number): never {
  throw new ProtocolError(`${field} is set, but version ${version} cannot carry it`);
}

export function refuseTags(version: number): never {
  throw new ProtocolError(`tagged fields are set, but version ${version} cannot carry any`);
}

export function hasUnknown(message: MayHaveUnknown): boolean {
  return message.unknownTaggedFields !== undefined && message.unknownTaggedFields.length > 0;
}

export function countUnknown(message: MayHaveUnknown): number {
  return message.unknownTaggedFields === undefined ? 0 : message.unknownTaggedFields.length;
}

export function writeUnknownOnly(writer: Writer, message: MayHaveUnknown): void {
  writer.writeUvarint(countUnknown(message));
  writeUnknown(writer, message, 0, -1, Infinity);
}

/** Writes the unknown fields from `index` on whose tags are below `before`; returns the index of the next one. */
export function writeUnknown(writer: Writer, message: MayHaveUnknown, index: number, lastTag: number, before: number): number {
  const fields = message.unknownTaggedFields;
  if (fields === undefined) return index;
  let last = lastTag;
  for (; index < fields.length && fields[index]!.tag < before; index++) {
    const { tag, data } = fields[index]!;
    // Tags must rise, and one that the schema knows has its own field (RawTaggedFieldWriter.java).
    if (tag <= last) throw new ProtocolError(`unknown tagged field ${tag} stands behind ${last}`);
    last = tag;
    writer.writeUvarint(tag);
    writer.writeUvarint(data.length);
    writer.writeRaw(data);
  }
  return index;
}

export function checkVersion(name: string, minVersion: number, maxVersion: number, version: number): void {
  if (!(version >= minVersion && version <= maxVersion)) throw new ProtocolError(`${name} has no version ${version}`);
}
