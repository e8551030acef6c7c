// What the user typed, as data. (util.parseArgs rather than commander: it is already in the process, and a start has no
// 8 ms to spare for a second one.)
import { parseArgs } from 'node:util';

export type Command =
  | { readonly kind: 'start'; readonly file?: string; readonly overrides: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'mistake'; readonly message: string };

export const USAGE = `Usage: odradek start [server.properties] [--override key=value]...

Starts a broker with Kafka's configuration keys. Without zookeeper.connect it brings its own
coordination, keeps its data under ./data and tells clients to connect to localhost.

  --override key=value   wins over the file; may be repeated
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
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
    const [name, file, ...rest] = positionals;
    if (values.help) return { kind: 'help' };
    if (values.version) return { kind: 'version' };
    if (name === undefined) return mistake('a command is missing');
    if (name !== 'start') return mistake(`there is no command '${name}'`);
    if (rest.length > 0) return mistake(`'${rest[0]}' is one file too many`);
    return { kind: 'start', overrides: values.override ?? [], ...(file !== undefined && { file }) };
  } catch (error) {
    return mistake((error as Error).message);
  }
}

function mistake(message: string): Command {
  return { kind: 'mistake', message };
}
