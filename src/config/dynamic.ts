// Which settings of brokers may be changed while they run, and to what (DynamicBrokerConfig.scala). What is wrong is told in
// Kafka's words, and of several mistakes the one that Kafka comes upon first.
import { javaPropertiesOrder } from '../base/java-order.js';
import type { Definition } from './definition.js';
import { brokerDefinitions } from './definitions.js';
import type { ConfigProblem } from './problem.js';
import { definitionOf, ofOneListener, type Settings, type Texts } from './settings.js';
import { parseValue, ValueError } from './values.js';

// Of one listener, and yet of every broker alike where they are set for the cluster.
const OF_LISTENERS_OF_ALL: ReadonlySet<string> = new Set(['max.connections', 'max.connection.creation.rate', 'num.network.threads']);
/** Certificates differ from listener to listener (SslConfigs.RECONFIGURABLE_CONFIGS). */
const ONLY_OF_ONE_LISTENER: ReadonlySet<string> = new Set([
  'ssl.key.password', 'ssl.keystore.certificate.chain', 'ssl.keystore.key', 'ssl.keystore.location', 'ssl.keystore.password',
  'ssl.keystore.type', 'ssl.truststore.certificates', 'ssl.truststore.location', 'ssl.truststore.password', 'ssl.truststore.type',
]);
const PASSWORDS = [...brokerDefinitions.values()].filter(({ type, dynamic }) => type === 'password' && dynamic !== undefined).map(({ name }) => name);

/** A password that may be set dynamically: ZooKeeper holds it encoded. */
export function isDynamicPassword(key: string): boolean {
  return PASSWORDS.some(name => key.endsWith(name));
}

/** Why none can be set here: they lie encoded in ZooKeeper, and nothing here would use them. */
export function passwordFault(settings: Settings): string {
  return settings.isSet('password.encoder.secret') ? 'Passwords cannot be encoded by this version' : 'Password encoder secret not configured';
}

/** Why these cannot be one broker's dynamic settings, or everybody's. Undefined: nothing is wrong with them by themselves. */
export function dynamicFault(texts: Texts, perBroker: boolean): string | undefined {
  const names = javaPropertiesOrder([...texts.keys()]);
  return told('Cannot update these configs dynamically', names.filter(isStatic))
    ?? told('These security configs can be dynamically updated only per-listener using the listener prefix', names.filter(name => ONLY_OF_ONE_LISTENER.has(name)), 'HashSet')
    ?? valueFault(texts)
    ?? (perBroker ? undefined : told('Cannot update these configs at default cluster level, broker id must be specified', names.filter(isOfOneBroker)));
}

/** Without what cannot be used: anybody can write to ZooKeeper. */
export function usableTexts(texts: Texts, perBroker: boolean, problems: ConfigProblem[]): Texts {
  const usable = new Map<string, string>();
  for (const [key, text] of texts) {
    const message = dynamicFault(new Map([[key, text]]), perBroker);
    if (message === undefined) usable.set(key, text);
    else problems.push({ key, message });
  }
  return usable;
}

function isStatic(key: string): boolean {
  const definition = brokerDefinitions.get(key);
  return definition !== undefined && definition.dynamic === undefined;
}

function isOfOneBroker(key: string): boolean {
  const general = ofOneListener(key);
  return general === undefined ? brokerDefinitions.get(key)?.dynamic === 'per-broker' : !OF_LISTENERS_OF_ALL.has(general);
}

function valueFault(texts: Texts): string | undefined {
  for (const [key, text] of texts) {
    const definition = definitionOf(key);
    // ZooKeeper holds passwords encoded, and a static one is refused whatever its value.
    if (definition === undefined || isStatic(definition.name)) continue;
    const fault = faultOf(definition, text);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOf(definition: Definition, text: string): string | undefined {
  // A class is loaded to be looked at, and there are none of Java's here but the one that is the default.
  if (definition.type === 'class' && text.trim() !== definition.default) return invalid(text, definition.name, `Class ${text} could not be found.`);
  try {
    parseValue(definition, text);
    return undefined;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return invalid(error.shown ?? text, definition.name, error.message);
  }
}

function invalid(value: string, key: string, reason: string): string {
  return `Invalid value ${value} for configuration ${key}: ${reason}`;
}

/** As Scala tells a set: it is another class from five elements on, and where it was one of Java's. */
function told(what: string, names: readonly string[], kind = names.length > 4 ? 'HashSet' : 'Set'): string | undefined {
  return names.length === 0 ? undefined : `${what}: ${kind}(${names.join(', ')})`;
}

/** What is wrong with settings that are right each by itself (KafkaConfig.validateValues). */
export function togetherFault(settings: Settings): string | undefined {
  const addresses = perAddressFault(settings.text('max.connections.per.ip.overrides'));
  if (addresses !== undefined) return addresses;
  const unlimitedOrMore = durationFrom(settings, ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']);
  const failed = (message: string): string => `requirement failed: ${message}`;
  if (durationFrom(settings, ['log.roll.ms', 'log.roll.hours']) < 1) return failed('log.roll.ms must be greater than or equal to 1');
  if (durationFrom(settings, ['log.roll.jitter.ms', 'log.roll.jitter.hours']) < 0) return failed('log.roll.jitter.ms must be greater than or equal to 0');
  if (unlimitedOrMore === 0) return failed('log.retention.ms must be unlimited (-1) or, greater than or equal to 1');
  const cleaners = settings.number('log.cleaner.threads');
  if (cleaners === 0) return '/ by zero';
  if (Math.trunc(settings.number('log.cleaner.dedupe.buffer.size') / cleaners) <= 1024 * 1024) return failed('log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.');
  if (settings.number('max.connections.per.ip') === 0 && settings.text('max.connections.per.ip.overrides') === '') {
    return failed('max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.');
  }
  return undefined;
}

/** `address:connections,...` (KafkaConfig.getMap). */
function perAddressFault(text: string): string | undefined {
  for (const each of text === '' ? [] : text.split(/\s*,\s*/)) {
    const colon = each.lastIndexOf(':');
    if (colon < 0) return `Error parsing configuration property 'max.connections.per.ip.overrides': begin 0, end -1, length ${each.length}`;
    const count = each.slice(colon + 1).trim();
    if (!/^[+-]?[0-9]+$/.test(count)) return `For input string: "${count}"`;
  }
  return undefined;
}

/** The first of the names that has a value. Only its sign and whether it is nothing matter, so no unit does. */
function durationFrom(settings: Settings, names: readonly string[]): number {
  for (const name of names) {
    const { value } = settings.get(name);
    if (typeof value === 'number') return value;
  }
  return 1;
}

/** Why a broker cannot go from the settings it has to others. */
export function changeFault(before: Settings, after: Settings): string | undefined {
  const together = togetherFault(after);
  if (together !== undefined) return together;
  const listeners = LISTENERS.find(each => after.get(each).text !== before.get(each).text);
  // Kafka opens and closes listeners here; we do at a start only.
  if (listeners !== undefined) return `${listeners} cannot be changed while this broker runs: set it in its file and start it again`;
  for (const check of [connectionFault, reporterFault, threadFault, localRetentionFault, cleanerFault]) {
    const fault = check(before, after);
    // Kafka means to name the cause of this exception, and calls the constructor for an invalid value.
    if (fault !== undefined) return `Invalid value org.apache.kafka.common.config.ConfigException: ${fault} for configuration Invalid dynamic configuration`;
  }
  return undefined;
}

const LISTENERS = ['listeners', 'advertised.listeners', 'listener.security.protocol.map'];

type ChangeCheck = (before: Settings, after: Settings) => string | undefined;

const connectionFault: ChangeCheck = (before, after) => {
  const key = ['max.connections', 'max.connection.creation.rate'].find(each => after.number(each) !== before.number(each) && after.number(each) <= 0);
  return key === undefined ? undefined : `Invalid ${key} ${after.number(key)}`;
};

const reporterFault: ChangeCheck = (before, after) => {
  const key = 'metric.reporters';
  if (after.text(key) === before.text(key) || after.text(key) === '') return undefined;
  return `Validation of dynamic config update of Set(${key}) failed with class class kafka.server.DynamicMetricsReporters`;
};

const POOLS = ['num.network.threads', 'num.io.threads', 'num.replica.fetchers', 'num.recovery.threads.per.data.dir', 'background.threads'];

const threadFault: ChangeCheck = (before, after) => {
  for (const key of POOLS) {
    const [old, asked] = [before.number(key), after.number(key)];
    if (asked === old) continue;
    const failed = `Dynamic thread count update validation failed for ${key}=${asked}`;
    if (asked <= 0) return `${failed}, value should be at least 1`;
    if (asked < Math.trunc(old / 2)) return `${failed}, value should be at least half the current value ${old}`;
    if (asked > old * 2) return `${failed}, value should not be greater than double the current value ${old}`;
  }
  return undefined;
};

const localRetentionFault: ChangeCheck = (before, after) => {
  const changed = ['log.retention.ms', 'log.local.retention.ms', 'log.retention.bytes', 'log.local.retention.bytes'].some(key => after.get(key).text !== before.get(key).text);
  return changed ? localFault(after, 'ms', retentionMs(after)) ?? localFault(after, 'bytes', after.number('log.retention.bytes')) : undefined;
};

const MS_PER = { 'log.retention.ms': 1, 'log.retention.minutes': 60_000, 'log.retention.hours': 3_600_000 };

function retentionMs(settings: Settings): number {
  for (const [key, unit] of Object.entries(MS_PER)) {
    const { value } = settings.get(key);
    if (typeof value === 'number') return value < 0 ? -1 : value * unit;
  }
  return -1;
}

/** -2 is "as the whole"; more than the whole is none. */
function localFault(settings: Settings, unit: 'ms' | 'bytes', whole: number): string | undefined {
  const key = `log.local.retention.${unit}`;
  const local = settings.number(key);
  if (whole < 0 || local === -2) return undefined;
  if (local === -1) return invalid('-1', key, `Value must not be -1 as log.retention.${unit} value is set as ${whole}.`);
  return local > whole ? invalid(String(local), key, `Value must not be more than log.retention.${unit} property value: ${whole}`) : undefined;
}

const cleanerFault: ChangeCheck = (before, after) => {
  if (!before.boolean('log.cleaner.enable')) return undefined;
  const [old, asked] = [before.number('log.cleaner.threads'), after.number('log.cleaner.threads')];
  if (asked < Math.trunc(old / 2)) return `Log cleaner threads cannot be reduced to less than half the current value ${old}`;
  return asked > old * 2 ? `Log cleaner threads cannot be increased to more than double the current value ${old}` : undefined;
};
