// docs/configuration.md and the warnings at start claim which keys have an effect. Here the claim is held to the sources.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { brokerDefinitions, topicDefinitions } from '../../src/config/definitions.js';
import { honouredBrokerKeys, honouredTopicKeys } from '../../src/config/honoured.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function sourcesUnder(path: string): string[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory() ? sourcesUnder(join(path, entry.name)) : entry.name.endsWith('.ts') ? [join(path, entry.name)] : []);
}

/** Everything that acts on settings, rather than defining or describing them. (The protocol layer knows none.) */
const acting = sourcesUnder('src').filter(path => !/^src.(config|protocol)/.test(path)).map(read).join('\n');

/** Keys that are asked for by name: config.number('num.io.threads'). */
function asked(source: string): Set<string> {
  return new Set([...source.matchAll(/\.(?:number|optionalNumber|boolean|string|list|text|get|isSet)\('([a-z0-9.]+)'\)/g)].map(match => match[1]!));
}

/** Topic keys whose field of TopicConfig somebody outside reads. */
function topicKeysInUse(): Set<string> {
  const assembled = read('src/config/topic-config.ts');
  const literal = assembled.slice(assembled.indexOf('const policies'));
  const used = new Set<string>();
  for (const [, field, expression] of literal.matchAll(/^ {4}(\w+): (.*),$/gm)) {
    if (!new RegExp(`\\.${field!}\\b`).test(acting)) continue;
    for (const [, key] of expression!.matchAll(/'([a-z.]+)'/g)) if (topicDefinitions.has(key!)) used.add(key!);
  }
  if (/policies/.test(literal) && /\.compact\b/.test(acting)) used.add('cleanup.policy');
  // Consumers that do not know zstd are kept from such a topic; what the key is for, recompression, is not there.
  used.delete('compression.type');
  // Where it is off old fetches are refused as by Kafka; where it is on they are refused too.
  used.delete('message.downconversion.enable');
  // What bound() falls back on.
  if (used.has('message.timestamp.after.max.ms')) used.add('message.timestamp.difference.max.ms');
  // The controller reads this one where it elects.
  if (asked(acting).has('unclean.leader.election.enable')) used.add('unclean.leader.election.enable');
  return used;
}

test('the topic keys said to have an effect are those somebody acts on', () => {
  expect([...honouredTopicKeys].sort()).toEqual([...topicKeysInUse()].sort());
});

test('the broker keys said to have an effect are those somebody acts on', () => {
  const used = new Set([...asked(acting)].filter(key => brokerDefinitions.has(key)));
  // What BrokerConfig turns into fields: listeners, directories, identity, coordination.
  for (const key of asked(read('src/config/broker-config.ts'))) used.add(key);
  for (const key of asked(read('src/config/settings.ts'))) used.add(key);
  for (const key of ['advertised.listeners', 'control.plane.listener.name', 'inter.broker.listener.name', 'security.inter.broker.protocol', 'broker.id.generation.enable']) used.add(key);
  used.add('node.id');
  for (const key of topicKeysInUse()) {
    for (const fallback of topicDefinitions.get(key)?.from ?? []) used.add(typeof fallback === 'string' ? fallback : fallback.name);
  }
  const claimed = Object.values(honouredBrokerKeys).flat();
  expect(new Set(claimed).size).toBe(claimed.length);
  expect([...claimed].sort()).toEqual([...used].sort());
  for (const key of claimed) expect(brokerDefinitions.has(key), key).toBe(true);
});

test('docs/configuration.md lists them, and no others', () => {
  const page = read('docs/configuration.md');
  const section = (title: string): string => page.slice(page.indexOf(`## ${title}`)).split(/\n## /)[0]!.split('\n\n')[1]!;
  const keys = (text: string): string[] => [...text.matchAll(/`([a-z0-9.]+)`/g)].map(match => match[1]!).sort();
  expect(keys(section('Broker keys with effect today'))).toEqual(Object.values(honouredBrokerKeys).flat().sort());
  expect(keys(section('Topic keys with effect today'))).toEqual([...honouredTopicKeys].sort());
});
