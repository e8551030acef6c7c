import { expect, test } from 'vitest';
import type { Definition, ValueType } from '../../src/config/definition.js';
import { isMetadataVersion, resolveMetadataVersion } from '../../src/config/metadata-versions.js';
import { javaDouble, parseValue, ValueError } from '../../src/config/values.js';

const of = (type: ValueType, more: Partial<Definition> = {}): Definition => ({ name: 'k', type, default: null, ...more });
const text = (definition: Definition, raw: string): string | null => parseValue(definition, raw).text;

const ACCEPTED: [ValueType, string, unknown, string][] = [
  ['boolean', ' True ', true, 'true'],
  ['int', '+7', 7, '7'],
  ['int', '-0', 0, '0'],
  ['int', '2147483647', 2147483647, '2147483647'],
  ['int', '-2147483648', -2147483648, '-2147483648'],
  ['short', '-32768', -32768, '-32768'],
  ['long', '9007199254740993', Number.MAX_SAFE_INTEGER, '9007199254740993'],
  ['long', '-9223372036854775808', -Number.MAX_SAFE_INTEGER, '-9223372036854775808'],
  ['long', '+0000000000000000000012', 12, '12'],
  ['double', '1', 1, '1.0'],
  ['double', '5e-4', 0.0005, '5.0E-4'],
  ['double', '1.5f', 1.5, '1.5'],
  ['list', '', [], ''],
  ['list', ' a , b,c ', ['a', 'b', 'c'], 'a,b,c'],
  ['list', 'a,', ['a', ''], 'a,'],
  ['string', ' s ', 's', 's'],
  ['password', ' p ', 'p', 'p'],
];
test.each(ACCEPTED)('%s %j is %j, described as %j', (type, raw, value, described) => {
  expect(parseValue(of(type), raw)).toEqual({ value, text: described });
});

const REFUSED: [ValueType, string][] = [
  ['boolean', '1'], ['boolean', ''], ['int', ''], ['int', '1.0'], ['int', '1e3'], ['int', '0x10'], ['int', '2147483648'], ['int', '--1'],
  ['int', '1 2'], ['short', '32768'], ['long', '9223372036854775808'], ['long', '-9223372036854775809'], ['double', 'one'], ['double', ''],
];
test.each(REFUSED)('%s %j is refused', (type, raw) => {
  expect(() => parseValue(of(type), raw)).toThrow(ValueError);
});

test('unset is a value that no check applies to', () => {
  expect(parseValue(of('int', { min: 5 }), null)).toEqual({ value: null, text: null });
});

test('ranges have ends that belong to them, and one value may lie outside', () => {
  const level = of('int', { min: 1, max: 9, or: -1 });
  for (const good of ['1', '9', '-1']) expect(text(level, good)).toBe(good);
  for (const bad of ['0', '10', '-2']) expect(() => parseValue(level, bad), bad).toThrow(ValueError);
});

test('choices count every element of a list, and case unless told otherwise', () => {
  const policy = of('list', { oneOf: ['compact', 'delete'] });
  expect(text(policy, 'delete,compact')).toBe('delete,compact');
  expect(text(policy, '')).toBe('');
  for (const bad of ['delete,', 'Delete', 'delete,x']) expect(() => parseValue(policy, bad), bad).toThrow(/String must be one of: compact, delete/);
  expect(text(of('string', { oneOf: ['UP'], ignoreCase: true }), 'up')).toBe('up');
});

test('what is said of a value shows it as it was read: the number, the item', () => {
  const said = (definition: Definition, raw: string): (string | undefined)[] => {
    try {
      parseValue(definition, raw);
      return [];
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      return [error.shown, error.message];
    }
  };
  expect(said(of('int', { min: 14 }), ' +7 ')).toEqual(['7', 'Value must be at least 14']);
  expect(said(of('long', { min: 0 }), '-9223372036854775808')).toEqual(['-9223372036854775808', 'Value must be at least 0']);
  expect(said(of('double', { min: 0, max: 1 }), '100')).toEqual(['100.0', 'Value must be no more than 1']);
  expect(said(of('int', { min: 1, max: 9, or: -1 }), '0')).toEqual(['0', 'Value must be between 1 and 9 or equal to -1']);
  expect(said(of('list', { oneOf: ['compact', 'delete'] }), 'delete, x ,y')).toEqual(['x', 'String must be one of: compact, delete']);
  expect(said(of('string', { oneOf: ['UP'], ignoreCase: true }), 'down')).toEqual(['down', 'String must be one of (case insensitive): UP']);
  expect(said(of('string', { form: 'metadataVersion' }), ' x ')).toEqual(['x', 'Version x is not a valid version']);
  expect(said(of('list', { form: 'throttledReplicas' }), 'x, y')[0]).toBe('[x, y]');
  // What cannot be read is shown as it was given.
  expect(said(of('int'), ' x ')).toEqual([undefined, 'Not a number of type INT']);
});

test('throttled replicas are all, none, or partition and broker pairs', () => {
  const throttled = of('list', { form: 'throttledReplicas' });
  for (const good of ['*', '', '0:1', '0:1,10:100', '0:1,']) expect(text(throttled, good)).toBe(good);
  for (const bad of ['*,0:1', '0', '*,*', 'a:b', '0:-1']) expect(() => parseValue(throttled, bad), bad).toThrow(ValueError);
});

test('doubles are spelled as Java spells them', () => {
  const spelled: [number, string][] = [
    [0, '0.0'], [-0, '-0.0'], [0.5, '0.5'], [100, '100.0'], [9999999, '9999999.0'], [1e7, '1.0E7'], [12345678.9, '1.23456789E7'],
    [0.001, '0.001'], [0.00099, '9.9E-4'], [Number.MAX_VALUE, '1.7976931348623157E308'], [-2.5e-10, '-2.5E-10'], [Infinity, 'Infinity'],
  ];
  for (const [value, expected] of spelled) expect(javaDouble(value)).toBe(expected);
});

test('a release means its last revision', () => {
  const meant: [string, string | undefined][] = [
    ['3.9', '3.9-IV0'], ['3.9.1', '3.9-IV0'], ['3.3', '3.3-IV3'], ['3.3-IV1', '3.3-IV1'], ['0.10.2', '0.10.2-IV0'], ['0.10.2.1', '0.10.2-IV0'],
    ['0.8.2', '0.8.2'], ['0.8.2.2', '0.8.2'], ['2', undefined], ['3.10', undefined], ['', undefined],
  ];
  for (const [given, expected] of meant) {
    expect(resolveMetadataVersion(given), given).toBe(expected);
    expect(isMetadataVersion(given)).toBe(expected !== undefined);
  }
});
