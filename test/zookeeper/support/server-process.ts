// An embedded server in a process of its own, to be killed: `tsx server-process.ts DIRECTORY PORT`. Says its port when it serves.
import { systemClock } from '../../../src/base/clock.js';
import { systemRandom } from '../../../src/base/random.js';
import { systemTimers } from '../../../src/base/timers.js';
import { startEmbeddedZooKeeper } from '../../../src/zookeeper/server/embedded.js';

const [dataDir = '', port = '0'] = process.argv.slice(2);
const server = await startEmbeddedZooKeeper({
  dataDir, port: Number(port), clock: systemClock, timers: systemTimers, random: systemRandom, snapshotAfterBytes: 16 * 1024,
});
process.stdout.write(`${server.port}\n`);
