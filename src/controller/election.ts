// Who shall lead a partition (Election.scala, PartitionLeaderElectionAlgorithms). Pure: reads facts, changes nothing.

import { NO_LEADER, type ControllerContext, type Leadership, type PartitionFacts } from './context.js';
import { targetReplicas } from './replica-assignment.js';

/** What is to be written; the znode's version comes with the write. */
export type NewLeadership = Omit<Leadership, 'zkVersion'>;

export interface Elected {
  readonly next: NewLeadership;
  /** Who is told with LeaderAndIsr. */
  readonly recipients: readonly number[];
}

/**
 * `offline`: the leader is gone, or there was none; `unclean` says whether records may be lost for a leader, `asked` whether
 * somebody asked for just that.
 * `reassign`: somebody of the target. `preferred`: the first of the assignment. `controlledShutdown`: nobody who is leaving.
 */
export type Strategy =
  | { readonly kind: 'offline'; readonly asked: boolean; readonly unclean: (partition: PartitionFacts) => boolean }
  | { readonly kind: 'reassign' | 'preferred' | 'controlledShutdown' };

/** The first leadership of a new partition: first live replica, all live ones in sync. Undefined: nobody is alive. */
export function firstLeadership(partition: PartitionFacts, context: ControllerContext): NewLeadership | undefined {
  const alive = partition.assignment.replicas.filter(broker => context.isOnline(broker, partition));
  if (alive.length === 0) return undefined;
  return { leader: alive[0]!, leaderEpoch: 0, isr: alive, controllerEpoch: context.epoch, recoveryState: 0 };
}

/** Undefined: nobody can be elected. */
export function elect(partition: PartitionFacts, known: Leadership, strategy: Strategy, context: ControllerContext): Elected | undefined {
  switch (strategy.kind) {
    case 'offline': return electOffline(partition, known, strategy.unclean, context);
    case 'reassign': {
      const target = targetReplicas(partition.assignment);
      return moved(known, target.find(broker => canLead(broker, partition, known, context)), target, context);
    }
    case 'preferred': {
      const { replicas } = partition.assignment;
      return moved(known, replicas.slice(0, 1).find(broker => canLead(broker, partition, known, context)), replicas, context);
    }
    case 'controlledShutdown': {
      const reachable = partition.assignment.replicas.filter(broker => context.isReachable(broker, partition));
      const leader = reachable.find(broker => known.isr.includes(broker) && !context.shuttingDown.has(broker));
      return moved({ ...known, isr: known.isr.filter(broker => !context.shuttingDown.has(broker)) }, leader, reachable, context);
    }
  }
}

function canLead(broker: number, partition: PartitionFacts, known: Leadership, context: ControllerContext): boolean {
  return context.isOnline(broker, partition) && known.isr.includes(broker);
}

function moved(known: Leadership, leader: number | undefined, recipients: readonly number[], context: ControllerContext): Elected | undefined {
  if (leader === undefined) return undefined;
  return { next: { leader, leaderEpoch: known.leaderEpoch + 1, isr: known.isr, controllerEpoch: context.epoch, recoveryState: known.recoveryState }, recipients };
}

/** In sync and alive comes first, in the order of the assignment; where there is nobody, and it is allowed, the first alive, which then is the whole ISR. */
function electOffline(partition: PartitionFacts, known: Leadership, unclean: (partition: PartitionFacts) => boolean, context: ControllerContext): Elected | undefined {
  const alive = partition.assignment.replicas.filter(broker => context.isOnline(broker, partition));
  const clean = alive.find(broker => known.isr.includes(broker));
  if (clean !== undefined) return moved({ ...known, isr: known.isr.filter(broker => context.isOnline(broker, partition)) }, clean, alive, context);
  if (alive.length === 0 || !unclean(partition)) return undefined;
  return moved({ ...known, isr: [alive[0]!], recoveryState: 1 }, alive[0], alive, context);
}

/** The leadership after `broker` went: it leaves the ISR unless it is the last of it, and leads no more (ReplicaStateMachine.scala). */
export function withoutBroker(known: Leadership, broker: number, controllerEpoch: number): NewLeadership {
  return {
    leader: known.leader === broker ? NO_LEADER : known.leader,
    leaderEpoch: known.leaderEpoch + 1,
    isr: known.isr.length === 1 ? known.isr : known.isr.filter(replica => replica !== broker),
    controllerEpoch,
    recoveryState: known.recoveryState,
  };
}

/** The same, an epoch later: whoever is told takes the assignment that comes with it. */
export function nextEpoch(known: Leadership, controllerEpoch: number): NewLeadership {
  const { leader, leaderEpoch, isr, recoveryState } = known;
  return { leader, leaderEpoch: leaderEpoch + 1, isr, controllerEpoch, recoveryState };
}
