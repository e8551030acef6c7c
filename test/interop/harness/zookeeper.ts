// Apache ZooKeeper 3.8.4, one server.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { scratch } from './places.js';
import { freePort } from './ports.js';
import { Program } from './processes.js';
import { java, runTool } from './tools.js';

export class ZooKeeper {
  readonly connect: string;
  readonly #directory: string;
  readonly #config: string;
  readonly #port: number;
  #server: Program | undefined;

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.#port = port;
    this.connect = `127.0.0.1:${port}`;
    this.#config = join(directory, 'zoo.cfg');
    mkdirSync(join(directory, 'data'), { recursive: true });
    // A short tick, because a session lasts at least two of them and the tests wait for expiries.
    writeFileSync(this.#config, [
      `dataDir=${join(directory, 'data')}`, `clientPort=${port}`, 'clientPortAddress=127.0.0.1', 'admin.enableServer=false',
      '4lw.commands.whitelist=*', 'tickTime=500', 'maxClientCnxns=0',
    ].join('\n'));
  }

  static async start(): Promise<ZooKeeper> {
    const zookeeper = new ZooKeeper(scratch('zookeeper'), await freePort());
    await zookeeper.start();
    return zookeeper;
  }

  async start(): Promise<void> {
    const [command, args] = java('org.apache.zookeeper.server.quorum.QuorumPeerMain', [this.#config], { heap: '256m', level: 'INFO' });
    const server = new Program(command, args, { logFile: join(this.#directory, 'zookeeper.log') });
    this.#server = server;
    await server.until('ZooKeeper to bind its port', program => /binding to port/.test(program.stderr) ? true : undefined);
    const deadline = performance.now() + 30_000;
    while (await this.#say('ruok') !== 'imok') {
      if (!server.alive || performance.now() > deadline) throw new Error(`ZooKeeper does not serve\n${server.stderr}`);
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server?.alive) await server.stop(signal);
  }

  /** Ends it and forgets its data; its log stays. */
  async destroy(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(join(this.#directory, 'data'), { recursive: true, force: true });
  }

  /** A command of zkCli; what it printed. */
  async cli(...command: string[]): Promise<string> {
    return (await runTool('zkCli', ['-server', this.connect, ...command])).stdout;
  }

  /** One of ZooKeeper's four-letter words. A connection taken while it starts may never be answered: hence the timeout. */
  #say(word: string): Promise<string> {
    return new Promise(resolve => {
      let answer = '';
      const socket = connect(this.#port, '127.0.0.1', () => socket.write(word));
      socket.setTimeout(500, () => socket.destroy());
      socket.on('data', data => (answer += data.toString()));
      socket.on('error', () => resolve(''));
      socket.on('close', () => resolve(answer));
    });
  }
}
