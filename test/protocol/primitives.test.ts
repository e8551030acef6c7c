// The primitives against bytes written out by hand, and against each other.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
import { seed } from './support/seed.js';

type Write = (writer: Writer) => void;
type Read = (reader: Reader) => unknown;

const vectors: [string, string, Write, Read, unknown][] = [
  ['int8', 'ff', w => w.writeInt8(-1), r => r.readInt8(), -1],
  ['bool', '01', w => w.writeBool(true), r => r.readBool(), true],
  ['int16', '8000', w => w.writeInt16(-32768), r => r.readInt16(), -32768],
  ['uint16', 'fffe', w => w.writeUint16(65534), r => r.readUint16(), 65534],
  ['int32', '80000001', w => w.writeInt32(-2147483647), r => r.readInt32(), -2147483647],
  ['uint32', 'ffffffff', w => w.writeUint32(4294967295), r => r.readUint32(), 4294967295],
  ['int64', '0020000000000000', w => w.writeInt64(2 ** 53), r => r.readInt64(), 2 ** 53],
  ['int64 below zero', 'ffffffffffffffff', w => w.writeInt64(-1), r => r.readInt64(), -1],
  ['int64 below -2^32', 'fffffffeffffffff', w => w.writeInt64(-4294967297), r => r.readInt64(), -4294967297],
  ['the least int64', '8000000000000000', w => w.writeInt64(-(2 ** 63)), r => r.readInt64(), -(2 ** 63)],
  ['the largest int64', '7fffffffffffffff', w => w.writeInt64(2 ** 63), r => r.readInt64(), 2 ** 63],
  ['float64', '3ff8000000000000', w => w.writeFloat64(1.5), r => r.readFloat64(), 1.5],
  ['uvarint of one byte', '7f', w => w.writeUvarint(127), r => r.readUvarint(), 127],
  ['uvarint of two bytes', '8001', w => w.writeUvarint(128), r => r.readUvarint(), 128],
  ['uvarint of five bytes', 'ffffffff07', w => w.writeUvarint(0x7fffffff), r => r.readUvarint(), 0x7fffffff],
  ['varint', '03', w => w.writeVarint(-2), r => r.readVarint(), -2],
  ['the largest varint', 'feffffff0f', w => w.writeVarint(0x7fffffff), r => r.readVarint(), 0x7fffffff],
  ['the least varint', 'ffffffff0f', w => w.writeVarint(-0x80000000), r => r.readVarint(), -0x80000000],
  ['varlong', 'fdffffffffffff0f', w => w.writeVarlong(-(2 ** 52 - 1)), r => r.readVarlong(), -(2 ** 52 - 1)],
  ['uuid', '00112233445566778899aabbccddeeff', w => w.writeUuid('ABEiM0RVZneImaq7zN3u_w'), r => r.readUuid(), 'ABEiM0RVZneImaq7zN3u_w'],
  ['the zero uuid', '00'.repeat(16), w => w.writeUuid('AAAAAAAAAAAAAAAAAAAAAA'), r => r.readUuid(), 'AAAAAAAAAAAAAAAAAAAAAA'],
  ['string', '0003c3a961', w => w.writeString('éa'), r => r.readString(), 'éa'],
  ['null string', 'ffff', w => w.writeNullableString(null), r => r.readNullableString(), null],
  ['compact string', '0261', w => w.writeCompactString('a'), r => r.readCompactString(), 'a'],
  ['null compact string', '00', w => w.writeCompactNullableString(null), r => r.readCompactNullableString(), null],
  ['bytes', '00000002aabb', w => w.writeBytes(Buffer.of(0xaa, 0xbb)), r => r.readBytes(), Buffer.of(0xaa, 0xbb)],
  ['null bytes', 'ffffffff', w => w.writeNullableBytes(null), r => r.readNullableBytes(), null],
  ['compact bytes', '03aabb', w => w.writeCompactBytes(Buffer.of(0xaa, 0xbb)), r => r.readCompactBytes(), Buffer.of(0xaa, 0xbb)],
  ['null compact bytes', '00', w => w.writeCompactNullableBytes(null), r => r.readCompactNullableBytes(), null],
];

describe('each primitive has its bytes', () => {
  it.each(vectors)('%s', (_, hex, write, read, value) => {
    const writer = new Writer();
    write(writer);
    expect(writer.finish().toString('hex')).toBe(hex);
    const reader = new Reader(Buffer.from(hex, 'hex'));
    expect(read(reader)).toEqual(value);
    expect(reader.remaining).toBe(0);
  });

  it.each(vectors)('%s, cut short, is refused', (_, hex, __, read) => {
    const bytes = Buffer.from(hex, 'hex');
    for (let end = 0; end < bytes.length; end++) expect(() => read(new Reader(bytes, 0, end))).toThrow(ProtocolError);
  });

  it('int64 beyond 2^53 loses low bits and nothing else', () => {
    expect(new Reader(Buffer.from('0020000000000001', 'hex')).readInt64()).toBe(2 ** 53);
  });
});

describe('what a client may not say', () => {
  const refused: [string, string, Read][] = [
    ['a varint of six bytes', '808080808001', r => r.readUvarint()],
    ['a varlong of eleven bytes', '8080808080808080808001', r => r.readVarlong()],
    ['a null string where none may be', 'ffff', r => r.readString()],
    ['a null compact string where none may be', '00', r => r.readCompactString()],
    ['a null array where none may be', 'ffffffff', r => r.readCount(1)],
    ['null bytes where none may be', 'ffffffff', r => r.readBytes()],
    // 2^31 as an unsigned varint less one wraps to 2^31 - 1, as Java's int does: too long, not null.
    ['a compact length of 2^31', '8080808008', r => r.readCompactNullableBytes()],
    ['an array longer than the frame', '0000000500000000', r => r.readCount(1)],
    ['an array whose elements would not fit', '0000000200000000', r => r.readCount(3)],
  ];
  it.each(refused)('%s', (_, hex, read) => {
    expect(() => read(new Reader(Buffer.from(hex, 'hex')))).toThrow(ProtocolError);
  });

  it('a string longer than 32767 bytes, in either encoding', () => {
    const long = Buffer.alloc(40_000, 'x');
    const writer = new Writer();
    writer.writeUvarint(long.length + 1);
    writer.writeRaw(long);
    expect(() => new Reader(writer.finish()).readCompactString()).toThrow(/too long/);
    expect(() => new Writer().writeCompactString(long.toString())).toThrow(/too long/);
  });
});

describe(`a writer (seed ${seed})`, () => {
  it('refuses numbers that do not fit', () => {
    const wrong: Write[] = [
      w => w.writeInt8(128), w => w.writeInt16(-32769), w => w.writeUint16(-1), w => w.writeInt32(2 ** 31), w => w.writeUint32(-1),
      w => w.writeInt64(2 ** 64), w => w.writeInt64(NaN), w => w.writeInt64(0.5), w => w.writeInt32(NaN), w => w.writeVarlong(2 ** 60),
    ];
    for (const write of wrong) expect(() => write(new Writer())).toThrow(RangeError);
    expect(() => new Writer().writeUuid('short')).toThrow(ProtocolError);
  });

  it('reads back every varint and varlong', () => {
    fc.assert(fc.property(fc.integer(), fc.maxSafeInteger(), (int, long) => {
      const writer = new Writer();
      writer.writeVarint(int);
      writer.writeVarlong(long);
      const reader = new Reader(writer.finish());
      expect([reader.readVarint(), reader.readVarlong(), reader.remaining]).toEqual([int, long, 0]);
    }), { seed, numRuns: 2000 });
  });

  it('writes where it is told, and moves when that is too small', () => {
    const target = Buffer.alloc(12, 0xee);
    const writer = new Writer().reset(target, 4, 8);
    writer.writeInt32(1);
    expect(writer.bytes).toBe(target);
    expect(target.toString('hex')).toBe('eeeeeeee00000001eeeeeeee');
    writer.writeInt16(2);
    expect(writer.bytes).not.toBe(target);
    expect(writer.length).toBe(6);
    expect(writer.finish().toString('hex')).toBe('000000010002');
    expect(target.toString('hex')).toBe('eeeeeeee00000001eeeeeeee');
  });

  it('starts over in the memory it has', () => {
    const writer = new Writer();
    writer.writeInt32(1);
    const memory = writer.bytes;
    writer.reset();
    writer.writeInt8(7);
    expect(writer.bytes).toBe(memory);
    expect([...writer.finish()]).toEqual([7]);
  });

  it('puts the size before a tagged field of any length', () => {
    for (const length of [0, 1, 127, 128, 16_383, 16_384, 300_000]) {
      const writer = new Writer(16);
      writer.writeInt16(-1);
      const outer = writer.beginTagged(3);
      const inner = writer.beginTagged(200);
      writer.writeRaw(Buffer.alloc(length, 0xab));
      writer.endTagged(inner);
      writer.endTagged(outer);
      const reader = new Reader(writer.finish());
      expect([reader.readInt16(), reader.readUvarint()]).toEqual([-1, 3]);
      expect(reader.readUvarint()).toBe(reader.remaining);
      expect([reader.readUvarint(), reader.readUvarint()]).toEqual([200, length]);
      expect(reader.readRaw(length).every(byte => byte === 0xab)).toBe(true);
      expect(reader.remaining).toBe(0);
    }
  });
});
