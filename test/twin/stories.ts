// Conversations that once showed a difference, as files: stories/*.json. A seed would mean another conversation as soon as
// a grammar changes.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { Conversation } from './conversation.js';
import { secondReader } from './converse.js';

const folder = fileURLToPath(new URL('stories/', import.meta.url));

/** As many as a world has. */
const GROUPS = 3;

/** A story as it stands in its file: what it is about, and what was said. */
interface Written {
  readonly about: string;
  readonly topics: number;
  readonly steps: Conversation['steps'];
}

export interface OnceFailed {
  readonly name: string;
  readonly about: string;
  readonly conversation: Conversation;
}

export function onceFailed(): OnceFailed[] {
  return readdirSync(folder).filter(name => name.endsWith('.json')).sort().map(file => {
    const { about, topics, steps } = JSON.parse(readFileSync(join(folder, file), 'utf8'), revive) as Written;
    return { name: file.slice(0, -'.json'.length), about, conversation: { seed: 0, steps, topics, epilogue: secondReader(topics, GROUPS) } };
  });
}

/** Writes one for `stories/`, once somebody has looked at it and given it a name. */
export function save(directory: string, name: string, about: string, { steps, topics }: Conversation): void {
  mkdirSync(directory, { recursive: true });
  const written: Written = { about, topics, steps };
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(written, (_key, value: unknown) => (isBuffer(value) ? { $hex: Buffer.from(value.data).toString('hex') } : value), 1)}\n`);
}

/** As JSON.stringify sees a Buffer. */
function isBuffer(value: unknown): value is { readonly data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer';
}

function revive(_key: string, value: unknown): unknown {
  const hex = typeof value === 'object' && value !== null ? (value as { $hex?: unknown }).$hex : undefined;
  return typeof hex === 'string' ? Buffer.from(hex, 'hex') : value;
}
