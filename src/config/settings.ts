// The layers a broker setting can come from, and what they add up to. Precedence as DynamicBrokerConfig has it: this
// broker's dynamic value, the cluster's dynamic value, the file, the default.
import { invariant } from '../base/invariant.js';
import type { Definition } from './definition.js';
import { brokerDefinitions, dynamicOnlyDefinitions, type DynamicOnlyKey } from './definitions.js';
import { parseValue, type Parsed } from './values.js';

export type Texts = ReadonlyMap<string, string>;

export interface Layers {
  readonly dynamicBroker: Texts;
  readonly dynamicDefault: Texts;
  readonly fixed: Texts;
  /** Defaults that differ from the definitions'. */
  readonly ownDefaults: Texts;
}

/** What a rule may ask. */
export interface SettingsView {
  isSet(key: string): boolean;
  number(key: string): number;
  boolean(key: string): boolean;
  text(key: string): string;
  logDirs(): readonly string[];
}

// Two names for one setting, the more precise first: setting either one dynamically overrides both (DynamicBrokerConfig).
const UNIT_FAMILIES: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
];

const familyOf = new Map(UNIT_FAMILIES.flatMap(family => family.map(name => [name, family] as const)));

// A setting for one listener alone, named after the setting it stands in for.
const OF_ONE_LISTENER = /^listener\.name\.[^.]+\.(.+)$/;

/** The definition of a broker setting, or of the setting that one for a single listener stands in for. */
export function definitionOf(key: string): Definition | undefined {
  return brokerDefinitions.get(key) ?? dynamicOnlyDefinitions.get(key) ?? brokerDefinitions.get(ofOneListener(key) ?? '');
}

/** The setting that one for a single listener stands in for. */
export function ofOneListener(key: string): string | undefined {
  return OF_ONE_LISTENER.exec(key)?.[1];
}

/** The names under which a broker setting may be set, the most precise first. */
export function synonymsOf(key: string): readonly string[] {
  const general = ofOneListener(key);
  return familyOf.get(key) ?? (general === undefined ? [key] : [key, general]);
}

/** One consistent set of layers, parsed on first use. Immutable: a dynamic change makes another. */
export class Settings implements SettingsView {
  readonly layers: Layers;
  readonly #parsed = new Map<string, Parsed>();

  constructor(layers: Layers) {
    this.layers = layers;
  }

  isSet(key: string): boolean {
    const { dynamicBroker, dynamicDefault, fixed } = this.layers;
    return dynamicBroker.has(key) || dynamicDefault.has(key) || fixed.has(key);
  }

  defaultText(key: string): string | null {
    return this.layers.ownDefaults.get(key) ?? definition(key).default;
  }

  /** The value in force. Throws ValueError if its text is a mistake. */
  get(key: string): Parsed {
    let parsed = this.#parsed.get(key);
    if (parsed === undefined) {
      parsed = parseValue(definition(key), this.#textInForce(key) ?? this.defaultText(key));
      this.#parsed.set(key, parsed);
    }
    return parsed;
  }

  #textInForce(key: string): string | undefined {
    const { dynamicBroker, dynamicDefault, fixed } = this.layers;
    for (const layer of [dynamicBroker, dynamicDefault]) {
      const text = layer.get(key);
      if (text !== undefined) return text;
      // Set dynamically in one unit, it is unset in every other, whatever the file says (DynamicBrokerConfig.overrideProps).
      if (layer.size > 0 && familyOf.get(key)?.some(sibling => layer.has(sibling))) return undefined;
    }
    return fixed.get(key);
  }

  /** Of a key that counts only where it was set dynamically. */
  dynamicNumber(key: DynamicOnlyKey): number | undefined {
    const { dynamicBroker, dynamicDefault } = this.layers;
    return dynamicBroker.has(key) || dynamicDefault.has(key) ? this.number(key) : undefined;
  }

  number(key: string): number {
    const { value } = this.get(key);
    invariant(typeof value === 'number', `${key} has no number`);
    return value;
  }

  boolean(key: string): boolean {
    return this.get(key).value === true;
  }

  text(key: string): string {
    return this.get(key).text ?? '';
  }

  logDirs(): readonly string[] {
    const text = this.isSet('log.dirs') ? this.text('log.dirs') : this.text('log.dir');
    return text.split(',').map(dir => dir.trim()).filter(dir => dir !== '');
  }
}

function definition(key: string): Definition {
  const found = definitionOf(key);
  invariant(found !== undefined, `${key} is not a broker setting`);
  return found;
}
