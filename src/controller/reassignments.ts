// Partitions that move to other brokers (KafkaController.onPartitionReassignment). The phases of one, with the letters that
// Kafka has for them:
//   U  what is to be is written to the topic's znode first, so that a later controller goes on where this one died
//   A  until all replicas of the target are in sync: the added ones are told to follow
//   B  when they are: a leader of the target, the others out of the ISR and stopped, their logs removed, and last the
//      assignment without them. It is written last because it is the only place that still knows them.

import type { Logger } from '../base/logger.js';
import { ErrorCode } from '../protocol/errors.js';
import type { WatchEvent } from '../zookeeper/types.js';
import { decodeReassignment, encodeReassignment, type PartitionReassignment } from '../zookeeper/znodes/reassignment.js';
import { ZnodePath } from '../zookeeper/znodes/paths.js';
import type { ControllerContext, PartitionFacts } from './context.js';
import { nextEpoch } from './election.js';
import { ControllerMoved } from './fenced-writes.js';
import type { LeadershipStore } from './leadership-store.js';
import { refuseLaterController, type PartitionStateMachine } from './partition-state-machine.js';
import { assignedTo, isBeingReassigned, originReplicas, reassignedTo, sameAssignment, sameList, targetReplicas, NO_REPLICAS, type ReplicaAssignment } from './replica-assignment.js';
import type { ReplicaStateMachine } from './replica-state-machine.js';
import type { RequestBatch } from './request-batch.js';
import type { ControllerStore } from './store.js';
import type { TopicDeletion } from './topic-deletion.js';

export interface PartitionResult {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** `replicas` null: cancel what is under way. */
export interface AskedReassignment {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[] | null;
}

export interface Ongoing {
  readonly topic: string;
  readonly partition: number;
  readonly assignment: ReplicaAssignment;
}

export interface ReassignmentsOptions {
  readonly context: ControllerContext;
  readonly store: ControllerStore;
  readonly leaderships: LeadershipStore;
  readonly partitions: PartitionStateMachine;
  readonly replicas: ReplicaStateMachine;
  readonly batch: RequestBatch;
  readonly deletion: TopicDeletion;
  readonly logger: Logger;
  /** Leaders change the ISR without the controller: its nodes are watched while they are reassigned. */
  readonly watchesIsr: boolean;
  /** Called when the ISR of one that is watched may have changed. */
  readonly isrWatcher: (partition: PartitionFacts) => () => void;
  /** Has `fromNode` called in an event of its own; watches /admin/reassign_partitions too. */
  readonly nodeChanged: (event?: WatchEvent) => void;
}

const SMALL_SET = 4;

export class Reassignments {
  readonly #options: ReassignmentsOptions;

  constructor(options: ReassignmentsOptions) {
    this.#options = options;
  }

  /** What administrators wrote to /admin/reassign_partitions; answers the partitions that were begun or gone on with. */
  async fromNode(): Promise<Set<PartitionFacts>> {
    const asked = await this.#node();
    if (asked === undefined) return new Set();
    const results = await this.#begin(asked.map(each => ({ ...each, assignment: this.#build(each) })));
    const failed = results.filter(({ errorCode }) => errorCode !== ErrorCode.None);
    if (failed.length > 0) {
      this.#options.logger.warn({ failed: failed.slice(0, 10) }, 'reassignments of the znode could not be begun');
      await this.#shrinkNode(each => failed.some(({ topic, partition }) => topic === each.topic && partition === each.partition));
    }
    return new Set(results.flatMap(({ errorCode, topic, partition }) => (errorCode === ErrorCode.None ? [this.#options.context.partition(topic, partition)!] : [])));
  }

  /** The api: what is asked last counts, also where the znode said something else. */
  async alter(asked: readonly AskedReassignment[]): Promise<PartitionResult[]> {
    const refused: PartitionResult[] = [];
    const built: (AskedReassignment & { readonly assignment: ReplicaAssignment | undefined })[] = [];
    for (const each of asked) {
      const why = each.replicas === null ? undefined : this.#whyNot(each.topic, each.partition, each.replicas);
      if (why === undefined) built.push({ ...each, assignment: this.#build(each) });
      else refused.push(result(each, ErrorCode.InvalidReplicaAssignment, why));
    }
    await this.#shrinkNode(each => built.some(({ topic, partition, assignment }) => assignment !== undefined && topic === each.topic && partition === each.partition));
    return [...refused, ...(await this.#begin(built))];
  }

  /** Null: all. */
  list(asked: readonly { readonly topic: string; readonly partition: number }[] | null): Ongoing[] {
    const { context } = this.#options;
    const partitions = asked === null ? context.reassigning : new Set(asked.map(({ topic, partition }) => context.partition(topic, partition)));
    return [...partitions].flatMap(each => (each !== undefined && isBeingReassigned(each.assignment) ? [{ topic: each.topic, partition: each.index, assignment: each.assignment }] : []));
  }

  /** At take-over: those of the znode, then those that were begun by the api. */
  async resumeAll(): Promise<void> {
    const begun = await this.fromNode();
    await this.resume(partition => !begun.has(partition));
  }

  async resume(which: (partition: PartitionFacts) => boolean): Promise<void> {
    for (const partition of [...this.#options.context.reassigning]) if (which(partition)) await this.#proceed(partition, partition.assignment);
  }

  /** Those of which a broker came that they wait for. */
  resumeOn(brokers: ReadonlySet<number>): Promise<void> {
    return this.resume(({ assignment }) => targetReplicas(assignment).some(broker => brokers.has(broker)));
  }

  /** Its ISR changed: it may be complete. */
  async maybeComplete(partition: PartitionFacts): Promise<void> {
    if (this.#options.context.reassigning.has(partition) && isComplete(partition, partition.assignment)) await this.#proceed(partition, partition.assignment);
  }

  #whyNot(topic: string, index: number, replicas: readonly number[]): string | undefined {
    const { context } = this.#options;
    const list = `ArrayBuffer(${replicas.join(', ')})`;
    if (replicas.length === 0) return 'Empty replica list specified in partition reassignment.';
    if (new Set(replicas).size < replicas.length) return `Duplicate replica ids in partition reassignment replica list: ${list}`;
    if (replicas.some(broker => broker < 0)) return `Invalid broker id in replica list: ${list}`;
    const { adding } = reassignedTo(context.partition(topic, index)?.assignment ?? NO_REPLICAS, replicas);
    if (adding.every(broker => context.isLive(broker))) return undefined;
    const live = [...context.brokers.keys()].filter(broker => context.isLive(broker)).sort((a, b) => a - b);
    // As Scala prints them: small sets are of another class.
    return `Replica assignment has brokers that are not alive. Replica list: ArrayBuffer(${adding.join(', ')}), live broker list: ${live.length > SMALL_SET ? 'HashSet' : 'Set'}(${live.join(', ')})`;
  }

  /** Undefined: nothing is under way that could be cancelled. */
  #build({ topic, partition, replicas }: AskedReassignment): ReplicaAssignment | undefined {
    const assignment = this.#options.context.partition(topic, partition)?.assignment ?? NO_REPLICAS;
    if (replicas !== null) return reassignedTo(assignment, replicas);
    return isBeingReassigned(assignment) ? reassignedTo(assignment, originReplicas(assignment)) : undefined;
  }

  async #begin(asked: readonly (AskedReassignment & { readonly assignment: ReplicaAssignment | undefined })[]): Promise<PartitionResult[]> {
    const { context, logger } = this.#options;
    const results: PartitionResult[] = [];
    for (const each of asked) {
      const partition = context.partition(each.topic, each.partition);
      if (each.assignment === undefined) {
        results.push(result(each, ErrorCode.NoReassignmentInProgress, 'No partition reassignment is in progress.'));
      } else if (partition === undefined || context.isDeleting(partition)) {
        results.push(result(each, ErrorCode.UnknownTopicOrPartition, 'The partition does not exist.'));
      } else {
        try {
          await this.#proceed(partition, each.assignment);
          results.push(result(each, ErrorCode.None, null));
        } catch (error) {
          if (error instanceof ControllerMoved) throw error;
          logger.error({ topic: each.topic, partition: each.partition, error: String(error) }, 'a reassignment failed');
          results.push(result(each, ErrorCode.UnknownServerError, 'The server experienced an unexpected error when processing the request.'));
        }
      }
    }
    return results;
  }

  async #proceed(partition: PartitionFacts, wanted: ReplicaAssignment): Promise<void> {
    const { context, deletion, replicas, batch } = this.#options;
    deletion.hold([partition.topic]);
    await this.#update(partition, wanted);
    await this.#refresh(partition);
    if (!isComplete(partition, wanted)) {
      // A
      await this.#raiseEpoch(partition, wanted);
      await replicas.change(wanted.adding.map(broker => ({ partition, broker })).filter(replica => !partition.replicaStates.has(replica.broker)), 'new');
      return;
    }
    // B
    await replicas.change(wanted.adding.map(broker => ({ partition, broker })), 'online');
    const complete = assignedTo(targetReplicas(wanted));
    partition.assignment = complete;
    await this.#moveLeader(partition);
    await this.#stop(partition, wanted.removing);
    await this.#writeAssignment(partition, complete);
    partition.assignment = complete;
    context.reassigning.delete(partition);
    await this.#shrinkNode(each => each.topic === partition.topic && each.partition === partition.index && sameList(each.replicas, complete.replicas));
    batch.updateMetadata([partition]);
    await batch.send();
    this.#options.logger.info({ topic: partition.topic, partition: partition.index, replicas: complete.replicas }, 'reassignment completed');
    await deletion.resume([partition.topic]);
  }

  /** U: those that were being added and are not wanted any more are stopped at once. */
  async #update(partition: PartitionFacts, wanted: ReplicaAssignment): Promise<void> {
    const known = partition.assignment;
    if (!sameAssignment(known, wanted)) {
      await this.#writeAssignment(partition, wanted);
      partition.assignment = wanted;
      await this.#stop(partition, known.replicas.filter(broker => !wanted.replicas.includes(broker)));
    }
    this.#options.context.reassigning.add(partition);
  }

  async #refresh(partition: PartitionFacts): Promise<void> {
    const { leaderships, watchesIsr, isrWatcher, context } = this.#options;
    partition.leadership = await leaderships.read(partition, watchesIsr ? isrWatcher(partition) : undefined);
    refuseLaterController([partition], context);
  }

  /** Everybody learns of the new assignment under a new leader epoch. */
  async #raiseEpoch(partition: PartitionFacts, assignment: ReplicaAssignment): Promise<void> {
    const { context, leaderships, batch } = this.#options;
    for (;;) {
      if (partition.leadership === undefined) throw new Error(`${partition.topic}-${partition.index} was never led`);
      const update = (await leaderships.update(new Map([[partition, nextEpoch(partition.leadership, context.epoch)]]))).get(partition)!;
      if (update.outcome === 'failed') throw update.error;
      if (update.outcome === 'written') {
        partition.leadership = update.leadership;
        break;
      }
      await this.#refresh(partition);
    }
    // Added ones may take a good directory where they had a bad one; the others may not.
    batch.leaderAndIsr(originReplicas(assignment), partition, false);
    batch.leaderAndIsr(assignment.adding, partition, true);
    await batch.send();
  }

  async #moveLeader(partition: PartitionFacts): Promise<void> {
    const { context, partitions } = this.#options;
    const leader = partition.leadership!.leader;
    if (partition.assignment.replicas.includes(leader) && context.isOnline(leader, partition)) return this.#raiseEpoch(partition, partition.assignment);
    await partitions.bringOnline([partition], 'reassign');
  }

  async #stop(partition: PartitionFacts, brokers: readonly number[]): Promise<void> {
    if (brokers.length === 0) return;
    const removed = brokers.map(broker => ({ partition, broker }));
    for (const state of ['offline', 'deletionStarted', 'deletionSuccessful', 'nonExistent'] as const) await this.#options.replicas.change(removed, state);
  }

  async #writeAssignment(partition: PartitionFacts, assignment: ReplicaAssignment): Promise<void> {
    const topic = this.#options.context.topics.get(partition.topic)!;
    await this.#options.store.writeAssignments(topic, new Map([...topic.partitions].map(([index, each]) => [index, each === partition ? assignment : each.assignment])));
  }

  #node(): Promise<PartitionReassignment[] | undefined> {
    return this.#options.store.asked(ZnodePath.reassignPartitions, decodeReassignment, this.#options.nodeChanged);
  }

  /** What is done or refused leaves the znode; an empty one is removed, and the next is heard of. */
  async #shrinkNode(done: (each: PartitionReassignment) => boolean): Promise<void> {
    const asked = await this.#node();
    if (asked === undefined) return;
    const left = asked.filter(each => !done(each));
    if (left.length === asked.length && left.length > 0) return;
    if (left.length > 0) {
      await this.#options.store.replace(ZnodePath.reassignPartitions, encodeReassignment(left));
    } else {
      await this.#options.store.erase(ZnodePath.reassignPartitions);
      this.#options.nodeChanged();
    }
  }
}

/** All of the target are in sync. */
function isComplete({ leadership }: PartitionFacts, assignment: ReplicaAssignment): boolean {
  if (!isBeingReassigned(assignment)) return true;
  return leadership !== undefined && targetReplicas(assignment).every(broker => leadership.isr.includes(broker));
}

function result({ topic, partition }: { readonly topic: string; readonly partition: number }, errorCode: number, errorMessage: string | null): PartitionResult {
  return { topic, partition, errorCode, errorMessage };
}
