// What DescribeConfigs answers for topics and brokers: every key, its value in force, and every place it could have come
// from, nearest first (ConfigHelper.scala).
import type { Definition, ValueType } from './definition.js';
import { brokerDefinitions, topicDefinitions } from './definitions.js';
import { definitionOf, synonymsOf, type Settings, type Texts } from './settings.js';
import { topicValue } from './topic-config.js';

export const ConfigSource = { topic: 1, dynamicBroker: 2, dynamicDefaultBroker: 3, staticBroker: 4, default: 5, dynamicBrokerLogger: 6 } as const;
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
}

/** The fields of one DescribeConfigsResourceResult. */
export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: ConfigSource;
  readonly isSensitive: boolean;
  readonly synonyms: readonly ConfigSynonym[];
  readonly configType: number;
  readonly documentation: null;
}

export interface DescribeOptions {
  /** null or empty: all. */
  readonly keys: readonly string[] | null;
  readonly includeSynonyms: boolean;
}

const TYPE_IDS: Readonly<Record<ValueType, number>> =
  { boolean: 1, string: 2, int: 3, short: 4, long: 5, double: 6, list: 7, class: 8, password: 9 };

export function describeTopic(overrides: Texts, settings: Settings, options: DescribeOptions): ConfigEntry[] {
  const isWanted = wanted(options);
  return [...topicDefinitions.values()].filter(({ name }) => isWanted(name)).map(definition => {
    const { name } = definition;
    const { text } = topicValue(name, overrides, settings);
    const first = definition.from?.[0];
    const behind = first === undefined ? [] : brokerSynonyms(typeof first === 'string' ? first : first.name, settings, false);
    const own: ConfigSynonym[] = overrides.has(name) ? [{ name, value: text, source: ConfigSource.topic }] : [];
    return entry(definition, text, [...own, ...behind], false, options);
  });
}

/** This broker: every key that is public or was set. */
export function describeBroker(settings: Settings, options: DescribeOptions): ConfigEntry[] {
  const { fixed, dynamicBroker, dynamicDefault } = settings.layers;
  const known = [...brokerDefinitions.values()].filter(({ name, internal }) => !internal || settings.isSet(name)).map(({ name }) => name);
  const others = [...fixed.keys(), ...dynamicBroker.keys(), ...dynamicDefault.keys()].filter(name => !brokerDefinitions.has(name));
  return [...known, ...new Set(others)].filter(wanted(options)).map(name => {
    const definition = definitionOf(name);
    if (definition === undefined) return entry(unknownKey(name), null, brokerSynonyms(name, settings, true), true, options);
    const sensitive = isSensitive(definition);
    const text = sensitive ? null : settings.get(name).text;
    return entry({ ...definition, name }, text, brokerSynonyms(name, settings, sensitive), isReadOnly(name), options);
  });
}

/** The defaults that hold for every broker of the cluster: only what was set. */
export function describeClusterDefault(settings: Settings, options: DescribeOptions): ConfigEntry[] {
  return [...settings.layers.dynamicDefault].filter(([name]) => wanted(options)(name)).map(([name, text]) => {
    const definition = definitionOf(name) ?? unknownKey(name);
    const sensitive = isSensitive(definition);
    const synonyms = brokerSynonyms(name, settings, sensitive).filter(({ source }) => source === ConfigSource.dynamicDefaultBroker);
    return entry({ ...definition, name }, sensitive ? null : text, synonyms, isReadOnly(name), options);
  });
}

/** Levels of loggers, which are settings of a kind of their own. */
export function describeLoggers(loggers: Iterable<readonly [string, string]>, options: DescribeOptions): ConfigEntry[] {
  return [...loggers].filter(([name]) => wanted(options)(name)).map(([name, value]) => ({
    name, value, readOnly: false, configSource: ConfigSource.dynamicBrokerLogger, isSensitive: false, synonyms: [], configType: 0, documentation: null,
  }));
}

/** As Kafka says it: a key of one listener, and one that is dynamic only, can be changed all the same. */
function isReadOnly(name: string): boolean {
  return brokerDefinitions.get(name)?.dynamic === undefined;
}

type Described = Pick<Definition, 'name' | 'dynamic'> & { readonly type: ValueType | 'unknown' };

function unknownKey(name: string): Described {
  return { name, type: 'unknown' };
}

/** Passwords, and what could be one: the value of a key nobody knows. */
function isSensitive({ type }: Described): boolean {
  return type === 'password' || type === 'unknown';
}

function wanted({ keys }: DescribeOptions): (name: string) => boolean {
  if (keys === null || keys.length === 0) return () => true;
  const names = new Set(keys);
  return name => names.has(name);
}

/** Where a broker setting could come from. Starts at its own name: log.retention.ms unset shows nothing, though hours is set. */
function brokerSynonyms(name: string, settings: Settings, sensitive: boolean): ConfigSynonym[] {
  const { layers } = settings;
  const names = synonymsOf(name);
  const found: ConfigSynonym[] = [];
  const look = (source: ConfigSource, textOf: (key: string) => string | null | undefined): void => {
    for (const key of names) {
      const text = textOf(key);
      if (text !== null && text !== undefined) found.push({ name: key, value: sensitive ? null : text, source });
    }
  };
  look(ConfigSource.dynamicBroker, key => layers.dynamicBroker.get(key));
  look(ConfigSource.dynamicDefaultBroker, key => layers.dynamicDefault.get(key));
  look(ConfigSource.staticBroker, key => layers.fixed.get(key));
  look(ConfigSource.default, key => brokerDefinitions.has(key) ? settings.defaultText(key) : null);
  const start = found.findIndex(synonym => synonym.name === name);
  return start < 0 ? [] : found.slice(start);
}

function entry(definition: Described, value: string | null, synonyms: readonly ConfigSynonym[], readOnly: boolean, options: DescribeOptions): ConfigEntry {
  const configSource = synonyms[0]?.source ?? ConfigSource.default;
  return {
    name: definition.name,
    value,
    readOnly,
    configSource,
    isSensitive: isSensitive(definition),
    synonyms: options.includeSynonyms ? synonyms : [],
    configType: definition.type === 'unknown' ? 0 : TYPE_IDS[definition.type],
    documentation: null,
  };
}
