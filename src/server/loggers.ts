// The loggers of this broker and their levels, for who changes them while it runs (KIP-412; RuntimeLoggerManager.java). Kafka
// has one for each of its classes; here is one log, and its logger is the root of them all.

import { Operation, type AlterRefusal, type ConfigOperation } from '../config/alter-topic.js';
import type { LeveledLogger, LogLevel } from '../base/json-logger.js';

const ROOT = 'root';

/** Log4j's levels, and what is written from there on. Nothing here is fatal, and nothing is finer than debug. */
const LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ['DEBUG', 'debug'], ['ERROR', 'error'], ['FATAL', 'silent'], ['INFO', 'info'], ['TRACE', 'debug'], ['WARN', 'warn'],
]);

export class Loggers {
  readonly #log: LeveledLogger | undefined;
  #level: string;

  /** Without a logger that has a level, one is kept and told all the same. */
  constructor(log: LeveledLogger | undefined) {
    this.#log = log;
    const level = log?.level ?? 'info';
    this.#level = level === 'silent' ? 'OFF' : level.toUpperCase();
  }

  /** Each with its level. */
  *all(): IterableIterator<readonly [string, string]> {
    yield [ROOT, this.#level];
  }

  /** Undefined: done, or right to do. */
  alter(operations: readonly ConfigOperation[], validateOnly: boolean): AlterRefusal | undefined {
    for (const each of operations) {
      const refusal = this.#refusal(each);
      if (refusal !== undefined) return refusal;
    }
    if (!validateOnly) for (const { value } of operations) this.#set(value!);
    return undefined;
  }

  #set(level: string): void {
    this.#level = level;
    if (this.#log !== undefined) this.#log.level = LEVELS.get(level)!;
  }

  #refusal({ name, operation, value }: ConfigOperation): AlterRefusal | undefined {
    switch (operation) {
      case Operation.set:
        if (name !== ROOT) return unknown(name);
        if (value !== null && LEVELS.has(value)) return undefined;
        return invalidConfig(`Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${[...LEVELS.keys()].join(', ')}`);
      case Operation.delete:
        return name === ROOT ? invalidRequest(`Removing the log level of the ${ROOT} logger is not allowed`) : unknown(name);
      case Operation.append: return invalidRequest('APPEND operation is not allowed for the BROKER_LOGGER resource');
      case Operation.subtract: return invalidRequest('SUBTRACT operation is not allowed for the BROKER_LOGGER resource');
      default: return invalidRequest(`Unknown operation type ${operation} is not allowed for the BROKER_LOGGER resource`);
    }
  }
}

function unknown(name: string): AlterRefusal {
  return invalidConfig(`Logger ${name} does not exist!`);
}

function invalidConfig(message: string): AlterRefusal {
  return { error: 'INVALID_CONFIG', message };
}

function invalidRequest(message: string): AlterRefusal {
  return { error: 'INVALID_REQUEST', message };
}
