import fc from 'fast-check';
import type { MessageCodec } from '../../../src/protocol/codec.js';
import { ProtocolError } from '../../../src/protocol/protocol-error.js';
import { Writer } from '../../../src/protocol/writer.js';

/** The bytes of a message, in memory of their own. */
export function encoded<T, I>(codec: MessageCodec<T, I>, message: I, version: number): Buffer {
  const writer = new Writer(16);
  codec.encode(writer, message, version);
  return Buffer.from(writer.finish());
}

/** The same bytes amid others, as a frame stands in a slab. */
export function embedded(frame: Buffer, before: number): { bytes: Buffer; start: number; end: number } {
  const bytes = Buffer.concat([Buffer.alloc(before, 0xee), frame, Buffer.alloc(13, 0xee)]);
  return { bytes, start: before, end: before + frame.length };
}

/** Ways to damage a frame: cut it, flip a byte, overwrite a length with a hostile one, put bytes in or take some out. */
export const mutations: fc.Arbitrary<(frame: Buffer) => Buffer> = fc
  .record({
    kind: fc.constantFrom('cut', 'flip', 'hostile int32', 'hostile int16', 'hostile varint', 'insert', 'remove'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    value: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x10000),
  })
  .map(({ kind, at, value }) => (frame: Buffer) => {
    const damaged = Buffer.from(frame);
    const position = Math.min(Math.floor(at * frame.length), Math.max(frame.length - 1, 0));
    if (kind === 'cut' || frame.length === 0) return damaged.subarray(0, position);
    if (kind === 'insert') return Buffer.concat([damaged.subarray(0, position), Buffer.of(value & 0xff), damaged.subarray(position)]);
    if (kind === 'remove') return Buffer.concat([damaged.subarray(0, position), damaged.subarray(position + 1)]);
    const over = overwriteWith(kind, value);
    over.copy(damaged, position);
    return damaged;
  });

function overwriteWith(kind: string, value: number): Buffer {
  const writer = new Writer();
  if (kind === 'hostile int32') writer.writeUint32(value);
  else if (kind === 'hostile int16') writer.writeUint16(value & 0xffff);
  else if (kind === 'hostile varint') writer.writeUvarint(value);
  else writer.writeUint32((value & 0xff) << 24 >>> 0);
  return kind === 'flip' ? writer.finish().subarray(0, 1) : writer.finish();
}

/** What came of it: a value, or a refusal. Any other error is the test's failure. */
export function outcome(action: () => object): object | 'refused' {
  try {
    return action();
  } catch (error) {
    if (error instanceof ProtocolError) return 'refused';
    throw error;
  }
}
