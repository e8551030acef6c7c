// Apache's zkCli, what an operator of Kafka has at hand, against the embedded server.
import { expect, test } from 'vitest';
import { connected, embedded, temporaryDirectory } from '../../zookeeper/support/kit.js';
import { PERSISTENT_PATHS } from '../../../src/zookeeper/znodes/paths.js';
import { runTool, tryTool } from '../harness/tools.js';
import { startApache } from './support.js';

/** A session of zkCli that reads its commands from a file: what it prints, line by line. */
async function zkCli(connect: string, commands: readonly string[]): Promise<string[]> {
  // Its exit code is the last command's; what failed it says on stderr.
  const { stdout, stderr } = await tryTool('zkCli', ['-server', connect], { input: [...commands, 'quit', ''].join('\n') });
  return `${stdout}\n${stderr}`.split('\n').filter(line => line.trim() !== '' && !/^(WATCHER::|Connecting to|Welcome to|JLine|\[\d{4}-)/.test(line));
}

const SESSION = [
  'create /orders hello', 'create /orders/one', 'create -s /orders/seq- x', 'create -e /live', 'create /orders', 'create /no/parent',
  'ls /', 'ls -R /', 'ls -s /orders', 'get /orders', 'get -s /orders', 'set -s /orders world', 'get /orders', 'set -v 7 /orders x', 'stat /live',
  'getAcl /orders', 'addauth digest user:password', 'setAcl /orders/one auth::cdrwa', 'getAcl -s /orders/one',
  'getEphemerals', 'getAllChildrenNumber /orders', 'get -w /orders', 'set /orders fired', 'sync /', 'delete /orders',
  'delete /orders/one', 'get -w /live', 'removewatches /live', 'deleteall /orders', 'ls /', 'get /orders',
];

/** Times, transaction and session ids differ from server to server. */
const comparable = (lines: readonly string[]): string[] => lines.map(line =>
  line.replace(/^((?:[cmp]Zxid|ephemeralOwner) = 0x)(?!0$)[0-9a-f]+$/, '$1…').replace(/^([cm]time = ).*/, '$1…'));

test('does everything it does on Apache\'s own server, with the same words', async () => {
  const [apache, ours] = [await startApache(temporaryDirectory()), await embedded()];
  const theirs = comparable(await zkCli(apache.connect, SESSION));
  const here = comparable(await zkCli(ours.connect, SESSION));
  expect(here).toEqual(theirs);
  expect(here).toContain('Created /orders/seq-0000000001');
});

test('ls -R / shows what a broker makes at its start', async () => {
  const ours = await embedded();
  const zk = await connected(ours.connect);
  const paths = new Set(PERSISTENT_PATHS.flatMap(path => path.split('/').slice(1).map((_, at, names) => `/${names.slice(0, at + 1).join('/')}`)));
  await Promise.all([...paths].map(path => zk.create(path, null)));
  const shown = (await runTool('zkCli', ['-server', ours.connect, 'ls', '-R', '/'])).stdout.split('\n');
  for (const path of PERSISTENT_PATHS) expect(shown).toContain(path);
});
