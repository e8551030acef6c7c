// The product's schemas as data: which fields a version has, and of which type. For pruning requests and for going to the
// boundaries of their fields.

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { contains, type ElementType, type Field, type Message, type Schemas } from '../../src/protocol/generator/model.js';
import { parseSchema } from '../../src/protocol/generator/parse.js';

const folder = fileURLToPath(new URL('../../src/protocol/schemas/apis/', import.meta.url));
const schemas: Schemas = { apis: [], messages: [] };
for (const file of readdirSync(folder).sort()) parseSchema(file, readFileSync(`${folder}${file}`, 'utf8'), schemas);

const requests = new Map(schemas.messages.filter(({ type }) => type === 'request').map(message => [message.apiKey, message]));

export function requestModel(apiKey: number): Message {
  const model = requests.get(apiKey);
  if (model === undefined) throw new Error(`no schema of api ${apiKey}`);
  return model;
}

export function fieldsOf(message: Message, struct: string, version: number): Field[] {
  return message.structs.get(struct)!.fields.filter(field => contains(field.versions, version));
}

export function elementOf(field: Field): ElementType {
  return field.type.kind === 'array' ? field.type.element : field.type;
}

/** The same request without what its version lacks. */
export function prune(message: Message, body: object, version: number, struct = message.name): object {
  const kept: Record<string, unknown> = {};
  for (const field of fieldsOf(message, struct, version)) {
    const value = (body as Record<string, unknown>)[field.name];
    if (value === undefined) continue;
    const element = elementOf(field);
    if (element.kind === 'scalar' || value === null) kept[field.name] = value;
    else if (Array.isArray(value)) kept[field.name] = value.map(each => prune(message, each as object, version, element.struct));
    else kept[field.name] = prune(message, value, version, element.struct);
  }
  return kept;
}
