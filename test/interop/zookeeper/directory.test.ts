// One directory, two servers, one after the other: a machine's embedded ZooKeeper can become the first of an ensemble,
// and the other way round.
import { cpSync } from 'node:fs';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { startEmbeddedZooKeeper } from '../../../src/zookeeper/server/embedded.js';
import { CREATOR_ACL } from '../../../src/zookeeper/types.js';
import { bytes, connected, system, temporaryDirectory } from '../../zookeeper/support/kit.js';
import { dump, workload } from '../../zookeeper/support/workload.js';
import { startApache } from './support.js';

const persistent = (nodes: Nodes): Nodes => nodes.filter(({ path, stat }) => stat.ephemeralOwner === '0x0' && !path.startsWith('/zookeeper'));

type Nodes = Awaited<ReturnType<typeof dump>>;

// A parent counts its ephemeral children too, and those may be gone by now.
const lasting = (nodes: Nodes): object[] => persistent(nodes).map(({ path, data, stat: { czxid, mzxid, ctime, mtime, version, aversion } }) =>
  ({ path, data, czxid, mzxid, ctime, mtime, version, aversion }));

test.each(['stopped', 'killed'])('Apache goes on where an embedded server ended that was %s', async how => {
  const dataDir = temporaryDirectory();
  const ours = await startEmbeddedZooKeeper({ dataDir, ...system, snapshotAfterBytes: how === 'killed' ? 4096 : 1 << 30 });
  const zk = await connected(`127.0.0.1:${ours.port}`);
  zk.addAuth('digest', bytes('alice:secret'));
  await zk.create('/hers', bytes('x'), { acl: CREATOR_ACL });
  await workload(seededRandom(1), [zk], 600);
  const before = await dump(zk);
  // What kill -9 would leave behind: snapshots, and a log that goes on after them.
  const left = temporaryDirectory();
  if (how === 'killed') cpSync(dataDir, left, { recursive: true });
  await zk.close();
  await ours.close();

  const apache = await startApache(how === 'killed' ? left : dataDir);
  const after = await connected(apache.connect);
  after.addAuth('digest', bytes('alice:secret'));
  expect(lasting(await dump(after))).toEqual(lasting(before));
  expect((await after.getAcl('/hers')).acl[0]).toMatchObject({ scheme: 'digest' });
});

test('the embedded server goes on where Apache ended', async () => {
  const dataDir = temporaryDirectory();
  const apache = await startApache(dataDir);
  const zk = await connected(apache.connect);
  await workload(seededRandom(2), [zk], 600);
  await zk.close();
  const last = await connected(apache.connect);
  const before = await dump(last);
  await last.close();
  await apache.stop();

  const ours = await startEmbeddedZooKeeper({ dataDir, ...system });
  const after = await connected(`127.0.0.1:${ours.port}`);
  expect(persistent(await dump(after))).toEqual(persistent(before));
  await after.create('/more', null);
  await after.close();
  await ours.close();

  const again = await connected((await startApache(dataDir)).connect);
  expect(await again.exists('/more')).not.toBeNull();
});
