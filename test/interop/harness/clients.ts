// Client families, each a small program in clients/ or java/ that does one of four things for a test. It is asked by one
// JSON argument and answers with lines of JSON on stdout:
//   produce {topic, partitions, startTime, runs: [{codec, first, count}], values?}  the records of workload.ts, acks=all, idempotent
//           values: a file of JSON, where record i has the i-th string of it (modulo its length), in batches of up to 32 MB
//           -> {produced}
//   consume {topic, partitions, count}   from the beginning, hashing each partition in order -> {partitions: {p: {count, digest}}}
//   seek    {topic, partitions, time}    the first record of each partition at or after a time -> {found: {p: {offset, timestamp, key}}}
//   member  {topic, group}               joins, commits what it reads, until "leave" comes on stdin
//           -> {assigned: [p]} at each change, {records: [[p, offset]]} once they are committed, {left: true}

import { join } from 'node:path';
import type { Broker } from './broker.js';
import { codecs, type Codec } from './commands.js';
import { interop } from './places.js';
import { Program, runWell } from './processes.js';
import { franzGo, oldJavaClassPath, python } from './provision.js';
import { java } from './tools.js';

export interface Client {
  readonly name: string;
  readonly codecs: readonly Codec[];
  readonly command: (ask: string) => [string, string[]];
}

const pythonClient = (file: string) => (ask: string): [string, string[]] => [python(), [join(interop, 'clients/python', file), ask]];

export const javaClient: Client = { name: 'Java', codecs, command: ask => java('InteropClient', [ask]) };
export const oldJavaClient: Client = { name: 'Java of Kafka 2.1', codecs, command: ask => java('InteropClient', [ask], { classPath: oldJavaClassPath() }) };
export const franzGoClient: Client = { name: 'franz-go', codecs, command: ask => [franzGo(), [ask]] };
export const confluentClient: Client = { name: 'confluent-kafka', codecs, command: pythonClient('confluent.py') };
export const kafkaPythonClient: Client = { name: 'kafka-python', codecs, command: pythonClient('kafka_python.py') };
export const kafkajsClient: Client = { name: 'kafkajs', codecs, command: ask => ['node', ['--import', 'tsx', join(interop, 'clients/kafkajs.ts'), ask]] };

export const clients: readonly Client[] = [javaClient, franzGoClient, confluentClient, kafkaPythonClient, kafkajsClient];

type Ask = Readonly<Record<string, unknown>>;

/** Asks a client for one thing, and gives its one answer. */
export async function asks(client: Client, broker: Broker, ask: Ask): Promise<unknown> {
  const [command, args] = client.command(JSON.stringify({ bootstrap: broker.bootstrap, ...ask }));
  const { stdout } = await runWell(command, args, { timeoutMs: 100_000 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** A member of a group, for as long as the test wants it. */
export class Member {
  readonly #program: Program;

  constructor(client: Client, broker: Broker, topic: string, group: string) {
    const [command, args] = client.command(JSON.stringify({ bootstrap: broker.bootstrap, do: 'member', topic, group }));
    this.#program = new Program(command, args);
  }

  /** The partitions it holds now. */
  get holds(): number[] { return this.#said<{ assigned: number[] }>('assigned').at(-1)?.assigned ?? []; }

  /** Everything it has read and committed, as "partition@offset". */
  get read(): string[] {
    return this.#said<{ records: [number, number][] }>('records').flatMap(({ records }) => records.map(([partition, offset]) => `${partition}@${offset}`));
  }

  until(what: string, holds: (member: this) => boolean): Promise<true> {
    return this.#program.until(what, () => holds(this) || undefined, 60_000);
  }

  async leave(): Promise<void> {
    this.#program.send('leave');
    await this.#program.line(/"left":\s*true/);
    await this.#program.end();
  }

  kill(): Promise<unknown> { return this.#program.stop('SIGKILL'); }

  #said<Event>(kind: string): Event[] {
    return this.#program.lines.filter(line => line.startsWith(`{"${kind}"`)).map(line => JSON.parse(line) as Event);
  }
}
