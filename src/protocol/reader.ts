import { ProtocolError, truncated } from './protocol-error.js';

const TWO_32 = 4294967296;
const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
// Kafka's generated classes refuse longer strings in both encodings, though the compact one could carry them.
const LONGEST_STRING = 0x7fff;

/**
 * Reads the primitives of Kafka's protocol from `bytes[start, end)`. Every length and count is checked against what is
 * left before anything is made of it, so memory follows the size of the frame and never what the frame claims. Byte
 * fields are views on the frame. Lengths are signed 32-bit with Java's overflow, so that a hostile frame fails where
 * it fails in Kafka.
 */
export class Reader {
  position = 0;
  #bytes!: Buffer;
  #view!: DataView;
  #end = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.reset(bytes, start, end);
  }

  /** Starts over on other bytes. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): this {
    if (!(start >= 0 && start <= end && end <= bytes.length)) throw new RangeError(`[${start}, ${end}) is not within ${bytes.length} bytes`);
    if (bytes !== this.#bytes) {
      this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.position = start;
    this.#end = end;
    return this;
  }

  get remaining(): number {
    return this.#end - this.position;
  }

  /** Moves over `count` bytes and returns where they start. */
  #take(count: number): number {
    const at = this.position;
    if (count > this.#end - at) truncated(count, this.#end - at);
    this.position = at + count;
    return at;
  }

  readInt8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  readBool(): boolean {
    return this.readInt8() !== 0;
  }

  readInt16(): number {
    return this.#view.getInt16(this.#take(2));
  }

  readUint16(): number {
    return this.readInt16() & 0xffff;
  }

  readInt32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  readUint32(): number {
    return this.readInt32() >>> 0;
  }

  /** Exact to 2^53; beyond, the low bits are lost. */
  readInt64(): number {
    const at = this.#take(8);
    return this.#view.getInt32(at) * TWO_32 + this.#view.getUint32(at + 4);
  }

  readFloat64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** An unsigned varint of at most 5 bytes, as a signed 32-bit number (ByteUtils.java). */
  readUvarint(): number {
    const bytes = this.#bytes;
    let result = bytes[this.#take(1)]!;
    if (result < 0x80) return result;
    result &= 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = bytes[this.#take(1)]!;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw new ProtocolError('a varint is longer than 5 bytes');
  }

  /** A zigzag varint of at most 5 bytes. */
  readVarint(): number {
    const raw = this.readUvarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** A zigzag varint of at most 10 bytes; exact to 2^53. */
  readVarlong(): number {
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index++) {
      const byte = this.#bytes[this.#take(1)]!;
      // 28 bits in `low`, the rest in `high`; bits beyond 64 fall off as in Java.
      if (index < 4) low += (byte & 0x7f) * 2 ** (7 * index);
      else high += (byte & 0x7f) * 2 ** (7 * (index - 4));
      if (byte < 0x80) {
        high %= 2 ** 36;
        const magnitude = (low - (low % 2)) / 2 + high * 2 ** 27;
        return low % 2 === 0 ? magnitude : -magnitude - 1;
      }
    }
    throw new ProtocolError('a varlong is longer than 10 bytes');
  }

  /** Base64url of 16 bytes, 22 characters. */
  readUuid(): string {
    const at = this.#take(16);
    const bytes = this.#bytes;
    for (let index = at; index < at + 16; index++) {
      if (bytes[index] !== 0) return bytes.toString('base64url', at, at + 16);
    }
    return ZERO_UUID;
  }

  readString(): string {
    return this.#string(this.readInt16());
  }

  readNullableString(): string | null {
    const length = this.readInt16();
    return length < 0 ? null : this.#string(length);
  }

  readCompactString(): string {
    return this.#string((this.readUvarint() - 1) | 0);
  }

  readCompactNullableString(): string | null {
    const length = (this.readUvarint() - 1) | 0;
    return length < 0 ? null : this.#string(length);
  }

  /**
   * Moves over a string without making one of it and returns its length, -1 for null: its bytes end at `position`. For
   * decoders that work in place.
   */
  skipString(compact: boolean, nullable: boolean): number {
    const length = compact ? (this.readUvarint() - 1) | 0 : this.readInt16();
    if (length < 0 && nullable) return -1;
    this.#takeString(length);
    return length;
  }

  /** Moves over the tagged fields of a struct of which no tag matters. */
  skipTagged(): void {
    for (let left = this.readUvarint(); left > 0; left--) {
      this.readUvarint();
      this.skip(this.readUvarint());
    }
  }

  #takeString(length: number): number {
    if (length < 0) nullRefused('string');
    if (length > LONGEST_STRING) throw new ProtocolError(`a string of ${length} bytes is too long`);
    return this.#take(length);
  }

  #string(length: number): string {
    const at = this.#takeString(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  readBytes(): Buffer {
    return this.readRaw(this.readInt32());
  }

  readNullableBytes(): Buffer | null {
    const length = this.readInt32();
    return length < 0 ? null : this.readRaw(length);
  }

  readCompactBytes(): Buffer {
    return this.readRaw((this.readUvarint() - 1) | 0);
  }

  readCompactNullableBytes(): Buffer | null {
    const length = (this.readUvarint() - 1) | 0;
    return length < 0 ? null : this.readRaw(length);
  }

  /** A view of the next `length` bytes. */
  readRaw(length: number): Buffer {
    if (length < 0) nullRefused('byte field');
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    if (length < 0) nullRefused('byte field');
    this.#take(length);
  }

  /** The count of an array whose elements take at least `least` bytes each; -1 for null. */
  readNullableCount(least: number): number {
    return this.#count(this.readInt32(), least);
  }

  readCompactNullableCount(least: number): number {
    return this.#count((this.readUvarint() - 1) | 0, least);
  }

  readCount(least: number): number {
    const count = this.#count(this.readInt32(), least);
    return count < 0 ? nullRefused('array') : count;
  }

  readCompactCount(least: number): number {
    const count = this.#count((this.readUvarint() - 1) | 0, least);
    return count < 0 ? nullRefused('array') : count;
  }

  #count(count: number, least: number): number {
    if (count < 0) return -1;
    if (count * least > this.remaining) {
      throw new ProtocolError(`an array claims ${count} elements of at least ${least} bytes, ${this.remaining} bytes are left`);
    }
    return count;
  }
}

function nullRefused(what: string): never {
  throw new ProtocolError(`null, or a negative length, for a ${what} that cannot be null`);
}
