// Apache Kafka 3.9.1 in ZooKeeper mode, on a free port, its data in `dir`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startJava } from './java.js';
import { freePort } from './ports.js';
import type { Program } from './program.js';

export interface KafkaBroker extends Program {
  readonly host: string;
  readonly port: number;
  readonly logDir: string;
}

export interface KafkaOptions {
  readonly dir: string;
  readonly zookeeper: string;
  readonly brokerId?: number;
  readonly port?: number;
  readonly config?: Readonly<Record<string, string>>;
  /** As -Xmx takes it. */
  readonly heap?: string;
  readonly logFile?: string;
  readonly readyTimeoutMs?: number;
}

// A heap of one fixed gigabyte (if nothing else is asked for) and Kafka's own collector settings.
const jvm = (heap = '1g'): string[] => ['-server', `-Xms${heap}`, `-Xmx${heap}`, '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent'];

export async function startKafka(options: KafkaOptions): Promise<KafkaBroker> {
  const port = options.port ?? await freePort();
  const logDir = join(options.dir, 'kafka-logs');
  mkdirSync(logDir, { recursive: true });
  const config = {
    'broker.id': String(options.brokerId ?? 0),
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
    'zookeeper.connect': options.zookeeper,
    'log.dirs': logDir,
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    ...options.config,
  };
  const file = join(options.dir, 'server.properties');
  writeFileSync(file, Object.entries(config).map(([key, value]) => `${key}=${value}\n`).join(''));
  const program = await startJava({
    name: 'kafka',
    main: 'kafka.Kafka',
    args: [file],
    jvm: jvm(options.heap),
    dir: options.dir,
    ready: /started \(kafka\.server\.KafkaServer\)/,
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    ...(options.readyTimeoutMs === undefined ? {} : { readyTimeoutMs: options.readyTimeoutMs }),
  });
  return { ...program, host: '127.0.0.1', port, logDir };
}
