// What DescribeConfigs answers for topics and brokers: every key, its value in force, and every place it could have come
// from, nearest first (ConfigHelper.scala).
import type { Definition, ValueType } from './definition.js';
import { brokerDefinitions, topicDefinitions } from './definitions.js';
import { synonymsOf, type Settings, type Texts } from './settings.js';
import { topicValue } from './topic-config.js';

export const ConfigSource = { topic: 1, dynamicBroker: 2, dynamicDefaultBroker: 3, staticBroker: 4, default: 5 } as const;
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
  /** The only hint of a source in version 0. */
  readonly isDefault: boolean;
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
  return [...topicDefinitions.values()].filter(wanted(options)).map(definition => {
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
  const known = [...brokerDefinitions.values()].filter(({ name, internal }) => !internal || settings.isSet(name));
  const unknown = [...new Set([...fixed.keys(), ...dynamicBroker.keys(), ...dynamicDefault.keys()])].filter(name => !brokerDefinitions.has(name));
  return [
    ...known.filter(wanted(options)).map(definition => {
      const sensitive = definition.type === 'password';
      const text = sensitive ? null : settings.get(definition.name).text;
      const synonyms = brokerSynonyms(definition.name, settings, sensitive);
      return entry(definition, text, synonyms, definition.dynamic === undefined, options);
    }),
    // A key nobody knows could hold a password: it is named, and its value is not shown.
    ...unknown.map(name => ({ name })).filter(wanted(options)).map(({ name }) => unknownEntry(name, settings, options)),
  ];
}

/** The defaults that hold for every broker of the cluster: only what was set. */
export function describeClusterDefault(settings: Settings, options: DescribeOptions): ConfigEntry[] {
  const set = [...settings.layers.dynamicDefault.keys()].map(name => brokerDefinitions.get(name)).filter(found => found !== undefined);
  return set.filter(wanted(options)).map(definition => {
    const { name, type } = definition;
    const sensitive = type === 'password';
    const synonyms = brokerSynonyms(name, settings, sensitive).filter(({ source }) => source === ConfigSource.dynamicDefaultBroker);
    const text = sensitive ? null : settings.layers.dynamicDefault.get(name) ?? null;
    return entry(definition, text, synonyms, definition.dynamic === undefined, options);
  });
}

function wanted({ keys }: DescribeOptions): (definition: { readonly name: string }) => boolean {
  if (keys === null || keys.length === 0) return () => true;
  const names = new Set(keys);
  return ({ name }) => names.has(name);
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

function entry(definition: Definition, value: string | null, synonyms: readonly ConfigSynonym[], readOnly: boolean, options: DescribeOptions): ConfigEntry {
  const configSource = synonyms[0]?.source ?? ConfigSource.default;
  return {
    name: definition.name,
    value,
    readOnly,
    isDefault: configSource === ConfigSource.default,
    configSource,
    isSensitive: definition.type === 'password',
    synonyms: options.includeSynonyms ? synonyms : [],
    configType: TYPE_IDS[definition.type],
    documentation: null,
  };
}

function unknownEntry(name: string, settings: Settings, options: DescribeOptions): ConfigEntry {
  const synonyms = brokerSynonyms(name, settings, true);
  const configSource = synonyms[0]?.source ?? ConfigSource.default;
  return {
    name, value: null, readOnly: true, isDefault: false, configSource, isSensitive: true,
    synonyms: options.includeSynonyms ? synonyms : [], configType: 0, documentation: null,
  };
}
