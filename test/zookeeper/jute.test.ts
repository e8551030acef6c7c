import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameSplitter } from '../../src/zookeeper/jute/frames.js';
import { JuteError, JuteReader } from '../../src/zookeeper/jute/reader.js';
import { readAcl, readStat } from '../../src/zookeeper/jute/records.js';
import { JuteWriter } from '../../src/zookeeper/jute/writer.js';
import { parseConnectString } from '../../src/zookeeper/client/address.js';
import { pathFault } from '../../src/zookeeper/paths.js';
import { adler32 } from '../../src/zookeeper/server/storage/adler.js';

describe('jute', () => {
  test('numbers are big-endian and strings and buffers follow their lengths', () => {
    const bytes = new JuteWriter(1).int32(-2).int64(2 ** 53 - 1).int64(-1).long(-3n).bool(true).string('é').buffer(null).buffer(Buffer.of(9)).finish();
    expect(bytes.toString('hex')).toBe('fffffffe' + '001fffffffffffff' + 'ffffffffffffffff' + 'fffffffffffffffd' + '01' + '00000002c3a9' + 'ffffffff' + '0000000109');
  });

  test('what was written reads back', () => {
    fc.assert(fc.property(
      fc.array(fc.oneof(
        fc.record({ int32: fc.integer() }), fc.record({ int64: fc.maxSafeInteger() }), fc.record({ long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
        fc.record({ string: fc.string({ unit: 'binary' }) }), fc.record({ bool: fc.boolean() }), fc.record({ strings: fc.array(fc.string()) }))),
      values => {
        const writer = new JuteWriter();
        for (const value of values) {
          if ('int32' in value) writer.int32(value.int32);
          else if ('int64' in value) writer.int64(value.int64);
          else if ('long' in value) writer.long(value.long);
          else if ('string' in value) writer.string(value.string);
          else if ('bool' in value) writer.bool(value.bool);
          else writer.vector(value.strings, text => writer.string(text));
        }
        const reader = new JuteReader(writer.finish());
        for (const value of values) {
          if ('int32' in value) expect(reader.int32()).toBe(value.int32);
          else if ('int64' in value) expect(reader.int64()).toBe(value.int64);
          else if ('long' in value) expect(reader.long()).toBe(value.long);
          else if ('string' in value) expect(reader.string()).toBe(value.string);
          else if ('bool' in value) expect(reader.bool()).toBe(value.bool);
          else expect(reader.strings()).toEqual(value.strings);
        }
        expect(reader.remaining).toBe(0);
      }), { seed: 7, numRuns: 40 });
  });

  test('no length is believed', () => {
    for (const hex of ['7fffffff', '80000000', 'fffffffe', '00000005aabbccdd', '0000']) {
      for (const read of [(r: JuteReader) => r.buffer(), (r: JuteReader) => r.string(), (r: JuteReader) => r.strings(), readAcl, readStat]) {
        expect(() => read(new JuteReader(Buffer.from(hex, 'hex'))), hex).toThrow(JuteError);
      }
    }
  });
});

describe('packets', () => {
  const packets = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(300, 5), Buffer.from('last')];
  const stream = Buffer.concat(packets.flatMap(packet => [new JuteWriter().int32(packet.length).finish(), packet]));

  function cutAt(places: readonly number[]): Buffer[] {
    const found: Buffer[] = [];
    const splitter = new FrameSplitter(1000);
    let from = 0;
    for (const to of [...places, stream.length]) {
      splitter.push(stream.subarray(from, to), packet => found.push(Buffer.from(packet)) > 0);
      from = to;
    }
    return found;
  }

  test('are the same wherever the network cuts them', () => {
    const whole = Buffer.concat(packets).toString('hex');
    const same = (places: readonly number[]): boolean => Buffer.concat(cutAt(places)).toString('hex') === whole && cutAt(places).length === packets.length;
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second += 3) if (!same([first, second])) expect(cutAt([first, second])).toEqual(packets);
    }
    expect(cutAt(Array.from({ length: stream.length }, (_, n) => n))).toEqual(packets);
  });

  test('beyond the limit are refused before they are held', () => {
    expect(() => new FrameSplitter(1000).push(Buffer.from('000003e9', 'hex'), () => true)).toThrow(JuteError);
    const splitter = new FrameSplitter(1000);
    splitter.push(Buffer.from('ff', 'hex'), () => true);
    expect(() => splitter.push(Buffer.from('ffffff', 'hex'), () => true)).toThrow(JuteError);
  });
});

describe('connect strings', () => {
  test.each([
    ['a', [{ host: 'a', port: 2181 }], ''],
    ['a:1,b:2/', [{ host: 'a', port: 1 }, { host: 'b', port: 2 }], ''],
    ['[::1]:2182, 10.0.0.1 /kafka/prod', [{ host: '::1', port: 2182 }, { host: '10.0.0.1', port: 2181 }], '/kafka/prod'],
  ])('%s', (text, servers, chroot) => expect(parseConnectString(text)).toEqual({ servers, chroot }));

  test.each(['', '/chroot', 'a:0', 'a:99999', 'a:b', 'a/b/', 'a//b', 'a/../b'])('%j is none', text => expect(() => parseConnectString(text)).toThrow('BADARGUMENTS'));
});

test.each([['/', true], ['/a', true], ['/a/b', true], ['a', false], ['/a/', false], ['//a', false], ['/a/./b', false], ['/a/../b', false], ['/a\u0000', false], ['/a\u001f', false],
  ['/a\ud800', false], ['/\ufff0', false], ['/é', true], ['/a/.b', true], ['', false]])('path %j is legal: %s', (path, legal) => {
  expect(pathFault(path) === undefined).toBe(legal);
});

test('Adler-32', () => {
  expect(adler32(Buffer.from('Wikipedia'))).toBe(0x11e60398);
  const large = Buffer.alloc(100_000, 0xff);
  expect(adler32(large.subarray(50_001), adler32(large.subarray(0, 50_001)))).toBe(adler32(large));
  expect(adler32(Buffer.alloc(0))).toBe(1);
});
