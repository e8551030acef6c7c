// server.properties and --override to a BrokerConfig. Reads one file and writes nothing.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { BrokerConfig } from './broker-config.js';
import { ConfigError, type ConfigProblem } from './problem.js';
import { parseProperties } from './properties.js';

export interface ConfigSources {
  /** A server.properties. */
  readonly file?: string;
  /** `key=value` each; they win over the file, the last of a key over those before it. */
  readonly overrides?: readonly string[];
  /** What the machine calls itself; handed in by tests. */
  readonly hostName?: string;
}

export function loadConfig({ file, overrides = [], hostName = hostname() }: ConfigSources): BrokerConfig {
  const problems: ConfigProblem[] = [];
  const properties = new Map(file === undefined ? [] : readProperties(file, problems));
  for (const override of overrides) {
    const equals = override.indexOf('=');
    if (equals <= 0) problems.push({ key: override, message: 'an override is key=value' });
    else properties.set(override.slice(0, equals).trim(), override.slice(equals + 1));
  }
  try {
    const config = BrokerConfig.from(properties, hostName);
    if (problems.length === 0) return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  throw new ConfigError(problems);
}

function readProperties(file: string, problems: ConfigProblem[]): [string, string][] {
  try {
    return parseProperties(readFileSync(file, 'latin1'));
  } catch (error) {
    problems.push({ key: file, message: `cannot be read: ${(error as Error).message}` });
    return [];
  }
}
