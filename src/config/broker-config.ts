// The configuration of one broker: checked once as a whole, then asked by key. What many ask, and what takes parsing
// beyond one key, is a field. Building it touches nothing outside: no file, no name service.
import { invariant } from '../base/invariant.js';
import { brokerDefinitions, dynamicOnlyDefinitions, kraftKeyNames, type BrokerKey } from './definitions.js';
import { changeFault, dynamicFault, togetherFault, usableTexts } from './dynamic.js';
import { isHonoured } from './honoured.js';
import { parseListeners, type Listeners } from './listeners.js';
import { ownDefaults } from './own-defaults.js';
import { ConfigError, type ConfigProblem } from './problem.js';
import { checkRules } from './rules.js';
import { definitionOf, Settings, type Texts } from './settings.js';
import { parseValue, ValueError } from './values.js';

const NONE: Texts = new Map();

export class BrokerConfig {
  readonly listeners: Listeners;
  /** As written; relative ones are relative to the working directory. */
  readonly logDirs: readonly string[];
  /** -1: take the one in meta.properties, else have one generated. */
  readonly brokerId: number;
  /** null: embedded coordination. */
  readonly zookeeperConnect: string | null;
  /** Where embedded coordination keeps its tree. Beside the log directories: in one, it would stop Kafka from starting there. */
  readonly embeddedDir: string;
  /** Keys that were set and do nothing here. */
  readonly warnings: readonly ConfigProblem[];
  #settings: Settings;
  readonly #watchers = new Set<(config: BrokerConfig) => void>();

  private constructor(settings: Settings, listeners: Listeners, warnings: readonly ConfigProblem[]) {
    this.#settings = settings;
    this.listeners = listeners;
    this.warnings = warnings;
    this.logDirs = settings.logDirs();
    this.brokerId = settings.number('broker.id');
    this.embeddedDir = settings.get('odradek.embedded.dir').text ?? (logDirsSet(settings) ? `${this.logDirs[0]}-zookeeper` : './data/zookeeper');
    this.zookeeperConnect = settings.isSet('zookeeper.connect') ? settings.text('zookeeper.connect') : null;
  }

  /** Throws ConfigError with every mistake. `hostName` is advertised for listeners that name no host, unless embedded. */
  static from(properties: Texts, hostName: string): BrokerConfig {
    const problems: ConfigProblem[] = [];
    const usable = new Map([...properties].filter(([key, text]) => !addValueProblem(key, text, problems)));
    sameValue(usable, 'broker.id', 'node.id');
    const embedded = !properties.has('zookeeper.connect');
    const settings = new Settings({ dynamicBroker: NONE, dynamicDefault: NONE, fixed: usable, ownDefaults: ownDefaults(embedded) });
    problems.push(...checkRules(settings));
    const listeners = readListeners(settings, embedded ? 'localhost' : hostName, problems);
    if (problems.length > 0) throw new ConfigError(problems);
    return new BrokerConfig(settings, listeners, [...properties.keys()].flatMap(warningFor));
  }

  get embedded(): boolean {
    return this.zookeeperConnect === null;
  }

  /** The layers in force, for DescribeConfigs and for topics' defaults. */
  get settings(): Settings {
    return this.#settings;
  }

  number(key: BrokerKey<'int' | 'long' | 'short' | 'double'>): number {
    return this.#settings.number(key);
  }

  /** For keys whose default is to be unset. */
  optionalNumber(key: BrokerKey<'int' | 'long' | 'short' | 'double'>): number | null {
    const { value } = this.#settings.get(key);
    invariant(value === null || typeof value === 'number', `${key} is no number`);
    return value;
  }

  boolean(key: BrokerKey<'boolean'>): boolean {
    return this.#settings.boolean(key);
  }

  string(key: BrokerKey<'string' | 'class' | 'password'>): string | null {
    return this.#settings.get(key).text;
  }

  list(key: BrokerKey<'list'>): readonly string[] {
    const { value } = this.#settings.get(key);
    return Array.isArray(value) ? value as readonly string[] : [];
  }

  /** Null: a session without a limit of its own on connecting. */
  get zookeeperConnectionTimeoutMs(): number {
    return this.optionalNumber('zookeeper.connection.timeout.ms') ?? this.number('zookeeper.session.timeout.ms');
  }

  /**
   * What /config/brokers says now, this broker's and everybody's. What cannot be used is left out, as Kafka does, and told; of
   * settings that do not go together none is taken.
   */
  applyDynamic(broker: Texts, everybody: Texts): ConfigProblem[] {
    const problems: ConfigProblem[] = [];
    const changed = new Settings({ ...this.#settings.layers, dynamicBroker: usableTexts(broker, true, problems), dynamicDefault: usableTexts(everybody, false, problems) });
    const together = togetherFault(changed);
    if (together !== undefined) return [...problems, { key: 'dynamic settings', message: together }];
    this.#settings = changed;
    for (const watcher of this.#watchers) watcher(this);
    return problems;
  }

  /** Why this broker's dynamic settings, or everybody's, cannot become these. */
  dynamicFault(texts: Texts, perBroker: boolean): string | undefined {
    return dynamicFault(texts, perBroker)
      ?? changeFault(this.#settings, new Settings({ ...this.#settings.layers, [perBroker ? 'dynamicBroker' : 'dynamicDefault']: texts }));
  }

  /** Called after each dynamic change. Returns how to stop it. */
  onChange(watcher: (config: BrokerConfig) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

/** One setting under two names: whichever is set stands for the other. */
function sameValue(texts: Map<string, string>, one: string, other: string): void {
  const text = texts.get(one) ?? texts.get(other);
  if (text === undefined) return;
  if (!texts.has(one)) texts.set(one, text);
  if (!texts.has(other)) texts.set(other, text);
}

function logDirsSet(settings: Settings): boolean {
  return settings.isSet('log.dirs') || settings.isSet('log.dir');
}

function addValueProblem(key: string, text: string, problems: ConfigProblem[]): boolean {
  const definition = definitionOf(key);
  if (definition === undefined) return false;
  try {
    parseValue(definition, text);
    return false;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    problems.push({ key, message: `invalid value ${text}: ${error.message}` });
    return true;
  }
}

function readListeners(settings: Settings, hostName: string, problems: ConfigProblem[]): Listeners {
  const ifSet = (key: string): string | undefined => settings.isSet(key) ? settings.text(key) : undefined;
  return parseListeners({
    listeners: settings.text('listeners'),
    advertised: ifSet('advertised.listeners'),
    protocolMap: settings.text('listener.security.protocol.map'),
    interBrokerName: ifSet('inter.broker.listener.name'),
    interBrokerProtocol: ifSet('security.inter.broker.protocol'),
    hostName,
  }, problems);
}

function warningFor(key: string): ConfigProblem[] {
  if (isHonoured(key)) return [];
  if (kraftKeyNames.has(key)) return [{ key, message: 'belongs to the KRaft mode and has no effect' }];
  if (brokerDefinitions.has(key)) return [{ key, message: 'has no effect yet in this version' }];
  if (dynamicOnlyDefinitions.has(key)) return [{ key, message: 'has an effect only where it is set while the broker runs' }];
  if (definitionOf(key) !== undefined) return [{ key, message: 'settings of one listener have no effect yet' }];
  return [{ key, message: 'unknown key, ignored' }];
}
