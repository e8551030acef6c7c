import { expect, test } from 'vitest';
import { jsonLogger } from '../../src/base/json-logger.js';
import { Loggers } from '../../src/server/loggers.js';

const clock = { now: () => 0, monotonic: () => 0 };
const set = (name: string, value: string): { name: string; operation: number; value: string } => ({ name, operation: 0, value });

test('the root logger\'s level is told, and holds from the next line on when it is changed', () => {
  const lines: string[] = [];
  const log = jsonLogger('warn', clock, { write: line => void lines.push((JSON.parse(line) as { message: string }).message) });
  const loggers = new Loggers(log);
  expect([...loggers.all()]).toEqual([['root', 'WARN']]);
  log.info({}, 'one');
  expect(loggers.alter([set('root', 'DEBUG')], true)).toBeUndefined();
  log.debug({}, 'two');
  expect(loggers.alter([set('root', 'TRACE')], false)).toBeUndefined();
  log.debug({}, 'three');
  expect([...loggers.all()]).toEqual([['root', 'TRACE']]);
  loggers.alter([set('root', 'FATAL')], false);
  log.error({}, 'four');
  expect(lines).toEqual(['three']);
});

test('what cannot be is refused in Kafka\'s words, and then nothing is done', () => {
  const loggers = new Loggers(undefined);
  const refusal = (...operations: Parameters<Loggers['alter']>[0]): unknown => loggers.alter(operations, false);
  expect(refusal(set('kafka.log.LogCleaner', 'INFO'))).toEqual({ error: 'INVALID_CONFIG', message: 'Logger kafka.log.LogCleaner does not exist!' });
  expect(refusal(set('root', 'DEBUG'), set('root', 'info'))).toEqual({
    error: 'INVALID_CONFIG', message: 'Cannot set the log level of root to info as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN',
  });
  expect(refusal({ name: 'root', operation: 1, value: null })).toEqual({ error: 'INVALID_REQUEST', message: 'Removing the log level of the root logger is not allowed' });
  expect(refusal({ name: 'x', operation: 1, value: null })).toMatchObject({ error: 'INVALID_CONFIG' });
  expect(refusal({ name: 'root', operation: 2, value: 'INFO' })).toEqual({ error: 'INVALID_REQUEST', message: 'APPEND operation is not allowed for the BROKER_LOGGER resource' });
  expect(refusal({ name: 'root', operation: 3, value: 'INFO' })).toEqual({ error: 'INVALID_REQUEST', message: 'SUBTRACT operation is not allowed for the BROKER_LOGGER resource' });
  expect(refusal({ name: 'root', operation: 9, value: 'INFO' })).toEqual({ error: 'INVALID_REQUEST', message: 'Unknown operation type 9 is not allowed for the BROKER_LOGGER resource' });
  expect([...loggers.all()]).toEqual([['root', 'INFO']]);
});
