// From the text of a setting to its value, and back to the text DescribeConfigs shows (ConfigDef.parseType and
// convertToString): surrounding blanks are dropped, numbers are normalised, a list is split at commas.
import type { Definition } from './definition.js';
import { isMetadataVersion } from './metadata-versions.js';

/** A parsed setting. A long beyond 2^53 is clamped as a number: nothing that large is counted to, it means "never". */
export type ConfigValue = boolean | number | string | readonly string[] | null;

export interface Parsed {
  readonly value: ConfigValue;
  /** As DescribeConfigs shows it. */
  readonly text: string | null;
}

/** A setting that cannot be used. The message is the part after the key: the caller knows which key and whose. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
  /** The value as Kafka shows it, where it is not the text that was given: a number as it was read, one item of a list. */
  readonly shown: string | undefined;

  constructor(reason: string, shown?: string) {
    super(reason);
    this.shown = shown;
  }
}

export function parseValue(definition: Definition, raw: string | null): Parsed {
  if (raw === null) return { value: null, text: null };
  const parsed = parseTyped(definition, raw.trim());
  checkRange(definition, parsed);
  checkChoice(definition, parsed.value);
  checkForm(definition, parsed.value);
  return parsed;
}

function parseTyped(definition: Definition, text: string): Parsed {
  switch (definition.type) {
    case 'boolean': return parseBoolean(text);
    case 'int': return parseWhole(text, -2147483648n, 2147483647n, 'INT');
    case 'short': return parseWhole(text, -32768n, 32767n, 'SHORT');
    case 'long': return parseWhole(text, -(2n ** 63n), 2n ** 63n - 1n, 'LONG');
    case 'double': return parseDouble(text);
    case 'list': {
      const items = parseList(text);
      return { value: items, text: items.join(',') };
    }
    case 'string': case 'password': case 'class': return { value: text, text };
  }
}

function parseBoolean(text: string): Parsed {
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw new ValueError('Expected value to be either true or false');
  return { value: lower === 'true', text: lower };
}

function parseWhole(text: string, min: bigint, max: bigint, type: string): Parsed {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new ValueError(`Not a number of type ${type}`);
  // Short texts are exact as numbers; only the longest pay for a bigint.
  if (text.length <= 9) {
    const value = Number(text) || 0;
    if (type !== 'SHORT' || (value >= -32768 && value <= 32767)) return { value, text: String(value) };
  }
  const exact = BigInt(text.startsWith('+') ? text.slice(1) : text);
  if (exact < min || exact > max) throw new ValueError(`Not a number of type ${type}`);
  const clamped = Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(exact)));
  return { value: clamped, text: exact.toString() };
}

function parseDouble(text: string): Parsed {
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[fFdD]?$/.test(text)) throw new ValueError('Not a number of type DOUBLE');
  const value = Number(text.replace(/[fFdD]$/, ''));
  return { value, text: javaDouble(value) };
}

function parseList(text: string): readonly string[] {
  return text === '' ? [] : text.split(/\s*,\s*/);
}

/** A double as Java prints it: always a fraction, and an exponent outside [10^-3, 10^7). */
export function javaDouble(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
}

function checkRange({ min, max, or }: Definition, { value, text }: Parsed): void {
  if (typeof value !== 'number' || value === or) return;
  const tooSmall = min !== undefined && value < min;
  const tooLarge = max !== undefined && value > max;
  if (!tooSmall && !tooLarge) return;
  if (or !== undefined) throw new ValueError(`Value must be between ${min} and ${max} or equal to ${or}`, text!);
  throw new ValueError(tooSmall ? `Value must be at least ${min}` : `Value must be no more than ${max}`, text!);
}

function checkChoice({ oneOf, ignoreCase }: Definition, value: ConfigValue): void {
  if (oneOf === undefined || value === null) return;
  const known = (item: string): boolean =>
    ignoreCase ? oneOf.some(choice => choice.toLowerCase() === item.toLowerCase()) : oneOf.includes(item);
  const items = Array.isArray(value) ? value as readonly string[] : [String(value)];
  const stranger = items.find(item => !known(item));
  if (stranger !== undefined) throw new ValueError(`String must be one of${ignoreCase ? ' (case insensitive)' : ''}: ${oneOf.join(', ')}`, stranger);
}

// A partition and a broker for each element that is not empty, or * for all (ThrottledReplicaListValidator).
const THROTTLED_REPLICA = /^([0-9]+:[0-9]+)?$/;

function checkForm({ name, form }: Definition, value: ConfigValue): void {
  switch (form) {
    case undefined: return;
    case 'nonEmpty':
      if (value === '') throw new ValueError('String must be non-empty', '');
      return;
    case 'metadataVersion':
      if (!isMetadataVersion(String(value))) throw new ValueError(`Version ${String(value)} is not a valid version`, String(value));
      return;
    case 'throttledReplicas': {
      const items = value as readonly string[];
      if (items.join('') !== '*' && !items.every(item => THROTTLED_REPLICA.test(item))) {
        throw new ValueError(`${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`, `[${items.join(', ')}]`);
      }
    }
  }
}
