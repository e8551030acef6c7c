// Brings the foreign programs in, each once: a stamp of its inputs lies beside each. Run by itself
// (`tsx test/interop/harness/provision.ts`) it brings all of them, so that no test waits for a download.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { peerClasspath } from '../../../bench/peer/classpath.js';
import { interop, provisioned } from './places.js';

/** Makes `name` unless it was made from exactly these inputs before. */
function once(name: string, inputs: readonly string[], make: () => void): void {
  const hash = createHash('sha256');
  inputs.forEach(input => hash.update(existsSync(input) ? readFileSync(input) : input));
  const stamp = join(provisioned, `${name}.stamp`);
  const made = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === made) return;
  mkdirSync(provisioned, { recursive: true });
  make();
  writeFileSync(stamp, made);
}

function shell(command: string, args: readonly string[], cwd = interop): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Apache Kafka, Apache ZooKeeper, their tools and clients: one class path with the benchmarks' peer. */
const jars = await peerClasspath();

/** That, and our own programs on top of Kafka's client. */
export function javaClassPath(): string {
  const classes = join(provisioned, 'java');
  const source = join(interop, 'java/src');
  const files = readdirSync(source).map(file => join(source, file));
  once('java', [jars, ...files], () => {
    rmSync(classes, { recursive: true, force: true });
    shell('javac', ['-nowarn', '-d', classes, '-cp', jars, ...files]);
  });
  return `${classes}:${jars}`;
}

/** Our program on the Java client of 2018; its JSON comes from today's class path. */
export function oldJavaClassPath(): string {
  const pom = join(interop, 'java/client-2.1.xml');
  const listed = join(provisioned, 'client-2.1.classpath');
  once('client-2.1', [pom], () => shell('mvn', ['-q', '-B', '-f', pom, 'dependency:build-classpath', `-Dmdep.outputFile=${listed}`]));
  const programs = javaClassPath().split(':');
  return [readFileSync(listed, 'utf8').trim(), ...programs.slice(0, 1), ...programs.filter(jar => /\/jackson-(core|databind|annotations)-/.test(jar))].join(':');
}

/** The Python that has confluent-kafka and kafka-python. */
export function python(): string {
  const venv = join(provisioned, 'venv');
  const requirements = join(interop, 'clients/python/requirements.txt');
  once('python', [requirements], () => {
    rmSync(venv, { recursive: true, force: true });
    shell('python3', ['-m', 'venv', venv]);
    shell(join(venv, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  });
  return join(venv, 'bin/python');
}

/** The program built on franz-go. */
export function franzGo(): string {
  const folder = join(interop, 'clients/franz-go');
  const binary = join(provisioned, 'franz-go-client');
  once('franz-go', ['go.mod', 'go.sum', 'main.go'].map(file => join(folder, file)), () => shell('go', ['build', '-o', binary, '.'], folder));
  return binary;
}

/** kcat comes with the system (Debian: apt-get install kcat). */
export function kcat(): string {
  if (spawnSync('kcat', ['-V']).status !== 0) throw new Error('kcat is not installed (Debian: apt-get install kcat)');
  return 'kcat';
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  // One that cannot be brought fails its own tests; the others are brought all the same.
  for (const bring of [javaClassPath, oldJavaClassPath, python, franzGo, kcat]) {
    try { bring(); } catch (error) { console.error(`${bring.name}: ${String(error)}`); process.exitCode = 1; }
  }
}
