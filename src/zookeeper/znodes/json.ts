// Reading and writing the JSON of Kafka's znodes. Writing takes its keys' order from the caller (see base/java-order.ts), which
// a JavaScript object could not keep: it moves keys that look like numbers to the front.

export class ZnodeFormatError extends Error {
  override readonly name = 'ZnodeFormatError';
}

/** A value that is JSON already. */
export class Json {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | null | Json | readonly Value[];

const text = (value: Value): string => (value instanceof Json ? value.text : Array.isArray(value) ? `[${value.map(text).join(',')}]` : JSON.stringify(value));

type Order = (keys: readonly string[]) => readonly string[];
const asGiven: Order = keys => keys;

export function object(fields: Readonly<Record<string, Value>> | ReadonlyMap<string, Value>, order: Order = asGiven): Json {
  const values: ReadonlyMap<string, Value> = fields instanceof Map ? fields : new Map(Object.entries(fields));
  return new Json(`{${order([...values.keys()]).map(key => `${JSON.stringify(key)}:${text(values.get(key)!)}`).join(',')}}`);
}

export const bytes = (json: Json): Buffer => Buffer.from(json.text);

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parse(data: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString());
  } catch (error) {
    throw new ZnodeFormatError(`not JSON: ${String(error)}`);
  }
  if (!isFields(value)) throw new ZnodeFormatError('not a JSON object');
  return value;
}

/** Kafka writes some numbers as strings, and reads either. */
export function integer(fields: Fields, key: string, absent?: number): number {
  const value = fields[key];
  const number = typeof value === 'string' ? Number(value) : value;
  if (Number.isSafeInteger(number)) return number as number;
  if ((value === undefined || value === null) && absent !== undefined) return absent;
  throw new ZnodeFormatError(`'${key}' is ${JSON.stringify(value)}, not a number`);
}

export function string(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== 'string') throw new ZnodeFormatError(`'${key}' is ${JSON.stringify(value)}, not a string`);
  return value;
}

export function integers(value: unknown, key: string): number[] {
  if (Array.isArray(value) && value.every(Number.isSafeInteger)) return value as number[];
  throw new ZnodeFormatError(`'${key}' is ${JSON.stringify(value)}, not a list of numbers`);
}

export function objects(fields: Fields, key: string): Fields[] {
  const value = fields[key];
  if (Array.isArray(value) && value.every(isFields)) return value;
  throw new ZnodeFormatError(`'${key}' is ${JSON.stringify(value)}, not a list of objects`);
}
