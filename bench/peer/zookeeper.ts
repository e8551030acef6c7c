// Apache ZooKeeper 3.8.4, standalone, on a free port, its data in `dir`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startJava } from './java.js';
import { freePort } from './ports.js';
import type { Program } from './program.js';

export interface ZooKeeperServer extends Program {
  readonly port: number;
  /** What `zookeeper.connect` takes. */
  readonly connect: string;
}

export interface ZooKeeperOptions {
  readonly dir: string;
  /** To start again with everything kept, on the port it had. */
  readonly port?: number;
  readonly config?: Readonly<Record<string, string>>;
}

export async function startZooKeeper(options: ZooKeeperOptions): Promise<ZooKeeperServer> {
  const port = options.port ?? await freePort();
  const dataDir = join(options.dir, 'zookeeper');
  mkdirSync(dataDir, { recursive: true });
  const config = {
    dataDir,
    clientPort: String(port),
    clientPortAddress: '127.0.0.1',
    tickTime: '2000',
    maxClientCnxns: '0',
    'admin.enableServer': 'false',
    '4lw.commands.whitelist': '*',
    ...options.config,
  };
  const file = join(options.dir, 'zoo.cfg');
  writeFileSync(file, Object.entries(config).map(([key, value]) => `${key}=${value}\n`).join(''));
  const program = await startJava({
    name: 'zookeeper',
    main: 'org.apache.zookeeper.server.quorum.QuorumPeerMain',
    args: [file],
    jvm: ['-Xmx256m'],
    dir: options.dir,
    ready: /binding to port|PrepRequestProcessor \(sid:0\) started/,
  });
  while (await fourLetterWord(port, 'ruok') !== 'imok') await delay(20);
  return { ...program, port, connect: `127.0.0.1:${port}` };
}

/** The answer to a word such as `ruok` or `stat`; empty when nobody answers. */
export function fourLetterWord(port: number, word: string): Promise<string> {
  return new Promise(resolve => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(word));
    socket.setEncoding('utf8').on('data', (text: string) => { answer += text; });
    // A word that came while the server was still starting can stay unanswered for ever, its connection open.
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('error', () => resolve(''));
    socket.once('close', () => resolve(answer));
  });
}
