import { expect, test } from 'vitest';
import { jsonLogger, type LogLevel } from '../../src/base/json-logger.js';

function logged(level: LogLevel, act: (logger: ReturnType<typeof jsonLogger>) => void): Record<string, unknown>[] {
  let text = '';
  act(jsonLogger(level, { now: () => 1_700_000_000_000, monotonic: () => 0 }, { write: line => { text += line; } }));
  return text.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Record<string, unknown>);
}

test('one object a line, with the time, the level, the message and the fields', () => {
  expect(logged('info', logger => logger.info({ broker: 7 }, 'two\nlines'))).toEqual([
    { time: '2023-11-14T22:13:20.000Z', level: 'info', message: 'two\nlines', broker: 7 },
  ]);
});

test('what lies below the level is not written', () => {
  const levels = (level: LogLevel): unknown[] => logged(level, logger => {
    for (const name of ['debug', 'info', 'warn', 'error'] as const) logger[name]({}, name);
  }).map(line => line['level']);
  expect(levels('debug')).toEqual(['debug', 'info', 'warn', 'error']);
  expect(levels('warn')).toEqual(['warn', 'error']);
  expect(levels('silent')).toEqual([]);
});

test('errors and bigints can be read', () => {
  const [line] = logged('info', logger => logger.error({ error: new TypeError('torn'), session: 2n ** 60n }, 'failed'));
  expect(line!['error']).toMatch(/^TypeError: torn\n/);
  expect(line!['session']).toBe('1152921504606846976');
});
