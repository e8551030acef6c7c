// A difference as a story: what was said, and what both answered where they parted.

import { prune, requestModel } from './schema-model.js';
import type { Difference } from './compare.js';
import type { Conversation, Step } from './conversation.js';
import { apiNamed } from './play.js';
import { isBatch, isReference } from './symbols.js';

export function story(conversation: Conversation, differences: readonly Difference[]): string {
  const lines = [`seed ${conversation.seed}`];
  const first = differences[0];
  conversation.steps.forEach((step, index) => lines.push(sentence(step, index)));
  if (typeof first?.at === 'number' && first.at >= conversation.steps.length && first.step !== undefined) lines.push(`then a second reader: ${sentence(first.step, first.at)}`);
  else if (typeof first?.at === 'string') lines.push(`then the ${first.at} of both are looked at`);
  for (const { at, path, ours, kafka } of differences.slice(0, 12)) {
    lines.push(`  at ${typeof at === 'number' ? at + 1 : at}, ${path === '' ? 'the outcome' : path}`, `    Odradek: ${short(ours)}`, `    Kafka:   ${short(kafka)}`);
  }
  if (differences.length > 12) lines.push(`  and ${differences.length - 12} more`);
  if (first !== undefined) lines.push(`  whole, Odradek: ${short(first.answers.ours, 1500)}`, `  whole, Kafka:   ${short(first.answers.kafka, 1500)}`);
  return lines.join('\n');
}

function sentence(step: Step, index: number): string {
  const { api, version, connection, clientId, mangling } = step;
  const words = [`${index + 1}. ${api} v${version} on connection ${connection}`];
  if (clientId !== 'twin' && clientId !== 'reader') words.push(`as ${JSON.stringify(clientId)}`);
  if (step.pending === true || step.inFlight === true) words.push('without waiting');
  if (mangling !== undefined) words.push(`spoilt ${JSON.stringify(mangling)}`);
  return `${words.join(' ')}: ${short(prune(requestModel(apiNamed.get(api)!.key), step.body, version), 900)}`;
}

function short(value: unknown, most = 400): string {
  const text = JSON.stringify(readable(value)) ?? 'nothing';
  return text.length > most ? `${text.slice(0, most)}… (${text.length} characters)` : text;
}

function readable(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return typeof value === 'string' && value.length > 120 ? `${value.slice(0, 20)}… (${value.length})` : value;
  if (ArrayBuffer.isView(value)) return `0x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex').slice(0, 80)}`;
  if (Array.isArray(value)) return value.map(readable);
  if (isReference(value)) return `<${value.$}>`;
  if (isBatch(value)) return readable(value.$batch);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, readable(each)]));
}
