// Kafka's classes, in one Java process that lives as long as the test file.

import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { provisioned } from '../harness/places.js';
import { javaClassPath } from '../harness/provision.js';

/** Kafka would not: the exception, as text. */
export class Refused extends Error {}

export interface Decoded {
  /** Bytes behind the message. */
  leftover: number;
  json: Record<string, unknown>;
  /** The message as Kafka encodes it again. */
  bytes: Buffer;
}

interface Waiting {
  resolve(answer: Buffer): void;
  reject(error: Error): void;
}

export class Kafka {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: Waiting[] = [];
  #received: Buffer[] = [];
  #complaints = '';

  constructor() {
    const classPath = `${compiled()}:${javaClassPath()}`;
    this.#process = spawn('java', ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath, 'Differential']);
    this.#process.stdout.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#process.stderr.on('data', (chunk: Buffer) => (this.#complaints += chunk.toString()));
    this.#process.on('exit', code => this.#waiting.splice(0).forEach(waiting => waiting.reject(new Error(`java ended with ${code}: ${this.#complaints}`))));
  }

  close(): void {
    this.#process.kill('SIGKILL');
  }

  async decode(name: string, version: number, message: Uint8Array): Promise<Decoded> {
    const answer = await this.#ask('D', Buffer.concat([prefix(name, version), message]));
    const end = 8 + answer.readInt32BE(4);
    return { leftover: answer.readInt32BE(0), json: JSON.parse(answer.toString('utf8', 8, end)) as Record<string, unknown>, bytes: answer.subarray(end) };
  }

  /** Encodes in `version` what the JSON says; a message of another version may be refused or lose fields. */
  encode(name: string, version: number, json: string, jsonVersion = version): Promise<Buffer> {
    return this.#ask('E', Buffer.concat([prefix(name, version), Buffer.of(jsonVersion >> 8, jsonVersion & 0xff), Buffer.from(json)]));
  }

  async apis(): Promise<unknown> {
    return JSON.parse((await this.#ask('A', Buffer.alloc(0))).toString()) as unknown;
  }

  buildBatch(spec: object): Promise<Buffer> {
    return this.#ask('B', Buffer.from(JSON.stringify(spec)));
  }

  async readBatches(batches: Uint8Array): Promise<unknown> {
    return JSON.parse((await this.#ask('R', Buffer.from(batches))).toString()) as unknown;
  }

  #ask(operation: string, payload: Buffer): Promise<Buffer> {
    const head = Buffer.alloc(5);
    head.writeInt32BE(payload.length + 1);
    head.write(operation, 4, 'latin1');
    this.#process.stdin.write(Buffer.concat([head, payload]));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    let all = Buffer.concat(this.#received);
    while (all.length >= 4 && all.length >= 4 + all.readInt32BE(0)) {
      const end = 4 + all.readInt32BE(0);
      const waiting = this.#waiting.shift()!;
      if (all[4] === 0) waiting.resolve(Buffer.from(all.subarray(5, end)));
      else waiting.reject(new Refused(all.toString('utf8', 5, end)));
      all = all.subarray(end);
    }
    this.#received = [all];
  }
}

function prefix(name: string, version: number): Buffer {
  const head = Buffer.alloc(2 + name.length + 2);
  head.writeInt16BE(name.length);
  head.write(name, 2, 'latin1');
  head.writeInt16BE(version, 2 + name.length);
  return head;
}

/** The folder of Differential.class, compiled when its source has changed. */
function compiled(): string {
  const source = join(import.meta.dirname, 'Differential.java');
  const folder = join(provisioned, 'protocol');
  const stamp = join(folder, 'stamp');
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return folder;
  mkdirSync(folder, { recursive: true });
  execFileSync('javac', ['-nowarn', '-d', folder, '-cp', javaClassPath(), source], { stdio: ['ignore', 'inherit', 'inherit'] });
  writeFileSync(stamp, hash);
  return folder;
}
