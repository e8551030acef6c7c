// Writes src/protocol/generated from src/protocol/schemas. Run by `npm run generate`, before every build: when neither
// a schema nor the generator changed, it compares a hash and leaves.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const schemaDir = join(here, '../schemas');
const target = join(here, '../generated');

const sources = [...filesIn(schemaDir), ...filesIn(here), join(here, '../codec-runtime.ts')].sort();
const hash = createHash('sha256');
for (const file of sources) hash.update(relative(here, file)).update('\0').update(readFileSync(file)).update('\0');
const header = `// Generated from ../schemas; do not edit. ${hash.digest('hex')}`;

if (!isCurrent('messages.ts') || !isCurrent('apis.ts')) await generate();

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

function isCurrent(name: string): boolean {
  const file = join(target, name);
  return existsSync(file) && readFileSync(file, 'utf8').startsWith(`${header}\n`);
}

async function generate(): Promise<void> {
  const { parseSchema } = await import('./parse.js');
  const { emitApis, emitMessages } = await import('./emit-modules.js');
  const schemas = { apis: [], messages: [] };
  for (const file of filesIn(schemaDir).sort()) parseSchema(relative(schemaDir, file), readFileSync(file, 'utf8'), schemas);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'messages.ts'), emitMessages(header, schemas));
  writeFileSync(join(target, 'apis.ts'), emitApis(header, schemas));
  console.log(`generated ${schemas.messages.length} messages`);
}
