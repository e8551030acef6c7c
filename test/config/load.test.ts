import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { ConfigError } from '../../src/config/problem.js';

let dir: string;
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'odradek-config-')); });
afterAll(() => { rmSync(dir, { recursive: true }); });

function file(text: string): string {
  const path = join(dir, 'server.properties');
  writeFileSync(path, text, 'latin1');
  return path;
}

function problemsOf(load: () => unknown): string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key }) => key);
    throw error;
  }
  return [];
}

test('a server.properties is read with its comments, continued lines, blanks and escapes', () => {
  const config = loadConfig({
    hostName: 'h',
    file: file('# a comment\n! another\n\nbroker.id = 3\nlisteners=PLAINTEXT://127.0.0.1\\:9094\nlog.dirs=/a,\\\n   /b\nbroker.rack:\\u00fcber\nnum.io.threads 5\n'),
  });
  expect(config.brokerId).toBe(3);
  expect(config.listeners.bind[0]).toMatchObject({ host: '127.0.0.1', port: 9094 });
  expect(config.logDirs).toEqual(['/a', '/b']);
  expect(config.string('broker.rack')).toBe('über');
  expect(config.number('num.io.threads')).toBe(5);
});

test('overrides win over the file, and the last of a key over the first', () => {
  const config = loadConfig({ file: file('num.io.threads=5\n'), overrides: ['num.io.threads=6', 'num.io.threads=7', 'broker.rack=a=b'] });
  expect(config.number('num.io.threads')).toBe(7);
  expect(config.string('broker.rack')).toBe('a=b');
});

test('a file that is not there, a malformed override and a wrong value are told together', () => {
  const missing = join(dir, 'nowhere.properties');
  expect(problemsOf(() => loadConfig({ file: missing, overrides: ['num.io.threads', 'num.network.threads=0'] })))
    .toEqual([missing, 'num.io.threads', 'num.network.threads']);
});
