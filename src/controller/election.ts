// Who shall lead a partition (PartitionStateMachine.scala, Election.scala). Pure: reads facts, changes nothing.

import { NO_LEADER, type Leadership, type PartitionFacts } from './context.js';

export interface ElectionRules {
  readonly live: (broker: number) => boolean;
  /** unclean.leader.election.enable of the topic. */
  readonly unclean: boolean;
  readonly controllerEpoch: number;
}

/** The first leadership of a new partition: first live replica, all live ones in sync. Undefined: nobody is alive. */
export function firstLeadership(partition: PartitionFacts, rules: ElectionRules): Omit<Leadership, 'zkVersion'> | undefined {
  const alive = partition.replicas.filter(rules.live);
  if (alive.length === 0) return undefined;
  return { leader: alive[0]!, leaderEpoch: 0, isr: alive, controllerEpoch: rules.controllerEpoch, recoveryState: 0 };
}

/**
 * A new leadership for a partition whose leader is gone: the first live replica of the assignment that is in sync; where
 * that is nobody and the topic allows it, the first live one at all, which then is the whole ISR. Undefined: none can lead.
 */
export function electLeader(partition: PartitionFacts, known: Leadership, rules: ElectionRules): Omit<Leadership, 'zkVersion'> | undefined {
  const alive = partition.replicas.filter(rules.live);
  const clean = alive.find(replica => known.isr.includes(replica));
  const leaderEpoch = known.leaderEpoch + 1;
  if (clean !== undefined) {
    return { leader: clean, leaderEpoch, isr: known.isr.filter(rules.live), controllerEpoch: rules.controllerEpoch, recoveryState: known.recoveryState };
  }
  if (!rules.unclean || alive.length === 0) return undefined;
  return { leader: alive[0]!, leaderEpoch, isr: [alive[0]!], controllerEpoch: rules.controllerEpoch, recoveryState: 1 };
}

/** The leadership after `broker` went: it leaves the ISR unless it is the last of it, and leads no more (ReplicaStateMachine.scala). */
export function withoutBroker(known: Leadership, broker: number, controllerEpoch: number): Omit<Leadership, 'zkVersion'> {
  const rest = known.isr.filter(replica => replica !== broker);
  return {
    leader: known.leader === broker ? NO_LEADER : known.leader,
    leaderEpoch: known.leaderEpoch + 1,
    isr: rest.length > 0 ? rest : known.isr,
    controllerEpoch,
    recoveryState: known.recoveryState,
  };
}
