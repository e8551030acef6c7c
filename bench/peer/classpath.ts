// The class path of Apache Kafka and ZooKeeper, asked of Maven once and kept in build/peer until pom.xml changes.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const pom = join(here, 'pom.xml');
const kept = join(here, '../../build/peer/classpath.txt');

export async function peerClasspath(): Promise<string> {
  const known = keptClasspath();
  if (known !== undefined) return known;

  // Two test files may ask at once: each writes its own file, and the last rename wins with the same content.
  mkdirSync(dirname(kept), { recursive: true });
  const fresh = `${kept}.${process.pid}`;
  await promisify(execFile)('mvn', ['-q', '-B', '-f', pom, 'dependency:build-classpath', `-Dmdep.outputFile=${fresh}`]);
  renameSync(fresh, kept);
  return readFileSync(kept, 'utf8').trim();
}

function keptClasspath(): string | undefined {
  if (!existsSync(kept) || statSync(kept).mtimeMs < statSync(pom).mtimeMs) return undefined;
  const classpath = readFileSync(kept, 'utf8').trim();
  // Somebody may have emptied the local Maven repository since.
  return classpath.split(':').every(jar => existsSync(jar)) ? classpath : undefined;
}
