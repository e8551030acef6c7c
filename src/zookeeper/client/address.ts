import { validatePath } from '../paths.js';
import { ZkError } from '../types.js';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface ConnectString {
  readonly servers: readonly ServerAddress[];
  /** Empty, or `/a/b`: the path under which everything of this client lives. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;

/** `host1:2181,[::1]:2182/chroot`, as zookeeper.connect spells it (ConnectStringParser.java). */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/');
  const hosts = slash < 0 ? text : text.slice(0, slash);
  const chroot = slash < 0 || slash === text.length - 1 ? '' : text.slice(slash);
  if (chroot !== '') validatePath(chroot);
  const servers = hosts.split(',').map(host => host.trim()).filter(host => host !== '').map(parseServer);
  if (servers.length === 0) throw new ZkError('BADARGUMENTS', '', [], `no server in '${text}'`);
  return { servers, chroot };
}

function parseServer(text: string): ServerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (match === null || port < 1 || port > 65_535) throw new ZkError('BADARGUMENTS', '', [], `'${text}' is no host:port`);
  return { host: (match[1] ?? match[2])!, port };
}
