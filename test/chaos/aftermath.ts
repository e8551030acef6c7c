// When all has healed: is everybody back in every ISR, does every partition take records, do all replicas hold the same bytes?
import { statSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterClient } from '../support/cluster-client.js';
import type { Finding } from './checker.js';
import type { Cluster } from './cluster/cluster.js';
import { batchesOf, differences } from './replicas.js';

const LOOK_AGAIN_MS = 250;

interface Partition {
  readonly name: string;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** What one broker says of all partitions, internal ones too. */
async function partitionsBy(client: ClusterClient, port: number): Promise<Partition[]> {
  const { topics } = await client.metadata(null, port);
  return topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({ name: `${name}-${partitionIndex}`, leader: leaderId, replicas: replicaNodes, isr: isrNodes })));
}

/** Waits until every broker says of every partition that it is led and all its replicas are in sync; who is left out at the deadline is told. */
export async function untilWhole(cluster: Cluster, client: ClusterClient, timeoutMs: number): Promise<Finding[]> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const findings = await leftOut(cluster, client);
    if (findings.length === 0 || performance.now() > deadline) return findings;
    await delay(LOOK_AGAIN_MS);
  }
}

async function leftOut(cluster: Cluster, client: ClusterClient): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [index, port] of cluster.ports.entries()) {
    const by = `broker ${index + 1}`;
    try {
      for (const { name, leader, replicas, isr } of await partitionsBy(client, port)) {
        const missing = replicas.filter(replica => !isr.includes(replica));
        if (leader < 0 || missing.length > 0) findings.push({ kind: 'left out', partition: name, text: `${by} says leader ${leader}, replicas ${replicas.join(',')}, in sync ${isr.join(',')}` });
      }
    } catch (error) {
      findings.push({ kind: 'left out', partition: '-', text: `${by} does not answer: ${String(error)}` });
    }
  }
  return findings;
}

/** Compares the files of all replicas, once they have grown equally long. Nobody may write meanwhile. */
export async function compareReplicas(cluster: Cluster, client: ClusterClient, timeoutMs: number): Promise<Finding[]> {
  const deadline = performance.now() + timeoutMs;
  const partitions = await partitionsBy(client, cluster.ports[0]!);
  const homes = ({ name, replicas }: Partition): Map<string, string> => new Map(replicas.map(id => [`broker ${id}`, join(cluster.member(id).dataDirectory, name)]));
  for (;;) {
    const findings = partitions.flatMap(partition => {
      const compared = differences(new Map([...homes(partition)].map(([broker, folder]) => [broker, batchesOf(folder)])));
      return compared.map((text): Finding => ({ kind: 'replicas differ', partition: partition.name, text }));
    });
    // The last batch of a leader may still be on its way to a follower.
    if (findings.length === 0 || performance.now() > deadline) return findings;
    await delay(LOOK_AGAIN_MS);
  }
}

/** How many bytes of records one broker keeps, for the report. */
export function bytesOn(dataDirectory: string): number {
  return readdirSync(dataDirectory, { withFileTypes: true }).filter(entry => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(dataDirectory, name)).filter(file => file.endsWith('.log')).map(file => statSync(join(dataDirectory, name, file)).size))
    .reduce((sum, size) => sum + size, 0);
}
