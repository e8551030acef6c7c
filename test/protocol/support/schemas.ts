import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyCodec } from '../../../src/protocol/codec.js';
import { parseSchema } from '../../../src/protocol/generator/parse.js';
import type { Message, Schemas } from '../../../src/protocol/generator/model.js';
import * as messages from '../../../src/protocol/messages.js';

const directory = join(import.meta.dirname, '../../../src/protocol/schemas');

/** All schemas, parsed anew: what the tests expect is derived from them and not from generated code. */
export function loadSchemas(): Schemas {
  const schemas: Schemas = { apis: [], messages: [] };
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) parseSchema(entry.name, readFileSync(join(entry.parentPath, entry.name), 'utf8'), schemas);
  }
  return schemas;
}

const codecs = messages as unknown as Record<string, AnyCodec>;

export function codecOf(message: Message): AnyCodec {
  const codec = codecs[message.name];
  if (codec === undefined) throw new Error(`no codec ${message.name}`);
  return codec;
}

export function versionsOf(message: Message): number[] {
  const versions: number[] = [];
  for (let version = message.versions.low; version <= message.versions.high; version++) versions.push(version);
  return versions;
}
