// Kafka's own VerifiableProducer (the Java client, idempotent, acks=all) beside our writers, on a topic of its own. It says of every record what
// became of it; what it says enters the history when it has ended.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startJava } from '../../../bench/peer/java.js';
import type { Program } from '../../../bench/peer/program.js';
import type { History } from '../history.js';

interface Said {
  readonly name: string;
  readonly topic: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly value: string;
}

const RECORDS_PER_SECOND = '100';
/** The tool sets no retries, and so no idempotence; deliveries may take longer than any fault. */
const DELIVERY = ['enable.idempotence=true', 'retries=2147483647', 'delivery.timeout.ms=120000', 'request.timeout.ms=5000', 'linger.ms=0', 'retry.backoff.ms=100'];

export class Verifiable {
  readonly #program: Program;
  readonly #logFile: string;
  readonly #topic: string;

  private constructor(program: Program, logFile: string, topic: string) {
    this.#program = program;
    this.#logFile = logFile;
    this.#topic = topic;
  }

  static async start(dir: string, bootstrap: string, topic: string): Promise<Verifiable> {
    mkdirSync(dir, { recursive: true });
    const logFile = join(dir, 'verifiable.log');
    const config = join(dir, 'producer.properties');
    writeFileSync(config, `${DELIVERY.join('\n')}\n`);
    const program = await startJava({
      name: 'verifiable', main: 'org.apache.kafka.tools.VerifiableProducer', dir, jvm: ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'], ready: /startup_complete/, logFile,
      args: ['--bootstrap-server', bootstrap, '--topic', topic, '--throughput', RECORDS_PER_SECOND, '--acks', '-1', '--value-prefix', '7', '--producer.config', config],
    });
    return new Verifiable(program, logFile, topic);
  }

  /** Ends it in order, so that it says of every record what became of it, and notes that. What it did not speak of may have been written. */
  async finish(history: History): Promise<void> {
    await this.#program.stop();
    history.note({ did: 'foreign', topic: this.#topic });
    for (const line of readFileSync(this.#logFile, 'utf8').split('\n')) {
      if (!line.startsWith('{"')) continue;
      const said = JSON.parse(line) as Said;
      if (said.name !== 'producer_send_success') continue;
      const op = history.nextOp();
      history.note({ did: 'send', op, by: 'verifiable', partition: `${said.topic}-${said.partition}`, values: [said.value] });
      history.note({ did: 'sent', op, offset: said.offset! });
    }
  }
}
