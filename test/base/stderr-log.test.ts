import { expect, test } from 'vitest';
import { BoundedLog } from '../../src/base/stderr-log.js';
import { ManualTime } from '../zookeeper/support/manual-time.js';

/** Somebody who reads when asked to, and remembers. */
class Reader {
  text = '';
  room = Infinity;
  gone = false;
  readonly time = new ManualTime();
  readonly log: BoundedLog;

  constructor(capacityBytes = 40) {
    this.log = new BoundedLog({ take: bytes => this.#take(bytes), clock: this.time, timers: this.time, capacityBytes });
  }

  #take(bytes: Uint8Array): number {
    if (this.gone) throw Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
    const taken = Math.min(this.room, bytes.length);
    this.room -= taken;
    this.text += Buffer.from(bytes.subarray(0, taken)).toString('latin1');
    return taken;
  }

  /** Reads so many bytes, once the log tries again. */
  reads(bytes: number): void {
    this.room = bytes;
    this.time.advance(50);
  }
}

test('a line is written at once', () => {
  const reader = new Reader();
  reader.log.write('one\n');
  expect(reader.text).toBe('one\n');
});

test('what is not taken waits, whole and in order, and is offered again without a new line to say', () => {
  const reader = new Reader();
  reader.room = 2;
  reader.log.write('one\n');
  reader.log.write('two\n');
  expect(reader.text).toBe('on');
  reader.reads(3);
  expect(reader.text).toBe('one\nt');
  reader.reads(Infinity);
  expect(reader.text).toBe('one\ntwo\n');
});

test('what there is no room for is dropped, and the log says how much, where it is missing', () => {
  const reader = new Reader();
  reader.room = 0;
  for (const line of ['0123456789012345678\n', '1123456789012345678\n', 'too much\n', 'x\n']) reader.log.write(line);
  reader.reads(Infinity);
  reader.log.write('later\n');
  const lines = reader.text.split('\n');
  expect(lines.slice(0, 2)).toEqual(['0123456789012345678', '1123456789012345678']);
  expect(JSON.parse(lines[2]!)).toEqual({ time: expect.any(String) as string, level: 'warn', message: 'log lines were dropped: nobody took them', lines: 2 });
  expect(lines.slice(3)).toEqual(['later', '']);
});

test('a single line longer than the room there is waits all the same', () => {
  const reader = new Reader(4);
  reader.room = 3;
  reader.log.write('longer than that\n');
  reader.reads(Infinity);
  expect(reader.text).toBe('longer than that\n');
});

test('a reader that has gone is not waited for, and nothing piles up for it', () => {
  const reader = new Reader();
  reader.room = 0;
  reader.log.write('one\n');
  reader.gone = true;
  reader.time.advance(50);
  reader.log.write('two\n');
  reader.gone = false;
  reader.room = Infinity;
  reader.log.write('three\n');
  expect(reader.text).toBe('three\n');
});

test('flush ends when everything is taken, or when the time is up', () => {
  let now = 0;
  let text = '';
  let room = 0;
  const clock = { now: () => 0, monotonic: () => now };
  const log = new BoundedLog({
    take: bytes => {
      now += 10;
      if (now < 300 || room === 0) return 0;
      text += Buffer.from(bytes).toString();
      return bytes.length;
    },
    clock, timers: new ManualTime(),
  });
  log.write('last words\n');
  log.flush(100);
  expect([text, now >= 100, now < 300]).toEqual(['', true, true]);
  room = 1;
  log.flush(1000);
  expect(text).toBe('last words\n');
});
