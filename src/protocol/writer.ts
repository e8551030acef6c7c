import { ProtocolError } from './protocol-error.js';

const TWO_32 = 4294967296;
const LONGEST_STRING = 0x7fff;
/** Up to here a loop over ASCII is cheaper than a call into native code. */
const SHORT = 64;

/**
 * Writes the primitives of Kafka's protocol. Starts in its own memory, or in a place handed in; when that is full it
 * moves to memory of its own, so look at `bytes` afterwards to see where the message is.
 */
export class Writer {
  position: number;
  #bytes: Buffer;
  #view: DataView;
  #start: number;
  #end: number;

  constructor(initialCapacity = 256) {
    this.#bytes = Buffer.allocUnsafe(Math.max(initialCapacity, 16));
    this.#view = viewOf(this.#bytes);
    this.#start = this.position = 0;
    this.#end = this.#bytes.length;
  }

  /**
   * Starts over in `target[start, end)`, which must stay the writer's until the message is taken; without a target, in
   * the memory it has, overwriting what `finish` gave last.
   */
  reset(target?: Uint8Array, start = 0, end = target?.length ?? 0): this {
    if (target === undefined) {
      this.position = this.#start;
      return this;
    }
    if (!(start >= 0 && start <= end && end <= target.length)) throw new RangeError(`[${start}, ${end}) is not within ${target.length} bytes`);
    if (target !== this.#bytes) {
      this.#bytes = Buffer.isBuffer(target) ? target : Buffer.from(target.buffer, target.byteOffset, target.byteLength);
      this.#view = viewOf(this.#bytes);
    }
    this.#start = this.position = start;
    this.#end = end;
    return this;
  }

  /** What holds the message now: the memory handed in, or the writer's own if that was too small. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Bytes written so far. A position counted from the start of the message, so it holds wherever the message moves. */
  get length(): number {
    return this.position - this.#start;
  }

  /** Where the first byte written stands in `bytes`. */
  get start(): number {
    return this.#start;
  }

  /** A view of all that was written. Write no more afterwards, except after `reset`. */
  finish(): Buffer {
    return this.#bytes.subarray(this.#start, this.position);
  }

  /** Moves over `count` bytes, making room for them, and returns where they start. */
  #take(count: number): number {
    if (count > this.#end - this.position) this.#grow(count);
    const at = this.position;
    this.position = at + count;
    return at;
  }

  #grow(count: number): void {
    const length = this.position - this.#start;
    const grown = Buffer.allocUnsafe(Math.max((length + count) * 2, 256));
    this.#bytes.copy(grown, 0, this.#start, this.position);
    this.#bytes = grown;
    this.#view = viewOf(grown);
    this.#start = 0;
    this.position = length;
    this.#end = grown.length;
  }

  writeInt8(value: number): void {
    if ((value << 24) >> 24 !== value) outOfRange('int8', value);
    this.#put8(value);
  }

  #put8(value: number): void {
    const at = this.#take(1); // which may replace #bytes
    this.#bytes[at] = value;
  }

  writeBool(value: boolean): void {
    this.#put8(value ? 1 : 0);
  }

  writeInt16(value: number): void {
    if ((value << 16) >> 16 !== value) outOfRange('int16', value);
    this.#put16(value);
  }

  writeUint16(value: number): void {
    if ((value & 0xffff) !== value) outOfRange('uint16', value);
    this.#put16(value);
  }

  #put16(value: number): void {
    const at = this.#take(2);
    this.#view.setInt16(at, value);
  }

  writeInt32(value: number): void {
    if ((value | 0) !== value) outOfRange('int32', value);
    this.#put32(value);
  }

  writeUint32(value: number): void {
    if (value >>> 0 !== value) outOfRange('uint32', value);
    this.#put32(value);
  }

  #put32(value: number): void {
    const at = this.#take(4);
    this.#view.setInt32(at, value);
  }

  /** Exact to 2^53. 2^63, which is what the largest Java long reads as, is written as that long again. */
  writeInt64(value: number): void {
    const at = this.#take(8);
    const view = this.#view;
    if ((value | 0) === value) {
      view.setInt32(at, value >> 31);
      view.setInt32(at + 4, value);
      return;
    }
    if (value === 2 ** 63) {
      view.setInt32(at, 0x7fffffff);
      view.setInt32(at + 4, -1);
      return;
    }
    const high = Math.floor(value / TWO_32);
    const low = value - high * TWO_32;
    if (high < -0x80000000 || high > 0x7fffffff || low >>> 0 !== low) outOfRange('int64', value);
    view.setInt32(at, high);
    view.setInt32(at + 4, low);
  }

  writeFloat64(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value);
  }

  writeUvarint(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.#put8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.#put8(rest);
  }

  /** Zigzag. */
  writeVarint(value: number): void {
    if ((value | 0) !== value) outOfRange('varint', value);
    this.writeUvarint((value << 1) ^ (value >> 31));
  }

  /** Zigzag; exact to 2^53. */
  writeVarlong(value: number): void {
    if (!Number.isSafeInteger(value)) outOfRange('varlong', value);
    // Twice a safe integer can pass 2^53, so the lowest seven bits go out apart.
    const magnitude = value < 0 ? -value - 1 : value;
    const lowest = (magnitude % 64) * 2 + (value < 0 ? 1 : 0);
    let rest = Math.floor(magnitude / 64);
    this.#put8(rest > 0 ? lowest | 0x80 : lowest);
    while (rest > 0) {
      const byte = rest % 128;
      rest = Math.floor(rest / 128);
      this.#put8(rest > 0 ? byte | 0x80 : byte);
    }
  }

  /** From base64url, as `Reader.readUuid` gives it. */
  writeUuid(value: string): void {
    const at = this.#take(16);
    if (value.length !== 22 || this.#bytes.write(value, at, 16, 'base64url') !== 16) {
      throw new ProtocolError(`${JSON.stringify(value)} is not a uuid`);
    }
  }

  writeString(value: string | null): void {
    const length = stringLength(value, false);
    this.writeInt16(length);
    this.#utf8(value!, length);
  }

  writeNullableString(value: string | null): void {
    const length = stringLength(value, true);
    this.writeInt16(length);
    if (length > 0) this.#utf8(value!, length);
  }

  writeCompactString(value: string | null): void {
    const length = stringLength(value, false);
    this.writeUvarint(length + 1);
    this.#utf8(value!, length);
  }

  writeCompactNullableString(value: string | null): void {
    const length = stringLength(value, true);
    this.writeUvarint(length + 1);
    if (length > 0) this.#utf8(value!, length);
  }

  /** `length` is that of stringLength. */
  #utf8(value: string, length: number): void {
    const at = this.#take(length);
    const bytes = this.#bytes;
    if (length > SHORT || length !== value.length) {
      bytes.write(value, at, length, 'utf8');
      return;
    }
    // As many bytes as characters: all of them ASCII.
    for (let index = 0; index < length; index++) bytes[at + index] = value.charCodeAt(index);
  }

  writeBytes(value: Uint8Array | null): void {
    this.writeInt32(notNull(value, 'byte field').length);
    this.writeRaw(value!);
  }

  writeNullableBytes(value: Uint8Array | null): void {
    this.writeInt32(value === null ? -1 : value.length);
    if (value !== null) this.writeRaw(value);
  }

  writeCompactBytes(value: Uint8Array | null): void {
    this.writeUvarint(notNull(value, 'byte field').length + 1);
    this.writeRaw(value!);
  }

  writeCompactNullableBytes(value: Uint8Array | null): void {
    this.writeUvarint(value === null ? 0 : value.length + 1);
    if (value !== null) this.writeRaw(value);
  }

  writeRaw(value: Uint8Array): void {
    const at = this.#take(value.length);
    this.#bytes.set(value, at);
  }

  writeCount(value: ArrayLike<unknown> | null): void {
    this.writeInt32(notNull(value, 'array').length);
  }

  writeNullableCount(value: ArrayLike<unknown> | null): void {
    this.writeInt32(value === null ? -1 : value.length);
  }

  writeCompactCount(value: ArrayLike<unknown> | null): void {
    this.writeUvarint(notNull(value, 'array').length + 1);
  }

  writeCompactNullableCount(value: ArrayLike<unknown> | null): void {
    this.writeUvarint(value === null ? 0 : value.length + 1);
  }

  /**
   * Begins a tagged field; hand what this returns to `endTagged`. The size stands before the content and is a varint:
   * one byte is left for it, and content is moved in the rare case that it needs more.
   */
  beginTagged(tag: number): number {
    this.writeUvarint(tag);
    const at = this.#take(1);
    return at + 1 - this.#start;
  }

  endTagged(began: number): void {
    const from = this.#start + began;
    const size = this.position - from;
    if (size < 0x80) {
      this.#bytes[from - 1] = size;
      return;
    }
    const extra = size < 0x4000 ? 1 : size < 0x200000 ? 2 : size < 0x10000000 ? 3 : 4;
    this.#take(extra);
    // #take may have moved everything.
    const at = this.#start + began;
    this.#bytes.copyWithin(at + extra, at, at + size);
    this.position = at - 1;
    this.writeUvarint(size);
    this.position = at + extra + size;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function stringLength(value: string | null, nullable: boolean): number {
  if (value === null) {
    if (!nullable) notNull(value, 'string');
    return -1;
  }
  const length = isShortAscii(value) ? value.length : Buffer.byteLength(value, 'utf8');
  if (length > LONGEST_STRING) throw new ProtocolError(`a string of ${length} bytes is too long`);
  return length;
}

function isShortAscii(value: string): boolean {
  if (value.length > SHORT) return false;
  for (let index = 0; index < value.length; index++) if (value.charCodeAt(index) > 0x7f) return false;
  return true;
}

function notNull<T>(value: T | null, what: string): T {
  if (value === null) throw new ProtocolError(`null for a ${what} that cannot be null in this version`);
  return value;
}

function outOfRange(type: string, value: number): never {
  throw new RangeError(`${value} does not fit ${type}`);
}
