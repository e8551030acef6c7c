// Which brokers hold which partition of a new topic (AdminUtils.java): leaders go round the brokers from a random start,
// and each partition's further replicas are shifted, so that a broker's load is spread when it fails.

import type { Random } from '../../base/random.js';

export class AssignmentError extends Error {
  override readonly name: string = 'AssignmentError';
}

/** Kafka has no error of its own for that. */
export class RacksUnknown extends AssignmentError {
  override readonly name = 'RacksUnknown';
}

export interface AssignableBroker {
  readonly id: number;
  readonly rack: string | null;
}

/**
 * Replicas of partitions first..first + count - 1. With racks, brokers alternate by rack and a partition's replicas lie
 * on different racks as long as there are any. `start` and `shift` are given when partitions join an existing topic.
 */
export function assignReplicas(brokers: readonly AssignableBroker[], count: number, factor: number, random: Random, first = 0, start = -1, shift = -1): number[][] {
  if (factor > brokers.length) throw new AssignmentError(`Replication factor: ${factor} larger than available brokers: ${brokers.length}.`);
  const racked = brokers.filter(broker => broker.rack !== null).length;
  if (racked !== 0 && racked !== brokers.length) throw new RacksUnknown('Not all brokers have rack information for replica rack aware assignment.');
  const list = racked === 0 ? [...brokers].sort((a, b) => a.id - b.id) : alternateRacks(brokers);
  const racks = new Set(list.map(({ rack }) => rack)).size;
  const begin = start >= 0 ? start : random.int(list.length);
  let moved = shift >= 0 ? shift : random.int(list.length);
  let partition = Math.max(0, first);
  const assignment: number[][] = [];
  for (let made = 0; made < count; made++, partition++) {
    if (partition > 0 && partition % list.length === 0) moved++;
    assignment.push(replicasOf(list, (partition + begin) % list.length, racked > 0 ? moved * racks : moved, factor, racked > 0));
  }
  return assignment;
}

function replicasOf(list: readonly AssignableBroker[], leaderAt: number, shift: number, factor: number, racked: boolean): number[] {
  const leader = list[leaderAt]!;
  const chosen = [leader];
  const racks = new Set([leader.rack]);
  const allRacks = new Set(list.map(broker => broker.rack)).size;
  const others = list.length - 1;
  for (let step = 0; chosen.length < factor; step++) {
    const broker = list[(leaderAt + 1 + ((shift + step) % others)) % list.length]!;
    // A rack is used again only when every rack has one, a broker never.
    if (chosen.includes(broker) || (racked && racks.has(broker.rack) && racks.size < allRacks)) continue;
    chosen.push(broker);
    racks.add(broker.rack);
  }
  return chosen.map(broker => broker.id);
}

function alternateRacks(brokers: readonly AssignableBroker[]): AssignableBroker[] {
  const byRack = new Map<string, AssignableBroker[]>();
  for (const broker of [...brokers].sort((a, b) => a.id - b.id)) {
    const rack = broker.rack ?? '';
    byRack.set(rack, [...(byRack.get(rack) ?? []), broker]);
  }
  const racks = [...byRack.keys()].sort().map(rack => byRack.get(rack)!);
  const list: AssignableBroker[] = [];
  for (let round = 0; list.length < brokers.length; round++) for (const rack of racks) if (round < rack.length) list.push(rack[round]!);
  return list;
}
