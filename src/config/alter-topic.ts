// Changing settings: what a topic's overrides must satisfy (a broker's: dynamic.ts), and what incremental operations make of
// the set there is. Both answer as values; the handler adds which resource it was about.
import type { Definition } from './definition.js';
import { topicDefinitions } from './definitions.js';
import type { Settings, Texts } from './settings.js';
import { topicValue } from './topic-config.js';
import { parseValue, ValueError } from './values.js';

/** INVALID_REQUEST: the request itself is malformed. INVALID_CONFIG: a key or a value is. */
export interface AlterRefusal {
  readonly error: 'INVALID_REQUEST' | 'INVALID_CONFIG';
  readonly message: string;
  /** A value is at fault: where settings are altered, the resource is named with it (ConfigException of Kafka). */
  readonly ofValue?: boolean;
}

export interface ConfigOperation {
  readonly name: string;
  /** An Operation, or what somebody sent in place of one. */
  readonly operation: number;
  readonly value: string | null;
}

export type Altered = { readonly overrides: Texts } | { readonly refusal: AlterRefusal };

export const Operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

/** Null says nothing of what a setting of a new topic is to be. */
export function nullOverrides(overrides: Iterable<readonly [string, string | null]>): AlterRefusal | undefined {
  const nulls = [...overrides].filter(([, value]) => value === null).map(([name]) => name);
  return nulls.length === 0 ? undefined : invalidConfig(`Null value not supported for topic configs: ${nulls.join(',')}`);
}

/** Checks a whole set of overrides, for CreateTopics and AlterConfigs. */
export function checkTopicOverrides(overrides: Texts, settings: Settings): AlterRefusal | undefined {
  // All names before any value, as LogConfig.validate does it.
  const unknown = [...overrides.keys()].find(name => !topicDefinitions.has(name));
  if (unknown !== undefined) return invalidConfig(`Unknown topic config name: ${unknown}`);
  for (const name of topicDefinitions.keys()) {
    const text = overrides.get(name);
    const refusal = text === undefined ? undefined : checkOne(name, text);
    if (refusal) return refusal;
  }
  return checkTogether(overrides, settings);
}

/** Whether operations can be carried out together at all: none touches a key twice, none lacks a value. */
export function checkOperations(operations: readonly ConfigOperation[]): AlterRefusal | undefined {
  const names = operations.map(({ name }) => name);
  if (new Set(names).size < names.length) return invalidRequest('Error due to duplicate config keys');
  const nulls = operations.filter(({ operation, value }) => operation !== Operation.delete && value === null);
  return nulls.length === 0 ? undefined : invalidRequest(`Null value not supported for : ${nulls.map(({ name }) => name).join(', ')}`);
}

/** What operations make of the overrides there are. Whether that is a legal set is another question. */
export function applyOperations(current: Texts, operations: readonly ConfigOperation[], definitions: Definitions = topicDefinitions): Altered {
  const overrides = new Map(current);
  for (const operation of operations) {
    const refusal = applyOne(overrides, operation, definitions);
    if (refusal) return { refusal };
  }
  return { overrides };
}

type Definitions = ReadonlyMap<string, Definition>;

function applyOne(overrides: Map<string, string>, { name, operation, value }: ConfigOperation, definitions: Definitions): AlterRefusal | undefined {
  const text = value ?? '';
  switch (operation) {
    case Operation.set:
      overrides.set(name, text);
      return undefined;
    case Operation.delete:
      overrides.delete(name);
      return undefined;
    case Operation.append: case Operation.subtract:
      return alterList(overrides, name, operation, text, definitions);
    default:
      return invalidRequest(`Unknown operations type ${operation}`);
  }
}

// A list nobody has set starts as the key's own default, not the broker's (ConfigAdminManager.prepareIncrementalConfigs).
function alterList(overrides: Map<string, string>, name: string, operation: number, text: string, definitions: Definitions): AlterRefusal | undefined {
  const definition = definitions.get(name);
  if (definition === undefined) return invalidConfig(`Unknown config name: ${name}`);
  if (definition.type !== 'list') {
    const what = operation === Operation.append ? 'append' : 'subtract';
    return invalidConfig(`Config value ${what} is not allowed for config key: ${name}`);
  }
  const before = (overrides.get(name) ?? definition.default ?? '').split(',').filter(item => item !== '');
  const given = text.split(',');
  const after = operation === Operation.append
    ? [...before, ...given.filter(item => !before.includes(item))]
    : withoutEach(before, given);
  overrides.set(name, after.join(','));
  return undefined;
}

/** Each given item takes one equal item away, not all. */
function withoutEach(items: readonly string[], given: readonly string[]): string[] {
  const rest = [...items];
  for (const item of given) {
    const at = rest.indexOf(item);
    if (at >= 0) rest.splice(at, 1);
  }
  return rest;
}

function checkOne(name: string, text: string): AlterRefusal | undefined {
  try {
    parseValue(topicDefinitions.get(name)!, text);
    return undefined;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return { ...invalidConfig(`Invalid value ${error.shown ?? text} for configuration ${name}: ${error.message}`), ofValue: true };
  }
}

function checkTogether(overrides: Texts, settings: Settings): AlterRefusal | undefined {
  const text = (name: string): string => topicValue(name, overrides, settings).text ?? '';
  if (BigInt(text('min.compaction.lag.ms')) > BigInt(text('max.compaction.lag.ms'))) {
    return invalidConfig('conflict topic config setting min.compaction.lag.ms '
      + `(${text('min.compaction.lag.ms')}) > max.compaction.lag.ms (${text('max.compaction.lag.ms')})`);
  }
  // Tiered storage is refused at the broker too (rules.ts); its companions exist in KRaft mode only.
  if (['remote.log.delete.on.disable', 'remote.log.copy.disable'].some(name => text(name) === 'true')) {
    return invalidConfig("It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` under Zookeeper's mode.");
  }
  if (text('remote.storage.enable') !== 'true') return undefined;
  return { ...invalidConfig('Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.'), ofValue: true };
}

function invalidConfig(message: string): AlterRefusal {
  return { error: 'INVALID_CONFIG', message };
}

function invalidRequest(message: string): AlterRefusal {
  return { error: 'INVALID_REQUEST', message };
}
