// Random requests over few paths, so that they get in each other's way, and what came of each.
import type { Random } from '../../../src/base/random.js';
import { OPEN_ACL, ZkError, type CreateMode, type Op, type Stat, type ZooKeeper } from '../../../src/zookeeper/types.js';

const MODES: readonly CreateMode[] = ['persistent', 'persistent', 'ephemeral', 'persistentSequential', 'ephemeralSequential'];
const NAMES = ['a', 'b', 'c'];

export interface Step {
  readonly request: string;
  readonly outcome: unknown;
}

const pick = <T>(random: Random, of: readonly T[]): T => of[random.int(of.length)]!;

function anyPath(random: Random): string {
  return `/${Array.from({ length: 1 + random.int(3) }, () => pick(random, NAMES)).join('/')}`;
}

const anyVersion = (random: Random): number => random.int(4) - 1;
const anyData = (random: Random): Buffer | null => (random.int(8) === 0 ? null : Buffer.alloc(random.int(20), 120));

function anyOp(random: Random): Op {
  const path = anyPath(random);
  switch (random.int(4)) {
    case 0: return { type: 'create', path, data: anyData(random), mode: pick(random, MODES) };
    case 1: return { type: 'setData', path, data: anyData(random), version: anyVersion(random) };
    case 2: return { type: 'delete', path, version: anyVersion(random) };
    default: return { type: 'check', path, version: anyVersion(random) };
  }
}

/** Everything of a stat that two servers must agree on: not when, not in which transaction, not whose session. */
const essence = ({ version, cversion, aversion, dataLength, numChildren, ephemeralOwner }: Stat): object =>
  ({ version, cversion, aversion, dataLength, numChildren, ephemeral: ephemeralOwner !== '0x0' });

async function anyRequest(random: Random, zk: ZooKeeper): Promise<Step> {
  const path = anyPath(random);
  const request = (text: string, outcome: Promise<unknown>): Promise<Step> => outcome.then(
    result => ({ request: text, outcome: result }),
    (error: unknown) => {
      if (!(error instanceof ZkError)) throw error;
      return { request: text, outcome: [error.code, error.path, error.results] };
    });
  switch (random.int(9)) {
    case 0:
    case 1:
    case 2: {
      const [data, mode] = [anyData(random), pick(random, MODES)];
      return request(`create ${path} ${mode}`, zk.create(path, data, { mode }).then(made => [made.path, essence(made.stat)]));
    }
    case 3: {
      const [data, version] = [anyData(random), anyVersion(random)];
      return request(`set ${path} ${version}`, zk.setData(path, data, version).then(essence));
    }
    case 4: {
      const version = anyVersion(random);
      return request(`delete ${path} ${version}`, zk.delete(path, version));
    }
    case 5: return request(`get ${path}`, zk.getData(path).then(({ data, stat }) => [data?.toString() ?? null, essence(stat)]));
    case 6: return request(`children ${path}`, zk.getChildren(path).then(({ children, stat }) => [children.sort(), essence(stat)]));
    case 7: {
      const version = anyVersion(random);
      return request(`acl ${path} ${version}`, zk.setAcl(path, OPEN_ACL, version).then(essence));
    }
    default: {
      const ops = Array.from({ length: 1 + random.int(5) }, () => anyOp(random));
      return request(`multi ${JSON.stringify(ops)}`, zk.multi(ops).then(results => results.map(result => (result.type === 'setData' ? essence(result.stat) : result))));
    }
  }
}

/** The same seed asks the same of any server. */
export async function workload(random: Random, clients: readonly ZooKeeper[], steps: number): Promise<Step[]> {
  const done: Step[] = [];
  for (let step = 0; step < steps; step++) done.push(await anyRequest(random, pick(random, clients)));
  return done;
}

export interface DumpedNode {
  readonly path: string;
  readonly data: string | null;
  readonly stat: Stat;
}

/** Every node below `path`, sorted by path. */
export async function dump(zk: ZooKeeper, path = '/'): Promise<DumpedNode[]> {
  const [{ data, stat }, { children }] = await Promise.all([zk.getData(path), zk.getChildren(path)]);
  const below = await Promise.all(children.sort().map(child => dump(zk, path === '/' ? `/${child}` : `${path}/${child}`)));
  return [{ path, data: data?.toString('base64') ?? null, stat }, ...below.flat()];
}
