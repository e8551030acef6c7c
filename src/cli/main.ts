#!/usr/bin/env node
import { createRequire } from 'node:module';
import { systemClock } from '../base/clock.js';
import { BoundedLog, takeByStderr } from '../base/stderr-log.js';
import { systemTimers } from '../base/timers.js';
import { parseCommandLine, USAGE } from './command-line.js';
import { start, type Process } from './start.js';

/** How long the end of the process waits for somebody to take the rest of the log. */
const LAST_LINES_MS = 1000;

const log = new BoundedLog({ take: takeByStderr(), clock: systemClock, timers: systemTimers });
// Every end comes by here: an ordered stop, a second signal, a start that failed, an error nobody caught.
process.on('exit', () => log.flush(LAST_LINES_MS));
process.on('uncaughtException', error => {
  // Node would write this itself, and wait for a full pipe for good.
  log.write(`odradek: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});

// Nobody reads the line that says it is ready, or the disk it goes to is full: no reason to stop.
process.stdout.on('error', () => {});

/** Set by whoever started us and holds our stdin: when it ends, so do we, in order. Nothing is left behind by somebody who was killed. */
const withParent = process.env['ODRADEK_WITH_PARENT'] !== undefined;

const thisProcess: Process = {
  clock: systemClock,
  timers: systemTimers,
  env: process.env,
  out: text => void process.stdout.write(text),
  error: text => log.write(text),
  onSignal(heard) {
    process.on('SIGTERM', heard);
    process.on('SIGINT', heard);
    if (withParent) process.stdin.on('close', () => heard('SIGTERM')).on('error', () => {}).resume();
  },
  exit: code => process.exit(code),
};

const command = parseCommandLine(process.argv.slice(2));
switch (command.kind) {
  case 'start':
    // The broker is imported once the configuration is right: a mistake is told without waiting for it. (No top-level
    // await: the bundle is CommonJS, whose loader is quicker and whose compiled code can be kept.)
    void start(command, thisProcess, async () => (await import('../server/broker.js')).startBroker);
    break;
  case 'cluster':
    void import('./cluster/run.js').then(({ runCluster }) => runCluster(command, thisProcess));
    break;
  case 'help':
    thisProcess.out(USAGE);
    break;
  case 'version':
    thisProcess.out(`${(createRequire(import.meta.url)('../../package.json') as { version: string }).version}\n`);
    break;
  case 'mistake':
    thisProcess.error(`odradek: ${command.message}\n\n${USAGE}`);
    process.exit(1);
}
