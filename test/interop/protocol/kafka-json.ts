// Messages in the JSON that Kafka's *JsonConverter classes read and write: by the schema, since JSON alone does not
// tell bytes from text.

import { contains, isNullByDefault, type ElementType, type Field, type Message } from '../../../src/protocol/generator/model.js';
import { defaultForm, type Fields } from '../../protocol/support/arbitrary.js';

/** Records appear as their bytes when Kafka is to read them, and as their size when it has written them. */
export type RecordsAs = 'bytes' | 'size';

/** `message` as Kafka would write it: the fields of the version, tagged ones only where they say something. */
export function kafkaJson(message: Message, version: number, value: Fields, records: RecordsAs): Fields {
  return structJson(message, message.name, version, value, records);
}

function structJson(message: Message, struct: string, version: number, value: Fields, records: RecordsAs): Fields {
  const json: Fields = {};
  for (const field of message.structs.get(struct)!.fields) {
    if (!contains(field.versions, version)) continue;
    const own = value[field.name] === undefined ? defaultForm(message, field) : value[field.name];
    if (field.tag !== null && contains(field.tag.versions, version) && isDefault(message, field, own)) continue;
    const isRecords = field.type.kind === 'scalar' && field.type.scalar === 'records';
    json[isRecords && records === 'size' && own !== null ? `${field.name}SizeInBytes` : field.name] = fieldJson(message, field, version, own, records);
  }
  return json;
}

function fieldJson(message: Message, field: Field, version: number, value: unknown, records: RecordsAs): unknown {
  if (value === null) return null;
  const { type } = field;
  if (type.kind === 'array') return (value as unknown[]).map(element => elementJson(message, type.element, version, element, records));
  return elementJson(message, type, version, value, records);
}

function elementJson(message: Message, type: ElementType, version: number, value: unknown, records: RecordsAs): unknown {
  if (type.kind === 'struct') return structJson(message, type.struct, version, value as Fields, records);
  if (type.scalar === 'records' && records === 'size') return (value as Uint8Array).length;
  if (type.scalar === 'records' || type.scalar === 'bytes') return Buffer.from(value as Uint8Array).toString('base64');
  return type.scalar === 'float64' ? float(value as number, records) : value;
}

/** Kafka reads no float without a point, and writes what JSON has no number for as text. */
function float(value: number, records: RecordsAs): unknown {
  if (!Number.isFinite(value)) return String(value);
  return records === 'bytes' ? new Decimal(value) : value;
}

class Decimal {
  readonly text: string;
  constructor(value: number) {
    this.text = Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0`.replace(/^(.*e\S+)\.0$/, '$1') : String(value);
  }
}

function isDefault(message: Message, field: Field, value: unknown): boolean {
  const { type } = field;
  if (type.kind === 'struct' && value !== null && !isNullByDefault(field)) {
    const fields = value as Fields;
    if ((fields['unknownTaggedFields'] as unknown[] | undefined)?.length) return false;
    return message.structs.get(type.struct)!.fields.every(inner => fields[inner.name] === undefined || isDefault(message, inner, fields[inner.name]));
  }
  const none = defaultForm(message, field);
  if (value === null || none === null) return value === none;
  if (type.kind === 'array') return (value as unknown[]).length === 0;
  return value instanceof Uint8Array ? value.length === 0 : value === none;
}

/** JSON with every integer written out: Kafka's reader takes no exponents, and no 2^63. */
export function jsonText(value: unknown): string {
  if (typeof value === 'number' && Number.isInteger(value)) return value === 2 ** 63 ? '9223372036854775807' : BigInt(value).toString();
  if (value instanceof Decimal) return value.text;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (value !== null && typeof value === 'object') return `{${Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${jsonText(inner)}`).join(',')}}`;
  return JSON.stringify(value);
}
