// The two interfaces of every struct: decoded (all fields there) and input (all fields optional).

import { inputName, typeName } from './expressions.js';
import type { ElementType, Field, Message, Struct } from './model.js';

export function emitTypes(message: Message): string {
  return [...message.structs.values()].map(struct => `${decoded(message, struct)}\n${input(message, struct)}`).join('\n');
}

function decoded(message: Message, struct: Struct): string {
  const fields = struct.fields.map(field => `  ${field.name}: ${tsType(message, field, false)};`);
  return `export interface ${typeName(message, struct.name)} {\n${lines(message, fields, '  unknownTaggedFields?: UnknownTaggedField[];')}}`;
}

function input(message: Message, struct: Struct): string {
  const fields = struct.fields.map(field => `  ${field.name}?: ${tsType(message, field, true)} | undefined;`);
  return `export interface ${inputName(message, struct.name)} {\n${lines(message, fields, '  unknownTaggedFields?: readonly UnknownTaggedField[] | undefined;')}}`;
}

function lines(message: Message, fields: string[], unknown: string): string {
  const all = message.flexibleFrom <= message.versions.high ? [...fields, unknown] : fields;
  return all.map(line => `${line}\n`).join('');
}

function tsType(message: Message, field: Field, asInput: boolean): string {
  const { type } = field;
  const base = type.kind === 'array' ? `${asInput ? 'readonly ' : ''}${elementType(message, type.element, asInput)}[]` : elementType(message, type, asInput);
  return field.nullable === null ? base : `${base} | null`;
}

function elementType(message: Message, type: ElementType, asInput: boolean): string {
  if (type.kind === 'struct') return asInput ? inputName(message, type.struct) : typeName(message, type.struct);
  switch (type.scalar) {
    case 'bool': return 'boolean';
    case 'string':
    case 'uuid': return 'string';
    case 'bytes':
    case 'records': return 'Uint8Array';
    default: return 'number';
  }
}
