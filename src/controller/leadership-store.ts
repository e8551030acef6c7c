// The state znodes of partitions: read, made and changed many at a time, with a result for each (KafkaZkClient.scala).

import { sideBySide } from '../base/side-by-side.js';
import { isZkError, type Op, type ZkError, type ZooKeeper } from '../zookeeper/types.js';
import { decodePartitionState, encodePartitionState } from '../zookeeper/znodes/partition.js';
import { partitionPath, partitionsPath, partitionStatePath } from '../zookeeper/znodes/paths.js';
import type { Leadership, PartitionFacts } from './context.js';
import type { NewLeadership } from './election.js';
import { versionAfter, type FencedWrites, type Write } from './fenced-writes.js';

/** Reads that are on their way together: enough for a group commit, few enough for a short turn. */
export const READS_AT_ONCE = 128;

/** `stale`: somebody else wrote meanwhile. */
export type Update =
  | { readonly outcome: 'written'; readonly leadership: Leadership }
  | { readonly outcome: 'stale' }
  | { readonly outcome: 'failed'; readonly error: ZkError };

export class LeadershipStore {
  readonly #zk: ZooKeeper;
  readonly #writes: FencedWrites;

  constructor(zk: ZooKeeper, writes: FencedWrites) {
    this.#zk = zk;
    this.#writes = writes;
  }

  /** Undefined: it was never led. */
  async read(partition: PartitionFacts, watcher?: () => void): Promise<Leadership | undefined> {
    try {
      const { data, stat } = await this.#zk.getData(statePath(partition), watcher);
      if (data === null) return undefined;
      const { leader, leaderEpoch, isr, controllerEpoch, leaderRecoveryState } = decodePartitionState(data);
      return { leader, leaderEpoch, isr, controllerEpoch, recoveryState: leaderRecoveryState, zkVersion: stat.version };
    } catch (error) {
      if (isZkError(error, 'NONODE')) return undefined;
      throw error;
    }
  }

  /** Takes what is written now. */
  async refresh(partitions: Iterable<PartitionFacts>): Promise<void> {
    await sideBySide(partitions, READS_AT_ONCE, async partition => {
      partition.leadership = await this.read(partition);
    });
  }

  /** Makes the nodes of partitions that were never led, with their parents, in one round where nothing of them is there yet. */
  async create(partitions: ReadonlyMap<PartitionFacts, NewLeadership>): Promise<Map<PartitionFacts, Update>> {
    const parents = new Set<string>();
    const whole = await this.#writes.writeEach([...partitions].map(([partition, next]) => {
      const { topic, index } = partition;
      const ops: Op[] = [made(partitionPath(topic, index), null), made(statePath(partition), encodeState(next))];
      // Requests of a session are carried out in their order: later batches find the parent.
      if (index === 0 && !parents.has(topic)) ops.unshift(made(partitionsPath(topic), null));
      parents.add(topic);
      return { item: partition, ops };
    }));
    const results = new Map<PartitionFacts, Update>();
    const left: [PartitionFacts, NewLeadership][] = [];
    for (const [partition, next] of partitions) {
      if (whole.get(partition)?.done === true) results.set(partition, { outcome: 'written', leadership: { ...next, zkVersion: 0 } });
      else left.push([partition, next]);
    }
    if (left.length > 0) await this.#createPiecemeal(left, results);
    return results;
  }

  /** A controller before this one may have died between the steps: each node by itself, and those that are there already are taken. */
  async #createPiecemeal(partitions: readonly [PartitionFacts, NewLeadership][], results: Map<PartitionFacts, Update>): Promise<void> {
    await this.#writes.writeEach([...new Set(partitions.map(([{ topic }]) => topic))].map(topic => ({ item: topic, ops: [made(partitionsPath(topic), null)] })));
    await this.#writes.writeEach(partitions.map(([item]) => ({ item, ops: [made(partitionPath(item.topic, item.index), null)] })));
    const states = await this.#writes.writeEach(partitions.map(([item, next]) => ({ item, ops: [made(statePath(item), encodeState(next))] })));
    for (const [partition, next] of partitions) {
      const written = states.get(partition)!;
      if (written.done) results.set(partition, { outcome: 'written', leadership: { ...next, zkVersion: 0 } });
      else results.set(partition, isZkError(written.error, 'NODEEXISTS') ? { outcome: 'stale' } : { outcome: 'failed', error: written.error });
    }
  }

  /** Each write is conditional on the partition epoch that its partition was last known to have. */
  async update(partitions: ReadonlyMap<PartitionFacts, NewLeadership>): Promise<Map<PartitionFacts, Update>> {
    const writes: Write<PartitionFacts>[] = [...partitions].map(([item, next]) => ({
      item, ops: [{ type: 'setData', path: statePath(item), data: encodeState(next), version: item.leadership?.zkVersion ?? -1 }],
    }));
    const results = new Map<PartitionFacts, Update>();
    for (const [partition, written] of await this.#writes.writeEach(writes)) {
      if (written.done) results.set(partition, { outcome: 'written', leadership: { ...partitions.get(partition)!, zkVersion: versionAfter(written.results, (partition.leadership?.zkVersion ?? -1) + 1) } });
      else results.set(partition, isZkError(written.error, 'BADVERSION') ? { outcome: 'stale' } : { outcome: 'failed', error: written.error });
    }
    return results;
  }
}

function statePath({ topic, index }: PartitionFacts): string {
  return partitionStatePath(topic, index);
}

function made(path: string, data: Buffer | null): Op {
  return { type: 'create', path, data, mode: 'persistent' };
}

function encodeState({ leader, leaderEpoch, isr, controllerEpoch, recoveryState }: NewLeadership): Buffer {
  return encodePartitionState({ leader, leaderEpoch, isr: [...isr], controllerEpoch, leaderRecoveryState: recoveryState });
}
