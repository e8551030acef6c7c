// CPU of several processes, and waiting for what a cluster is to become.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterSubject } from './subject.js';

const TICKS_PER_SECOND = 100;
const LOOK_AGAIN_MS = 5;
const PATIENCE_MS = 300_000;

/** Seconds of CPU that these processes have used so far, in ticks of 10 ms. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.map(pid => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name in brackets, which may hold anything: utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }).reduce((sum, seconds) => sum + seconds, 0);
}

export interface Spent {
  readonly seconds: number;
  readonly cpu: number;
}

export async function spending(pids: readonly number[], work: () => Promise<unknown>): Promise<Spent> {
  const [started, before] = [performance.now(), cpuSeconds(pids)];
  await work();
  return { seconds: (performance.now() - started) / 1e3, cpu: cpuSeconds(pids) - before };
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await delay(LOOK_AGAIN_MS);
  }
}

/** A broker's registration is gone: its session has ended. */
export function untilUnregistered(subject: ClusterSubject, id: number): Promise<void> {
  return until(`the session of broker ${id} to end`, async () => !(await subject.zookeeper.getChildren('/brokers/ids')).children.includes(String(id)));
}

/** Every replica of these topics is in sync, say all brokers. */
export async function untilInSync(subject: ClusterSubject, topics: readonly string[]): Promise<void> {
  await until(`all of ${topics.join(', ')} to be in sync`, async () => {
    const said = await Promise.all(subject.ports.map(port => subject.client.metadata(topics, port)));
    return said.every(answer => answer.topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ isrNodes, replicaNodes }) => isrNodes.length === replicaNodes.length)));
  });
}
