// What a conversation leaves behind: its znodes and its segments, made normal.

import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ZooKeeper } from '../../src/zookeeper/types.js';
import { diff, type Difference, type Sides } from './compare.js';
import { batchesOf, MadeUp, normal } from './normal.js';

export async function compareZnodes(clients: Sides<ZooKeeper>, made: Sides<MadeUp>): Promise<Difference[]> {
  const [ours, kafka] = await Promise.all([znodes(clients.ours, made.ours), znodes(clients.kafka, made.kafka)]);
  return diff(ours, kafka).map(each => ({ at: 'znodes', step: undefined, ...each, answers: { ours, kafka } }));
}

export async function compareSegments(directories: Sides<string>, made: Sides<MadeUp>): Promise<Difference[]> {
  const [ours, kafka] = await Promise.all([segments(directories.ours, made.ours), segments(directories.kafka, made.kafka)]);
  return diff(ours, kafka).map(each => ({ at: 'segments', step: undefined, ...each, answers: { ours, kafka } }));
}

async function znodes(zk: ZooKeeper, made: MadeUp): Promise<object> {
  const found: [string, unknown][] = [];
  for (const root of ['/brokers/topics', '/config/topics', '/consumers']) {
    const { children } = await zk.getChildren(root);
    for (const child of children.filter(name => name.startsWith(made.prefix)).sort()) await walk(zk, `${root}/${child}`, made, found);
  }
  return Object.fromEntries(found);
}

async function walk(zk: ZooKeeper, path: string, made: MadeUp, found: [string, unknown][]): Promise<void> {
  try {
    const { data } = await zk.getData(path);
    found.push([path, parsed(data, made)]);
    const { children } = await zk.getChildren(path);
    for (const child of children.sort()) await walk(zk, `${path}/${child}`, made, found);
  } catch {
    // It went while we looked: the topic is being deleted.
  }
}

function parsed(data: Buffer | null, made: MadeUp): unknown {
  if (data === null || data.length === 0) return null;
  try {
    // As text first: the order of keys is seen by nobody.
    return normal(JSON.parse(data.toString()), made, undefined);
  } catch {
    return data.toString('latin1');
  }
}

async function segments(directory: string, made: MadeUp): Promise<object> {
  const found: [string, unknown][] = [];
  // A partition that is on its way out bears another name.
  const partitions = (await readdir(directory)).filter(name => name.startsWith(made.prefix) && /-\d+$/.test(name)).sort();
  for (const partition of partitions) {
    const folder = join(directory, partition);
    const logs = (await readdir(folder).catch(() => [])).filter(file => file.endsWith('.log')).sort();
    const batches: unknown[] = [];
    for (const file of logs) batches.push(...batchesOf(await readFile(join(folder, file)).catch(() => Buffer.alloc(0)), made));
    const epochs = join(folder, 'leader-epoch-checkpoint');
    found.push([partition, { begin: logs, batches, epochs: existsSync(epochs) ? await readFile(epochs, 'utf8').catch(() => '') : null }]);
  }
  return Object.fromEntries(found);
}

const CHANGES = '/config/changes';
/** Whoever is to hear of a change has heard of it by then. */
const HEARD_MS = 10_000;

/** With each change a broker looks through all that there were in a quarter of an hour: thousands here, and it would lag behind. */
export async function forgetOldChanges(zk: ZooKeeper): Promise<void> {
  const { children } = await zk.getChildren(CHANGES);
  await Promise.all(children.map(async name => {
    const stat = await zk.exists(`${CHANGES}/${name}`);
    if (stat !== null && stat.ctime < Date.now() - HEARD_MS) await zk.delete(`${CHANGES}/${name}`).catch(() => undefined);
  }));
}
