// What the user typed, as data. (util.parseArgs rather than commander: it is already in the process, and a start has no
// 8 ms to spare for a second one.)
import { parseArgs } from 'node:util';

export type Command =
  | { readonly kind: 'start'; readonly file?: string; readonly overrides: readonly string[] }
  | { readonly kind: 'cluster'; readonly brokers: number; readonly port: number; readonly dir?: string; readonly overrides: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'mistake'; readonly message: string };

const DEFAULT_BROKERS = '3';
const MOST_BROKERS = 20;
const DEFAULT_PORT = '9092';

export const USAGE = `Usage: odradek start [server.properties] [--override key=value]...
       odradek cluster [brokers] [--port N] [--dir directory] [--override key=value]...

start: a broker with Kafka's configuration keys. Without zookeeper.connect it brings its own
coordination, keeps its data under ./data and tells clients to connect to localhost.

cluster: so many brokers (${DEFAULT_BROKERS}) on this machine, to try a cluster out. The first brings coordination
for all. A table shows who leads what. Ctrl-C ends all of them.

  --override key=value   wins over the file; may be repeated; in a cluster told to all
  --port N               of the first broker (${DEFAULT_PORT}); the others have the next ones. 0: any free ones
  --dir directory        where the cluster's data is kept for the next time; else it goes at the end
  --help, -h             this text
  --version              the version
The log goes to stderr; ODRADEK_LOG=debug|info|warn|error|silent says how much of it.
`;

export function parseCommandLine(args: readonly string[]): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        override: { type: 'string', multiple: true },
        port: { type: 'string' },
        dir: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
    const [name, argument, ...rest] = positionals;
    const { port, dir, override: overrides = [] } = values;
    if (values.help) return { kind: 'help' };
    if (values.version) return { kind: 'version' };
    if (name === undefined) return mistake('a command is missing');
    if (name === 'cluster') return cluster(argument, rest, { port, dir, overrides });
    if (name !== 'start') return mistake(`there is no command '${name}'`);
    if (rest.length > 0) return mistake(`'${rest[0]}' is one file too many`);
    if (port !== undefined || dir !== undefined) return mistake(`--${port === undefined ? 'dir' : 'port'} is for a cluster; a broker is told by --override`);
    return { kind: 'start', overrides, ...(argument !== undefined && { file: argument }) };
  } catch (error) {
    return mistake((error as Error).message);
  }
}

interface ClusterValues {
  readonly port: string | undefined;
  readonly dir: string | undefined;
  readonly overrides: readonly string[];
}

function cluster(brokers: string | undefined, rest: readonly string[], { port = DEFAULT_PORT, dir, overrides }: ClusterValues): Command {
  if (rest.length > 0) return mistake(`'${rest[0]}' is one word too many`);
  const count = whole(brokers ?? DEFAULT_BROKERS);
  if (count === undefined || count < 1 || count > MOST_BROKERS) return mistake(`a cluster of '${brokers}' brokers: from 1 to ${MOST_BROKERS} can be`);
  const first = whole(port);
  // The last broker's port must be one, too.
  if (first === undefined || first + count - 1 > 65_535) return mistake(`--port '${port}' leaves no ports for ${count} brokers`);
  return { kind: 'cluster', brokers: count, port: first, overrides, ...(dir !== undefined && { dir }) };
}

function whole(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

function mistake(message: string): Command {
  return { kind: 'mistake', message };
}
