import { hostname } from 'node:os';
import type { ServerCore } from './core.js';

/** What operators and their scripts ask a server without a client: four letters, an answer, and the connection ends. */
const WORDS: Readonly<Record<string, (core: ServerCore, connections: number) => string>> = {
  ruok: () => 'imok',
  isro: core => (core.readOnly ? 'ro' : 'rw'),
  srvr: serverLines,
  stat: serverLines,
  mntr: (core, connections) => lines({
    zk_version: VERSION,
    zk_server_state: 'standalone',
    zk_num_alive_connections: connections,
    zk_outstanding_requests: core.backlog,
    zk_znode_count: core.tree.size,
    zk_watch_count: core.watches.size,
    zk_ephemerals_count: core.tree.ephemeralCount,
    zk_approximate_data_size: core.tree.bytes,
    zk_global_sessions: core.sessions.size,
  }, '\t'),
  conf: core => lines({ host: hostname(), minSessionTimeout: core.options.minSessionTimeoutMs, maxSessionTimeout: core.options.maxSessionTimeoutMs, serverId: 0 }, '='),
};

/** Scripts look for a number they know; the rest says whose it is. */
const VERSION = '3.8.4-odradek, embedded';

export function fourLetterAnswer(word: string, core: ServerCore, connections: number): string | undefined {
  return Object.hasOwn(WORDS, word) ? WORDS[word]!(core, connections) : undefined;
}

function serverLines(core: ServerCore, connections: number): string {
  return lines({
    'Zookeeper version': VERSION,
    Connections: connections,
    Outstanding: core.backlog,
    Zxid: `0x${core.seenZxid.toString(16)}`,
    Mode: 'standalone',
    'Node count': core.tree.size,
  }, ': ');
}

function lines(facts: Readonly<Record<string, string | number>>, between: string): string {
  return Object.entries(facts).map(([name, value]) => `${name}${between}${value}\n`).join('');
}
