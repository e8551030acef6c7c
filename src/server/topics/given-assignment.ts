// Replicas that the caller chose: what Kafka asks of them (AdminZkClient.validateTopicCreate, validateReplicaAssignment).

import { ErrorCode } from '../../protocol/errors.js';
import { RequestError } from '../request-error.js';

/** Partitions that an error message tells of. */
const MOST_TOLD = 100;

/** Replicas by partition. */
export type Assignment = readonly (readonly number[])[];

/** Looks at what Kafka looks at before a new topic's settings. Brokers that do not live are taken: they may come to. */
export function checkGiven(byPartition: ReadonlyMap<number, readonly number[]>): void {
  const given = [...byPartition.values()];
  if (new Set(given.map(replicas => replicas.length)).size !== 1) throw refused('All partitions should have the same number of replicas');
  if (given[0]!.length === 0) throw refused('Cannot have replication factor of 0.');
  if (given.some(hasTwins)) throw refused(`Duplicate replica assignment found: HashMap(${wordsOf(byPartition)})`);
  const sum = [...byPartition.keys()].reduce((before, partition) => before + Math.max(0, partition), 0);
  if (sum !== (given.length * (given.length - 1)) / 2) throw outOfSequence();
}

/** Replicas by partition, none left out: indexes can have the right sum and be others all the same. */
export function inSequence(byPartition: ReadonlyMap<number, readonly number[]>): Assignment {
  return Array.from({ length: byPartition.size }, (_, partition) => {
    const replicas = byPartition.get(partition);
    if (replicas === undefined) throw outOfSequence();
    return replicas;
  });
}

function outOfSequence(): RequestError {
  return refused('partitions should be a consecutive 0-based integer sequence');
}

/** Of partitions that join a topic which has `existing` with `factor` replicas each. */
export function checkedGrowth(given: Assignment, count: number, existing: number, factor: number, lives: (broker: number) => boolean): Assignment {
  const unknown = new Set(given.flat().filter(broker => !lives(broker)));
  if (unknown.size > 0) throw refused(`Unknown broker(s) in replica assignment: ${[...unknown].join(', ')}.`);
  if (given.length !== count) throw refused(`Increasing the number of partitions by ${count} but ${given.length} assignments provided.`);
  given.forEach((replicas, at) => {
    if (replicas.length === 0) throw refused(`Cannot have replication factor of 0 for partition id ${existing + at}.`);
    if (hasTwins(replicas)) throw refused(`Duplicate brokers not allowed in replica assignment: ${replicas.join(', ')} for partition id ${existing + at}.`);
  });
  const others = given.flatMap((replicas, at) => (replicas.length === factor ? [] : [{ partition: existing + at, factor: replicas.length }]));
  if (others.length > 0) {
    throw refused(`Inconsistent replication factor between partitions, partition 0 has ${factor} while partitions `
      + `[${others.map(each => each.partition).join(', ')}] have replication factors [${others.map(each => each.factor).join(', ')}], respectively.`);
  }
  return given;
}

/** Partitions by number, as Scala prints them; a message has an end. */
function wordsOf(byPartition: ReadonlyMap<number, readonly number[]>): string {
  return [...byPartition].sort(([a], [b]) => a - b).slice(0, MOST_TOLD).map(([partition, replicas]) => `${partition} -> ArrayBuffer(${replicas.join(', ')})`).join(', ');
}

function hasTwins(replicas: readonly number[]): boolean {
  return new Set(replicas).size < replicas.length;
}

function refused(why: string): RequestError {
  return new RequestError(ErrorCode.InvalidReplicaAssignment, why);
}
