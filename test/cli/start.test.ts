import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { parseCommandLine } from '../../src/cli/command-line.js';
import { start, type Process, type StartBroker } from '../../src/cli/start.js';
import type { ConfigSources } from '../../src/config/load.js';

/** A process that notes what was done to it, and a broker that starts and stops when told to. */
class Stage {
  out = '';
  err = '';
  readonly exits: number[] = [];
  breaks: (why: string) => void = () => {};
  readonly broker: { started: boolean; closed: boolean; config?: Parameters<StartBroker>[0]['config'] } = { started: false, closed: false };
  now = 0;
  patienceEnds: () => void = () => {};
  env: Record<string, string> = {};
  /** The start waits for something, and gives up when it is told to stop. */
  waits = false;
  #signal: (signal: 'SIGTERM' | 'SIGINT') => void = () => {};
  #ready!: () => void;
  #fail!: (error: Error) => void;
  #closed!: () => void;

  readonly #process: Process = {
    clock: { now: () => 0, monotonic: () => this.now },
    timers: {
      after: (_ms, action) => {
        this.patienceEnds = action;
        return { cancel: () => {} };
      },
      every: () => ({ cancel: () => {} }),
    },
    env: this.env,
    out: text => { this.out += text; },
    error: text => { this.err += text; },
    onSignal: heard => { this.#signal = heard; },
    exit: code => { this.exits.push(code); },
  };

  run(sources: ConfigSources): Promise<void> {
    const startBroker: StartBroker = ({ config, stop }) => {
      this.broker.started = true;
      this.broker.config = config;
      return new Promise((resolve, reject) => {
        if (this.waits) stop.addEventListener('abort', () => reject(stop.reason as Error));
        this.#fail = reject;
        this.#ready = () => resolve({
          id: 1001, host: 'localhost', port: 9092,
          failed: new Promise(fail => { this.breaks = why => fail(new Error(why)); }),
          close: () => new Promise(closed => { this.#closed = () => { this.broker.closed = true; closed(); }; }),
        });
      });
    };
    return start(sources, this.#process, () => Promise.resolve(startBroker));
  }

  async ready(at: number): Promise<void> {
    await settle();
    this.now = at;
    this.#ready();
    await settle();
  }

  async failed(message: string): Promise<void> {
    await settle();
    this.#fail(new Error(message));
    await settle();
  }

  async signal(signal: 'SIGTERM' | 'SIGINT'): Promise<void> {
    await settle();
    this.#signal(signal);
    await settle();
  }

  async closed(): Promise<void> {
    this.#closed();
    await settle();
  }
}

const settle = (): Promise<void> => new Promise(setImmediate);

test('once it serves, it says so in one line, with the time since the process began', async () => {
  const stage = new Stage();
  void stage.run({ overrides: ['num.io.threads=2'] });
  await settle();
  expect(stage.out).toBe('');
  await stage.ready(123.4);
  expect(stage.out).toBe('odradek 1001 ready on localhost:9092 in 123 ms\n');
  expect(stage.broker.config?.number('num.io.threads')).toBe(2);
  expect(stage.exits).toEqual([]);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s stops the broker in order, and only then the process ends, with 0', async signal => {
  const stage = new Stage();
  void stage.run({});
  await stage.ready(1);
  await stage.signal(signal);
  expect(stage.exits).toEqual([]);
  await stage.closed();
  expect(stage.broker.closed).toBe(true);
  expect(stage.exits).toEqual([0]);
});

test('a broker that stops by itself: the last line says why, and the process ends with 1', async () => {
  const stage = new Stage();
  void stage.run({});
  await stage.ready(1);
  stage.breaks('every log directory has failed: /data/logs');
  await settle();
  expect(stage.exits).toEqual([]);
  await stage.closed();
  expect(stage.err).toBe('odradek: every log directory has failed: /data/logs\n');
  expect(stage.exits).toEqual([1]);
});

test('a broker that stops by itself and hangs on its disk is not waited for', async () => {
  const stage = new Stage();
  void stage.run({});
  await stage.ready(1);
  stage.breaks('every log directory has failed: /data/logs');
  await settle();
  stage.patienceEnds();
  await settle();
  expect(stage.exits).toEqual([1]);
});

test('a broker that fails while it is being stopped does not say that all went well', async () => {
  const stage = new Stage();
  void stage.run({});
  await stage.ready(1);
  await stage.signal('SIGTERM');
  stage.breaks('every log directory has failed: /data/logs');
  await stage.closed();
  expect(stage.err).toMatch(/every log directory has failed/);
  expect(stage.exits).toEqual([1]);
});

test('a second signal ends the process at once', async () => {
  const stage = new Stage();
  void stage.run({});
  await stage.ready(1);
  await stage.signal('SIGTERM');
  await stage.signal('SIGINT');
  expect(stage.exits).toEqual([130]);
});

test('a Ctrl-C that comes twice, from the terminal and handed on by npm, is one; pressed again, it is a second', async () => {
  const stage = new Stage();
  void stage.run({});
  await stage.ready(1);
  await stage.signal('SIGINT');
  stage.now = 20;
  await stage.signal('SIGINT');
  expect(stage.exits).toEqual([]);
  stage.now = 2_000;
  await stage.signal('SIGINT');
  expect(stage.exits).toEqual([130]);
});

test('a start that never ends is left a moment after it was told to stop', async () => {
  const stage = new Stage();
  void stage.run({});
  await stage.signal('SIGTERM');
  expect(stage.exits).toEqual([]);
  stage.patienceEnds();
  await vi.waitFor(() => expect(stage.exits).toEqual([143]));
});

test('a start that waits for something gives up when it is told to stop, and that is an ordered end', async () => {
  const stage = new Stage();
  stage.waits = true;
  void stage.run({});
  await stage.signal('SIGTERM');
  expect(stage.exits).toEqual([0]);
  expect(stage.err).not.toMatch(/^odradek:/m);
});

test('a signal during the start is obeyed as soon as there is a broker to stop', async () => {
  const stage = new Stage();
  void stage.run({});
  await stage.signal('SIGTERM');
  expect(stage.exits).toEqual([]);
  await stage.ready(1);
  await stage.closed();
  expect(stage.exits).toEqual([0]);
});

test('a wrong configuration: every mistake with its key, 1, and nothing started or made', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'odradek-cli-'));
  try {
    const stage = new Stage();
    await stage.run({ overrides: [`log.dirs=${join(dir, 'data')}`, 'num.io.threads=0', 'listeners=SSL://:9093'] });
    expect(stage.exits).toEqual([1]);
    expect(stage.err).toMatch(/^odradek: the configuration has 3 mistakes$/m);
    expect(stage.err).toMatch(/^ {2}num\.io\.threads: /m);
    expect(stage.err).toMatch(/^ {2}listeners: .*not supported yet by this version/m);
    expect(stage.out).toBe('');
    expect(stage.broker.started).toBe(false);
    expect(existsSync(join(dir, 'data'))).toBe(false);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('keys without effect are told in the log, one line each', async () => {
  const stage = new Stage();
  void stage.run({ overrides: ['num.oi.threads=3'] });
  await stage.ready(1);
  const line = JSON.parse(stage.err.split('\n')[0]!) as Record<string, unknown>;
  expect(line).toMatchObject({ level: 'warn', key: 'num.oi.threads', message: 'unknown key, ignored' });
});

test('ODRADEK_LOG says how much is logged, and a level nobody knows is a mistake like any other', async () => {
  const silent = new Stage();
  silent.env['ODRADEK_LOG'] = 'silent';
  void silent.run({ overrides: ['num.oi.threads=3'] });
  await silent.ready(1);
  expect(silent.err).toBe('');

  const wrong = new Stage();
  wrong.env['ODRADEK_LOG'] = 'loud';
  await wrong.run({});
  expect(wrong.err).toMatch(/ODRADEK_LOG: must be one of/);
  expect(wrong.exits).toEqual([1]);
});

test('a broker that cannot start says why, and 1', async () => {
  const stage = new Stage();
  void stage.run({});
  await stage.failed('port 9092 is in use');
  expect(stage.err).toBe('odradek: port 9092 is in use\n');
  expect(stage.out).toBe('');
  expect(stage.exits).toEqual([1]);
});

test('the command line as data', () => {
  const parse = (line: string): unknown => parseCommandLine(line === '' ? [] : line.split(' '));
  expect(parse('start')).toEqual({ kind: 'start', overrides: [] });
  expect(parse('start server.properties --override a=1 --override b=2')).toEqual({ kind: 'start', file: 'server.properties', overrides: ['a=1', 'b=2'] });
  expect(parse('start --override a=1 server.properties')).toMatchObject({ file: 'server.properties' });
  expect(parse('start --override=a=b=c')).toMatchObject({ overrides: ['a=b=c'] });
  expect(parse('--help')).toEqual({ kind: 'help' });
  expect(parse('start -h')).toEqual({ kind: 'help' });
  expect(parse('--version')).toEqual({ kind: 'version' });
  expect(parse('cluster')).toEqual({ kind: 'cluster', brokers: 3, port: 9092, overrides: [] });
  expect(parse('cluster 5 --port 0 --dir here --override a=1')).toEqual({ kind: 'cluster', brokers: 5, port: 0, dir: 'here', overrides: ['a=1'] });
  const wrongs = ['', 'stop', 'start a b', 'start --overide a=1', 'start --override', 'start --port 9092', 'start --dir here', 'cluster 0', 'cluster 21', 'cluster three', 'cluster 3 4', 'cluster --port -1', 'cluster --port 65534'];
  for (const wrong of wrongs) expect(parse(wrong), wrong).toMatchObject({ kind: 'mistake' });
});
