// `odradek start`: configuration, broker, and the broker's end. The process reaches it through a seam, so that a test can
// send signals and read what was printed.
import type { Clock } from '../base/clock.js';
import { jsonLogger, LOG_LEVELS, type LogLevel } from '../base/json-logger.js';
import type { Logger } from '../base/logger.js';
import type { Timers } from '../base/timers.js';
import type { BrokerConfig } from '../config/broker-config.js';
import { loadConfig, type ConfigSources } from '../config/load.js';
import { ConfigError } from '../config/problem.js';

export interface RunningBroker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** Resolves if it stops by itself, with the reason. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

export interface StartOptions {
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** A start that waits for something gives up when it is aborted, and rejects with its reason. */
  readonly stop: AbortSignal;
}

export type StartBroker = (options: StartOptions) => Promise<RunningBroker>;

export interface Process {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly env: Readonly<Record<string, string | undefined>>;
  out(text: string): void;
  error(text: string): void;
  onSignal(heard: (signal: 'SIGTERM' | 'SIGINT') => void): void;
  exit(code: number): void;
}

const SIGNAL_EXIT = { SIGTERM: 128 + 15, SIGINT: 128 + 2 };
/** One Ctrl-C comes twice under npm: from the terminal to all of its processes, and handed on by npm. */
const ECHO_MS = 500;

export async function start(sources: ConfigSources, process: Process, findBroker: () => Promise<StartBroker>): Promise<void> {
  let config: BrokerConfig;
  let logger: Logger;
  try {
    logger = jsonLogger(logLevel(process.env['ODRADEK_LOG']), process.clock, { write: text => process.error(text) });
    config = loadConfig(sources);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.error(explain(error));
    process.exit(1);
    return;
  }
  for (const { key, message } of config.warnings) logger.warn({ key }, message);

  try {
    const startBroker = await findBroker();
    await serve(startBroker, config, process, logger);
  } catch (error) {
    // Without the stack: what stops a start is the operator's to mend (a port in use, a directory that is locked).
    logger.debug({ error }, 'start failed');
    process.error(`odradek: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

/** How long a start that is told to stop may take to become a broker that can be stopped in order. */
const STOP_DURING_START_MS = 5000;

function soon({ timers }: Process): Promise<undefined> {
  return new Promise(resolve => void timers.after(STOP_DURING_START_MS, () => resolve(undefined)));
}

async function serve(startBroker: StartBroker, config: BrokerConfig, process: Process, logger: Logger): Promise<void> {
  const stopping = new AbortController();
  // A signal during the start is not lost: what waits gives up, and else the broker stops as soon as it can be told to.
  const stopAsked = new Promise<void>(resolve => {
    let first: { readonly signal: string; readonly at: number } | undefined;
    process.onSignal(signal => {
      if (first !== undefined) {
        if (signal !== first.signal || process.clock.monotonic() - first.at >= ECHO_MS) process.exit(SIGNAL_EXIT[signal]);
        return;
      }
      first = { signal, at: process.clock.monotonic() };
      logger.info({ signal }, 'stopping; a second signal ends the process at once');
      stopping.abort();
      resolve();
    });
  });
  let broker: RunningBroker | undefined;
  try {
    broker = await Promise.race([startBroker({ config, logger, stop: stopping.signal }), stopAsked.then(() => soon(process))]);
  } catch (error) {
    if (!stopping.signal.aborted || error !== stopping.signal.reason) throw error;
    process.exit(0);
    return;
  }
  if (broker === undefined) {
    // It hangs in something that does not give up. Nothing was acknowledged.
    process.exit(SIGNAL_EXIT.SIGTERM);
    return;
  }
  process.out(`odradek ${broker.id} ready on ${broker.host}:${broker.port} in ${Math.round(process.clock.monotonic())} ms\n`);
  let failure: Error | undefined;
  await Promise.race([stopAsked, broker.failed.then(error => { failure = error; })]);
  if (failure === undefined) await broker.close();
  // It closes by itself, as far as a disk that has failed lets it.
  else await Promise.race([broker.close(), soon(process)]);
  if (failure !== undefined) process.error(`odradek: ${failure.message}\n`);
  process.exit(failure === undefined ? 0 : 1);
}

function logLevel(asked: string | undefined): LogLevel {
  const level = (asked || 'info').toLowerCase() as LogLevel;
  if (!LOG_LEVELS.includes(level)) throw new ConfigError([{ key: 'ODRADEK_LOG', message: `must be one of: ${LOG_LEVELS.join(', ')}` }]);
  return level;
}

function explain({ problems }: ConfigError): string {
  const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
  return `odradek: the configuration has ${count}\n${problems.map(({ key, message }) => `  ${key}: ${message}\n`).join('')}`;
}
