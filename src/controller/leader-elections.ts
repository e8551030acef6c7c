// Elections that somebody asked for: by the api, by /admin/preferred_replica_election, or the controller itself because
// leaders have gathered where they are not preferred (KafkaController.processReplicaLeaderElection,
// checkAndTriggerAutoLeaderRebalance).

import type { Logger } from '../base/logger.js';
import { ErrorCode } from '../protocol/errors.js';
import type { WatchEvent } from '../zookeeper/types.js';
import { decodePreferredElection, type TopicPartition } from '../zookeeper/znodes/notifications.js';
import { ZnodePath } from '../zookeeper/znodes/paths.js';
import { NO_LEADER, type ControllerContext, type PartitionFacts } from './context.js';
import { elect } from './election.js';
import type { ElectionResult, PartitionStateMachine } from './partition-state-machine.js';
import type { ControllerStore } from './store.js';

export type ElectionType = 'preferred' | 'unclean';

export type LeaderElectionResult = TopicPartition & (
  | { readonly errorCode: 0; readonly leader: number }
  | { readonly errorCode: number; readonly errorMessage: string | null; readonly leader?: undefined });

export interface LeaderElectionsOptions {
  readonly context: ControllerContext;
  readonly store: ControllerStore;
  readonly partitions: PartitionStateMachine;
  readonly logger: Logger;
  /** leader.imbalance.per.broker.percentage */
  readonly imbalancePercentage: () => number;
  /** Has `fromNode` called in an event of its own; watches the node too. */
  readonly nodeChanged: (event?: WatchEvent) => void;
}

export class LeaderElections {
  readonly #options: LeaderElectionsOptions;

  constructor(options: LeaderElectionsOptions) {
    this.#options = options;
  }

  /** The api: each partition has an answer. */
  async elect(asked: readonly TopicPartition[], type: ElectionType): Promise<LeaderElectionResult[]> {
    const { context, partitions } = this.#options;
    const results: LeaderElectionResult[] = [];
    const electable = new Set<PartitionFacts>();
    for (const each of asked) {
      const partition = context.partition(each.topic, each.partition);
      if (partition === undefined) results.push({ ...each, errorCode: ErrorCode.UnknownTopicOrPartition, errorMessage: 'The partition does not exist.' });
      else if (context.isDeleting(partition)) results.push({ ...each, errorCode: ErrorCode.InvalidTopicException, errorMessage: 'The topic is being deleted' });
      else if (this.#isWellLed(partition, type)) results.push({ ...each, errorCode: ErrorCode.ElectionNotNeeded, errorMessage: 'Leader election not needed for topic partition.' });
      else electable.add(partition);
    }
    const notAvailable = type === 'preferred' ? ErrorCode.PreferredLeaderNotAvailable : ErrorCode.EligibleLeadersNotAvailable;
    const elected = await partitions.bringOnline([...electable], type);
    for (const partition of electable) {
      const each = { topic: partition.topic, partition: partition.index };
      const result = elected.get(partition) ?? firstElection(partition);
      if (result.outcome === 'elected') results.push({ ...each, errorCode: 0, leader: result.leadership.leader });
      else if (result.outcome === 'refused') results.push({ ...each, errorCode: notAvailable, errorMessage: result.why });
      else results.push({ ...each, errorCode: ErrorCode.UnknownServerError, errorMessage: null });
    }
    return results;
  }

  /** What administrators wrote to /admin/preferred_replica_election; the node goes when it was seen to. */
  async fromNode(): Promise<void> {
    const { context, store, partitions, logger, nodeChanged } = this.#options;
    const asked = await store.asked(ZnodePath.preferredReplicaElection, decodePreferredElection, nodeChanged);
    if (asked === undefined) return;
    const electable = asked.flatMap(({ topic, partition }) => {
      const found = context.partition(topic, partition);
      return found === undefined || context.isDeleting(found) || this.#isWellLed(found, 'preferred') ? [] : [found];
    });
    logger.info({ partitions: electable.length }, 'preferred leaders are elected, as the znode asks');
    await partitions.bringOnline(electable, 'preferred');
    await store.erase(ZnodePath.preferredReplicaElection);
    // The watch that was armed heard of that; the next is to be heard of too.
    nodeChanged();
  }

  /** Gives brokers back the partitions they are preferred for, where they have lost too many and could take them. */
  async rebalance(): Promise<void> {
    const { context, partitions, imbalancePercentage, logger } = this.#options;
    const byBroker = new Map<number, PartitionFacts[]>();
    for (const partition of context.partitions()) {
      const preferred = partition.assignment.replicas[0];
      if (preferred === undefined || context.isDeleting(partition)) continue;
      const some = byBroker.get(preferred);
      if (some === undefined) byBroker.set(preferred, [partition]);
      else some.push(partition);
    }
    for (const [broker, some] of byBroker) {
      const elsewhere = some.filter(({ leadership }) => leadership !== undefined && leadership.leader !== broker);
      if (elsewhere.length / some.length <= imbalancePercentage() / 100) continue;
      const electable = elsewhere.filter(partition => elect(partition, partition.leadership!, { kind: 'preferred' }, context) !== undefined);
      if (electable.length === 0) continue;
      logger.info({ broker, partitions: electable.length }, 'preferred leaders are elected, the balance was lost');
      await partitions.bringOnline(electable, 'preferred');
    }
  }

  #isWellLed({ assignment, leadership }: PartitionFacts, type: ElectionType): boolean {
    const leader = leadership?.leader ?? NO_LEADER;
    return type === 'preferred' ? leader === assignment.replicas[0] : leader !== NO_LEADER && this.#options.context.isLive(leader);
  }
}

/** One that was never led has no election but its first. */
function firstElection({ topic, index, leadership }: PartitionFacts): ElectionResult {
  if (leadership !== undefined) return { outcome: 'elected', leadership };
  return { outcome: 'refused', why: `LeaderAndIsr information doesn't exist for partition ${topic}-${index} in NewPartition state` };
}
