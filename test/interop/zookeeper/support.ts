import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { rawExchange } from '../../zookeeper/support/wire.js';
import { freePort } from '../harness/ports.js';
import { Program } from '../harness/processes.js';
import { java } from '../harness/tools.js';

export interface ApacheServer {
  readonly connect: string;
  stop(): Promise<void>;
}

/** Apache ZooKeeper on a data directory that may have seen other servers. Killed with its test. */
export async function startApache(dataDir: string): Promise<ApacheServer> {
  mkdirSync(dataDir, { recursive: true });
  const port = await freePort();
  const config = join(dataDir, 'zoo.cfg');
  writeFileSync(config, [`dataDir=${dataDir}`, `clientPort=${port}`, 'clientPortAddress=127.0.0.1', 'admin.enableServer=false',
    '4lw.commands.whitelist=*', 'tickTime=2000', 'maxClientCnxns=0'].join('\n'));
  const server = new Program(...java('org.apache.zookeeper.server.quorum.QuorumPeerMain', [config], { heap: '256m', level: 'INFO' }));
  const stop = async (): Promise<void> => {
    if (server.alive) await server.stop('SIGKILL');
  };
  onTestFinished(stop);
  await server.until('the port', program => (/binding to port/.test(program.stderr) ? true : undefined));
  const connect = `127.0.0.1:${port}`;
  const deadline = performance.now() + 30_000;
  while ((await rawExchange(connect, Buffer.from('ruok')).catch(() => Buffer.of())).toString() !== 'imok') {
    if (!server.alive || performance.now() > deadline) throw new Error(`ZooKeeper does not serve\n${server.stderr}`);
  }
  return { connect, stop };
}
