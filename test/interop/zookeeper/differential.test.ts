// The same random requests to Apache's server and to the embedded one: the same answers, and the same tree in the end.
import { expect, test } from 'vitest';
import { seededRandom, systemRandom } from '../../../src/base/random.js';
import { connected, embedded, temporaryDirectory } from '../../zookeeper/support/kit.js';
import { dump, workload } from '../../zookeeper/support/workload.js';
import { startApache } from './support.js';

test('two thousand random requests are answered alike', async () => {
  const seed = Number(process.env['SEED'] ?? systemRandom.int(1 << 30));
  console.log(`seed ${seed}`);
  const [apache, ours] = [await startApache(temporaryDirectory()), await embedded()];
  const [theirSteps, ourSteps] = await Promise.all([apache.connect, ours.connect].map(async connect => {
    const world = `${connect}/world`;
    const clients = [await connected(world), await connected(world)];
    await clients[0]!.ensureChroot();
    const steps = await workload(seededRandom(seed), clients, 2000);
    const tree = (await dump(clients[0]!)).map(({ path, data, stat }) => ({ path, data, version: stat.version, cversion: stat.cversion }));
    // Ephemerals of a closed session are gone, and their parents count that too.
    await clients[1]!.close();
    const after = (await dump(clients[0]!)).map(({ path, stat }) => ({ path, cversion: stat.cversion, numChildren: stat.numChildren }));
    return [...steps, { request: 'dump', outcome: tree }, { request: 'dump after closing', outcome: after }];
  }));
  for (const [index, step] of theirSteps!.entries()) expect(ourSteps![index], `step ${index}, seed ${seed}`).toEqual(step);
});
